import { readFileSync } from 'node:fs';
import path from 'node:path';

import { WIDGETS } from '../widgets';
import { needsPremium, type WidgetAlert, WIDGET_ALERTS, widgetAlertFiles } from './alerts-widgets';
import { dashboardFiles } from './files';
import { dashboard } from './page';

const root = path.resolve(__dirname, '../..');
const document = readFileSync(path.join(root, 'docs/alerts.md'), 'utf8');

interface Linked {
  uid: string;
  templating: { list: Array<{ name: string; options?: Array<{ value: string }> }> };
}

interface Panel {
  id: number;
  targets: Array<{ queryType: string }>;
}

function panelOf({ page, panel }: WidgetAlert): Panel | undefined {
  const { panels } = JSON.parse(dashboard(page)) as { panels: Panel[] };
  return panels.find(({ id }) => id === panel);
}

test('the files are what the source makes', () => {
  for (const [name, json] of widgetAlertFiles()) {
    expect(readFileSync(path.join(root, 'provisioning/alerting', name), 'utf8')).toBe(json);
  }
});

test('a rule is in the file of its level', () => {
  const files = widgetAlertFiles();
  for (const alert of WIDGET_ALERTS) {
    expect(files.get(needsPremium(alert) ? 'premium.json' : 'streams.json')).toContain(`"streamlens-${alert.uid}"`);
  }
  const premium = WIDGET_ALERTS.filter(needsPremium).map(({ uid }) => uid);
  expect(premium).toEqual([
    'broadcast-restarting',
    'broadcast-duplicate',
    'broadcast-inactive',
    'broadcast-loss',
    'broadcast-round-trip',
    'buffering-stream', 'buffering-country', 'latency', 'error-codes']);
});

test('no two have the same uid or title', () => {
  for (const key of ['uid', 'title'] as const) {
    expect(new Set(WIDGET_ALERTS.map((alert) => alert[key])).size).toBe(WIDGET_ALERTS.length);
  }
});

describe.each(WIDGET_ALERTS.map((alert) => [alert.uid, alert] as const))('%s', (uid, alert) => {
  const questions = Object.entries(alert.questions);

  test.each(questions)('asks for %s what the widget has', (_, { queryType, metric, breakdown, unit, form, from, to = 0 }) => {
    const widget = WIDGETS.find(({ type }) => type === queryType)!;
    expect(widget).toBeDefined();
    // A rule takes one number.
    const numbers = widget.columns.filter((column) => column.unit !== '').map(({ name }) => name);
    expect(metric ? widget.metrics : numbers.slice(1)).toEqual(metric ? expect.arrayContaining([metric]) : []);
    expect(!breakdown || widget.options.includes('breakdown')).toBe(true);
    expect(!unit || widget.options.includes('unit')).toBe(true);
    expect(from).toBeGreaterThan(to);
    expect(form === 'series').toBe(alert.last !== undefined);
  });

  test('uses every answer, and no other', () => {
    const names = [...(alert.last ? ['last'] : []), ...questions.map(([name]) => name)];
    const used = [...alert.value.matchAll(/\$(\w+)/g)].map(([, name]) => name);
    expect(new Set([...used, alert.last].filter(Boolean))).toEqual(new Set(names));
    const told = [...`${alert.summary} ${alert.description}`.matchAll(/\$values\.(\w+)/g)].map(([, name]) => name);
    expect(told.length).toBeGreaterThan(0);
    expect(names).toEqual(expect.arrayContaining(told));
  });

  test('names the culprit, and shows it', () => {
    const labels = new Set(
      questions.flatMap(([, { queryType, breakdown }]) => [
        breakdown,
        WIDGETS.find(({ type }) => type === queryType)!.columns.find(({ unit }) => unit === '')?.name,
      ])
    );
    const told = [...`${alert.summary} ${alert.description}`.matchAll(/\$labels\.(\w+)/g)].map(([, name]) => name);
    expect([...labels].filter(Boolean)).toEqual([...new Set(told)]);
    expect(!alert.filter || told.includes(alert.filter)).toBe(true);
    const asked = questions.map(([, { queryType }]) => queryType);
    const shown = panelOf(alert)?.targets.map(({ queryType }) => queryType) ?? [];
    // Ingest and months are in panels of the same numbers over time.
    const same: Record<string, string> = { usageByStream: 'usageOverview', usageOverview: 'monthToDate' };
    expect(shown.some((type) => asked.includes(type) || asked.some((one) => same[one] === type))).toBe(true);
  });

  test('leads to the culprit on every page', () => {
    const file = widgetAlertFiles().get(needsPremium(alert) ? 'premium.json' : 'streams.json')!;
    const { groups } = JSON.parse(file) as {
      groups: Array<{ rules: Array<{ uid: string; annotations: Record<string, string> }> }>;
    };
    const { annotations } = groups[0].rules.find((rule) => rule.uid === `streamlens-${uid}`)!;
    const links = Object.entries(annotations).filter(([name]) => !name.startsWith('runbook_') && name.endsWith('_url'));
    expect(links.length).toBeGreaterThan(alert.filter ? 1 : 0);
    const files = [...dashboardFiles().values()].map((json) => JSON.parse(json) as Linked);
    for (const [, url] of links) {
      const [, page, parameters] = /^\{\{ externalURL \}\}d\/([\w-]+)\?(.*)$/.exec(url)!;
      const target = files.find((dashboard) => dashboard.uid === page)!;
      const names = target.templating.list.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining([...parameters.matchAll(/var-(\w+)=/g)].map(([, name]) => name)));
      expect(parameters).toMatch(/^orgId=1&from=now[^&]*&to=now&var-datasource=streamlens(&|$)/);
      expect(parameters.includes(`var-${alert.filter}={{ urlquery $labels.${alert.filter} }}`)).toBe(
        alert.filter !== undefined
      );
    }
    // Plays have a level of their own.
    expect(!alert.plays || needsPremium(alert)).toBe(true);
    const orders = files
      .find(({ uid: page }) => page === 'streamlens-plays')!
      .templating.list.find(({ name }) => name === 'order')!
      .options!.map(({ value }) => value);
    expect(!alert.plays?.order || orders.includes(alert.plays.order)).toBe(true);
    const metrics = files
      .find(({ uid: page }) => page === 'streamlens-worldmap')!
      .templating.list.find(({ name }) => name === 'metric')!
      .options!.map(({ value }) => value);
    expect(!alert.map || metrics.includes(alert.map)).toBe(true);
  });

  test('is explained', () => {
    expect(document).toMatch(
      new RegExp(`^### ${uid}\n\n\\*${alert.severity[0].toUpperCase()}${alert.severity.slice(1)}:`, 'm')
    );
  });
});
