import type { DataSourceInstanceSettings, ScopedVars, TypedVariableModel } from '@grafana/data';
import { type BackendSrv, type BackendSrvRequest, setBackendSrv, setTemplateSrv } from '@grafana/runtime';
import { type CustomVariable, EmbeddedScene, SceneFlexLayout, sceneGraph, SceneVariableSet } from '@grafana/scenes';
import { of } from 'rxjs';

import { DataSource } from './datasource';
import type { StreamlensOptions } from './options';

/** Returns a data source with the uid `streamlens`, for tests. */
export function openDataSource(): DataSource {
  return new DataSource({
    uid: 'streamlens',
    type: 'streamlens-analytics-datasource',
    jsonData: {},
  } as DataSourceInstanceSettings<StreamlensOptions>);
}

/** Lets Grafana's server answer every request with these values, for tests; returns what it is asked from then on. */
export function answerWith(values: string[]): BackendSrvRequest[] {
  const asked: BackendSrvRequest[] = [];
  const fetch = (request: BackendSrvRequest) => {
    asked.push(request);
    return of({ data: values });
  };
  setBackendSrv({ fetch } as unknown as BackendSrv);
  return asked;
}

/**
 * Opens a dashboard with these variables, for tests: Grafana's own scene library replaces them, as it does for
 * dashboards. Only the few lines of Grafana's core that lead there are rewritten, as they are in no package.
 */
export function openDashboard(...variables: CustomVariable[]): void {
  const scene = new EmbeddedScene({
    $variables: new SceneVariableSet({ variables }),
    body: new SceneFlexLayout({ children: [] }),
  });
  setTemplateSrv({
    getVariables: () =>
      variables.map(
        ({ state: { name, type, value, text } }) => ({ name, type, current: { value, text } }) as TypedVariableModel
      ),
    replace: (target, scopedVars?: ScopedVars, format?) =>
      sceneGraph.interpolate(scene, target, scopedVars, format as Parameters<typeof sceneGraph.interpolate>[3]),
    containsTemplate: () => false,
    updateTimeRange: () => {},
  });
}
