import { DataSourcePlugin } from '@grafana/data';

import { ConfigEditor } from './components/ConfigEditor';
import { QueryEditor } from './components/QueryEditor';
import { DataSource } from './datasource';
import type { StreamlensOptions, StreamlensSecrets } from './options';
import type { StreamlensQuery } from './query';

/** What Grafana loads: the data source with its two editors. */
export const plugin = new DataSourcePlugin<DataSource, StreamlensQuery, StreamlensOptions, StreamlensSecrets>(
  DataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
