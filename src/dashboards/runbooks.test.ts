import { readFileSync } from 'node:fs';
import path from 'node:path';

import { ALERTS } from './alerts';
import { WIDGET_ALERTS } from './alerts-widgets';

const root = path.resolve(__dirname, '../..');

interface Dashboard {
  uid: string;
  panels: Array<{ id: number; title: string; options: { content: string } }>;
}

interface Rules {
  groups: Array<{ rules: Array<{ uid: string; title: string; annotations: Record<string, string> }> }>;
}

function read<T>(...names: string[]): T {
  return JSON.parse(readFileSync(path.join(root, ...names), 'utf8')) as T;
}

const { uid, panels } = read<Dashboard>('dashboards', 'runbooks.json');
const rules = ['operations.json', 'streams.json', 'premium.json'].flatMap((name) =>
  read<Rules>('provisioning/alerting', name).groups.flatMap((group) => group.rules)
);

test('no two alerts share a panel', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(ALERTS.length + WIDGET_ALERTS.length);
});

test.each(rules.map((rule) => [rule.uid, rule] as const))('%s leads to its text', (_, { title, annotations }) => {
  const [, page, id] = /^\{\{ externalURL \}\}d\/([\w-]+)\?orgId=1&viewPanel=panel-(\d+)$/.exec(annotations.runbook_page_url)!;
  expect(page).toBe(uid);
  const panel = panels.find((panel) => panel.id === Number(id));
  expect(panel?.title).toBe(title);
  expect(panel?.options.content).toMatch(/^\*(Critical|Warning): [^]{60,}\.$/);
});

test('links lead to a panel or to the documents', () => {
  const links = panels.flatMap(({ options }) => [...options.content.matchAll(/\]\(([^)]*)\)/g)].map(([, url]) => url));
  expect(links.length).toBeGreaterThan(4);
  for (const url of links) {
    const [, id] = /^\.\/d\/streamlens-runbooks\?viewPanel=panel-(\d+)$/.exec(url) ?? [];
    const [, file] = /^https:\/\/github\.com\/streamlens\/streamlens\/blob\/main\/docs\/([\w/-]+\.md)(#[\w-]+)?$/.exec(url) ?? [];
    expect(file ? readFileSync(path.join(root, 'docs', file), 'utf8') : panels.find((panel) => `${panel.id}` === id)).toBeTruthy();
  }
});
