import { readFileSync } from 'node:fs';
import path from 'node:path';

import { alertRules, ALERTS } from './alerts';
import { LIMITED, METRIC, NOISE } from './metrics';

const root = path.resolve(__dirname, '../..');

function text(...names: string[]): string {
  return readFileSync(path.join(root, ...names), 'utf8');
}

interface Panel {
  id: number;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: unknown;
  targets: Array<{ refId: string; expr: string; legendFormat: string; datasource: unknown }>;
  fieldConfig: { defaults: { unit?: string; thresholds?: { steps: Array<{ value: number | null; color: string }> } } };
}

const dashboard = JSON.parse(text('dashboards', 'operations.json')) as {
  uid: string;
  tags: string[];
  panels: Panel[];
  templating: { list: Array<{ name: string; type: string; query: unknown; description?: string; multi?: boolean }> };
};
const runbook = text('docs', 'operations.md');

/** The metrics of Go and of the process that the dashboard uses; every Prometheus client has them. */
const PROCESS = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'go_goroutines', 'up'];

/** Returns the names of metrics in an expression. */
function metricsOf(expr: string): string[] {
  return [...expr.matchAll(/\b(?:streamlens_collector|process|go)_\w+|\bup\b/g)].map(([name]) =>
    name.replace(/_bucket$/, '')
  );
}

const COLLECTOR_METRICS: string[] = Object.values(METRIC);

test('the alert rules are what the source makes', () => {
  expect(text('provisioning', 'alerting', 'operations.json')).toBe(alertRules());
});

test('the runbook explains every metric and reason that is used', () => {
  for (const metric of COLLECTOR_METRICS) {
    expect(runbook).toMatch(new RegExp(`^\\| \`${metric}(\\{[a-z,]+\\})?\` \\|`, 'm'));
  }
  for (const reason of [...NOISE, ...LIMITED]) {
    expect(runbook).toContain(`\`${reason}\``);
  }
});

test('the dashboard shows every metric that the runbook has, but what others read', () => {
  const shown = new Set(dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsOf(expr))));
  const documented = [...runbook.matchAll(/^\| `(streamlens_collector_\w+)/gm)].map(([, name]) => name);
  const others = ['streamlens_collector_written_bytes_total', 'streamlens_collector_handed_timestamp_milliseconds'];
  expect(documented.filter((name) => !shown.has(name) && !others.includes(name))).toEqual([]);
});

test('viewers of the other pages are not led to it', () => {
  expect(dashboard.tags).not.toContain('streamlens');
});

test('collectors and data source can be chosen', () => {
  const [source, instance] = dashboard.templating.list;
  expect(source).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
  expect(instance).toMatchObject({ name: 'instance', type: 'query', multi: true, includeAll: true });
  expect([source.description, instance.description]).not.toContain(undefined);
});

test('ids are of their own, and panels do not lie upon each other', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of dashboard.panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([x, taken.get(`${x},${y}`)]).toEqual([expect.any(Number), undefined]);
        expect(x).toBeLessThan(24);
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

test.each(dashboard.panels.map((panel) => [panel.title, panel] as const))('%s is complete', (_, panel) => {
  expect(panel.description).toMatch(/\.$/);
  expect(panel.fieldConfig.defaults.unit).toBeTruthy();
  const source = { type: 'prometheus', uid: '${datasource}' };
  expect(panel.datasource).toEqual(source);
  expect(panel.targets.length).toBeGreaterThan(0);
  for (const { expr, legendFormat, datasource } of panel.targets) {
    expect(datasource).toEqual(source);
    expect(legendFormat).toBeTruthy();
    const names = metricsOf(expr);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      expect([...COLLECTOR_METRICS, ...PROCESS]).toContain(name);
    }
    // Every selector is of the chosen collectors.
    expect(expr.match(/instance=~"\$instance"/g)).toHaveLength(names.length);
  }
});

test.each(ALERTS.map((alert) => [alert.title, alert] as const))('the alert %s is complete', (_, alert) => {
  expect(metricsOf(alert.expr).length).toBeGreaterThan(0);
  expect(alert.expr).not.toContain('$');
  for (const name of metricsOf(alert.expr)) {
    expect([...COLLECTOR_METRICS, ...PROCESS]).toContain(name);
  }
  expect(runbook).toMatch(
    new RegExp(`^### ${alert.uid}\n\n\\*${alert.severity[0].toUpperCase()}${alert.severity.slice(1)}:`, 'm')
  );
  const panel = dashboard.panels.find(({ id }) => id === alert.panel);
  const shown = panel?.targets.flatMap(({ expr }) => metricsOf(expr));
  expect(shown).toEqual(expect.arrayContaining(metricsOf(alert.expr).slice(0, 1)));
  // A line of a limit stands where the alert fires.
  const limits = panel?.fieldConfig.defaults.thresholds?.steps
    .filter(({ color }) => color === 'red')
    .map(({ value }) => value);
  if (limits?.length && alert.above) {
    expect(limits).toEqual([alert.above]);
  }
});

test('one alert fires when nothing is known, and the others do not', () => {
  expect(ALERTS.filter(({ unknownToo }) => unknownToo).map(({ uid }) => uid)).toEqual(['collector-not-ready']);
});
