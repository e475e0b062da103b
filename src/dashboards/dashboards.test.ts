import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { id as pluginId, includes } from '../../plugin.json';
import { WIDGETS } from '../widgets';
import { dashboardFiles } from './files';

const folder = path.resolve(__dirname, '../../dashboards');
const files = readdirSync(folder);

interface Variable {
  name: string;
  type: string;
  query: string;
  description?: string;
}

interface Panel {
  id: number;
  title: string;
  description?: string;
  datasource: unknown;
  targets: Array<Record<string, unknown>>;
  fieldConfig: {
    defaults: Record<string, unknown>;
    overrides: Array<{ matcher: { id: string; options: string }; properties: Array<{ id: string; value: unknown }> }>;
  };
  options: { sortBy?: Array<{ displayName: string }> };
  transformations?: Array<{ options: { fields: string[] } }>;
}

interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  timezone: string;
  refresh: string;
  panels: Panel[];
  templating: { list: Variable[] };
  links: Array<Record<string, unknown>>;
}

function read(file: string): Dashboard {
  return JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Dashboard;
}

/** Fields of a query that are lists of values to keep. */
const FILTERS = ['country', 'stream', 'tag', 'event', 'referrer'];
/** Fields of a query that every widget has. */
const COMMON = ['refId', 'datasource', 'queryType', 'form', 'interval', 'timezone'];

/** Says in words what is wrong with a dashboard. */
function problemsOf(dashboard: Dashboard): string[] {
  const problems: string[] = [];
  for (const key of ['uid', 'title', 'description', 'refresh'] as const) {
    if (!dashboard[key]) {
      problems.push(`no ${key}`);
    }
  }
  if (!dashboard.tags.includes('streamlens')) {
    problems.push('no tag streamlens');
  }
  if (dashboard.timezone !== 'utc') {
    problems.push('not in UTC');
  }
  if (!dashboard.links.some((link) => link.type === 'dashboards' && link.includeVars && link.keepTime)) {
    problems.push('no links that keep filters and time range');
  }

  const variables = dashboard.templating.list;
  const defined = variables.map(({ name }) => name);
  for (const { name, description } of variables) {
    if (!description) {
      problems.push(`variable ${name}: no description`);
    }
  }
  for (const { name, query } of variables.filter(({ type }) => type === 'datasource')) {
    if (query !== pluginId) {
      problems.push(`variable ${name}: chooses among data sources of type ${query}`);
    }
  }
  // Grafana's own variables begin with two underscores.
  for (const [, name] of JSON.stringify(dashboard.panels).matchAll(/\$\{?(?!_)(\w+)/g)) {
    if (!defined.includes(name)) {
      problems.push(`unknown variable ${name}`);
    }
  }

  const ids = dashboard.panels.map(({ id }) => id);
  if (new Set(ids).size < ids.length || !ids.every((id) => id > 0)) {
    problems.push('panels without an id of their own');
  }
  for (const panel of dashboard.panels) {
    problems.push(...problemsOfPanel(panel, variables).map((problem) => `${panel.title}: ${problem}`));
  }
  return problems;
}

function problemsOfPanel(panel: Panel, variables: Variable[]): string[] {
  const problems: string[] = [];
  if (!panel.title) {
    problems.push('no title');
  }
  if (!panel.description) {
    problems.push('no description');
  }
  for (const reference of [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)]) {
    if (JSON.stringify(reference) !== JSON.stringify({ type: pluginId, uid: '${datasource}' })) {
      problems.push(`data source ${JSON.stringify(reference)}`);
    }
  }
  if (panel.targets.length === 0) {
    problems.push('no query');
  }
  const fields = new Set<string>();
  for (const query of panel.targets) {
    const widget = WIDGETS.find(({ type }) => type === query.queryType);
    if (!widget) {
      problems.push(`unknown widget ${query.queryType}`);
      continue;
    }
    widget.columns.forEach(({ name }) => fields.add(name));
    for (const [name, value] of Object.entries(query)) {
      const allowed: string[] = [...COMMON, ...widget.options, ...widget.filters];
      if (!allowed.includes(name)) {
        problems.push(`${widget.type} has no ${name}`);
      }
      if (FILTERS.includes(name) && JSON.stringify(value) !== JSON.stringify([`$${name}`])) {
        problems.push(`the filter ${name} is not that of the page`);
      }
    }
    for (const { name, type } of variables) {
      if (type === 'custom' && (widget.filters as string[]).includes(name) && !(name in query)) {
        problems.push(`the filter ${name} of the page does nothing`);
      }
    }
    if (query.form !== 'total' && query.form !== 'series') {
      problems.push(`unknown form ${query.form}`);
    }
    if (query.metric && !widget.metrics.includes(query.metric as string)) {
      problems.push(`${widget.type} has no metric ${query.metric}`);
    }
    if (query.mode && query.form === 'total') {
      problems.push('a total has no mode');
    }
  }

  const used = [
    ...panel.fieldConfig.overrides.map(({ matcher }) => matcher.options),
    ...(panel.transformations ?? []).flatMap(({ options }) => options.fields),
    ...[...JSON.stringify(panel.fieldConfig).matchAll(/__field\.labels\.(\w+)/g)].map(([, name]) => name),
  ];
  problems.push(...used.filter((name) => !fields.has(name)).map((name) => `unknown field ${name}`));
  const properties = panel.fieldConfig.overrides.flatMap(({ properties }) => properties);
  if ('unit' in panel.fieldConfig.defaults || properties.some(({ id }) => id === 'unit')) {
    problems.push('overrides the unit, which the answer has');
  }
  for (const { displayName } of panel.options.sortBy ?? []) {
    if (!properties.some(({ id, value }) => id === 'displayName' && value === displayName)) {
      problems.push(`sorted by the unknown column ${displayName}`);
    }
  }
  return problems;
}

