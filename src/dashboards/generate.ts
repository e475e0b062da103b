import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { dashboardFiles } from './files';

const folder = path.resolve(__dirname, '../../dashboards');

mkdirSync(folder, { recursive: true });
for (const [name, json] of dashboardFiles()) {
  writeFileSync(path.join(folder, name), json);
}
