import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { alertRules } from './alerts';
import { widgetAlertFiles } from './alerts-widgets';
import { dashboardFiles } from './files';

const root = path.resolve(__dirname, '../..');

function write(folder: string, name: string, json: string): void {
  mkdirSync(path.join(root, folder), { recursive: true });
  writeFileSync(path.join(root, folder, name), json);
}

for (const [name, json] of dashboardFiles()) {
  write('dashboards', name, json);
}
write('provisioning/alerting', 'operations.json', alertRules());
for (const [name, json] of widgetAlertFiles()) {
  write('provisioning/alerting', name, json);
}