test('the files are what the source makes', () => {
  expect(new Map(files.map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]))).toEqual(dashboardFiles());
});

test('plugin.json includes every dashboard, and no other', () => {
  const included = includes.filter(({ type }) => type === 'dashboard').map((entry) => entry.path);
  expect(included.sort()).toEqual(files.map((file) => `dashboards/${file}`).sort());
});

test('no two dashboards have the same uid or title', () => {
  const dashboards = files.map(read);
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(files.length);
  expect(new Set(dashboards.map(({ title }) => title)).size).toBe(files.length);
});

test.each(files)('%s has no problems', (file) => {
  expect(problemsOf(read(file))).toEqual([]);
});

describe('a problem is found:', () => {
  const broken: Array<{ name: string; breakIt: (dashboard: Dashboard) => void; want: string }> = [
    { name: 'no uid', breakIt: (d) => (d.uid = ''), want: 'no uid' },
    { name: 'no tag', breakIt: (d) => (d.tags = []), want: 'no tag streamlens' },
    { name: 'links that forget', breakIt: (d) => (d.links[0].includeVars = false), want: 'no links that keep' },
    { name: 'unknown variable', breakIt: (d) => (d.panels[0].targets[0].unit = '$units'), want: 'unknown variable units' },
    { name: 'missing variable', breakIt: (d) => d.templating.list.pop(), want: 'unknown variable datasource' },
    {
      name: 'data sources of another type',
      breakIt: (d) => (d.templating.list.at(-1)!.query = 'prometheus'),
      want: 'among data sources of type prometheus',
    },
    { name: 'an id twice', breakIt: (d) => (d.panels[1].id = d.panels[0].id), want: 'an id of their own' },
    { name: 'no description', breakIt: (d) => delete d.panels[0].description, want: 'no description' },
    {
      name: 'fixed data source',
      breakIt: (d) => (d.panels[0].targets[0].datasource = { type: pluginId, uid: 'streamlens' }),
      want: 'data source {',
    },
    { name: 'no query', breakIt: (d) => (d.panels[0].targets = []), want: 'no query' },
    { name: 'unknown widget', breakIt: (d) => (d.panels[0].targets[0].queryType = 'usage'), want: 'unknown widget usage' },
    { name: 'unknown option', breakIt: (d) => (d.panels[1].targets[0].unit = '$unit'), want: 'has no unit' },
    { name: 'fixed filter', breakIt: (d) => (d.panels[0].targets[0].country = ['DE']), want: 'is not that of the page' },
    { name: 'forgotten filter', breakIt: (d) => delete d.panels[0].targets[0].country, want: 'does nothing' },
    { name: 'unknown form', breakIt: (d) => (d.panels[0].targets[0].form = 'table'), want: 'unknown form table' },
    { name: 'unknown metric', breakIt: (d) => (d.panels[0].targets[0].metric = 'sent'), want: 'no metric sent' },
    { name: 'mode of a total', breakIt: (d) => (d.panels[1].targets[0].mode = '$mode'), want: 'a total has no mode' },
    {
      name: 'unknown field',
      breakIt: (d) => (d.panels[0].fieldConfig.overrides[0].matcher.options = 'sent'),
      want: 'unknown field sent',
    },
    {
      name: 'unit overridden',
      breakIt: (d) => (d.panels[0].fieldConfig.defaults.unit = 'bytes'),
      want: 'overrides the unit',
    },
    {
      name: 'sorted by nothing',
      breakIt: (d) => (d.panels.at(-1)!.options.sortBy = [{ displayName: 'Sent', }]),
      want: 'unknown column Sent',
    },
  ];

  test.each(broken)('$name', ({ breakIt, want }) => {
    const dashboard = read('home.json');
    breakIt(dashboard);
    expect(problemsOf(dashboard)).toEqual(expect.arrayContaining([expect.stringContaining(want)]));
  });
});
