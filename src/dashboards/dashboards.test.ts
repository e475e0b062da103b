import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { id as pluginId, includes } from '../../plugin.json';
import { NAMELESS } from '../nameless';
import { metricsOf, WIDGETS } from '../widgets';
import { dashboardFiles } from './files';

const folder = path.resolve(__dirname, '../../dashboards');
const files = readdirSync(folder);
/** The pages of the product: all but those of whoever runs it, which ask another data source or none and have tests of their own. */
const pages = files.filter((file) => !['operations.json', 'runbooks.json'].includes(file));

interface Variable {
  name: string;
  type: string;
  query: string | Record<string, unknown>;
  description?: string;
  datasource?: unknown;
  options?: Array<{ value: string }>;
  refresh?: number;
  multi?: boolean;
  includeAll?: boolean;
  allowCustomValue?: boolean;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  links?: Array<{ title: string; url: string }>;
  datasource: unknown;
  targets: Array<Record<string, unknown>>;
  fieldConfig: {
    defaults: Record<string, unknown>;
    overrides: Array<{ matcher: { id: string; options: string }; properties: Array<{ id: string; value: unknown }> }>;
  };
  options: { sortBy?: Array<{ displayName: string }>; colorMode?: string; reduceOptions?: { fields?: string } };
  transformations?: Array<{ options: { fields: string[] } }>;
  timeFrom?: string;
}

interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  timezone: string;
  refresh: string;
  timepicker?: { hidden: boolean };
  panels: Panel[];
  templating: { list: Variable[] };
  links: Array<Record<string, unknown>>;
}

function read(file: string): Dashboard {
  return JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Dashboard;
}

/** Fields of a query that are lists of values to keep. */
const FILTERS = ['country', 'stream', 'tag', 'event', 'referrer'];
/** Those that stand at the top of every page. */
const PAGE_FILTERS = ['country', 'stream', 'tag', 'event'];
/** Grafana's number for variables that are filled anew when the time range changes. */
/** What one play is answered with, by the metric, but for the facts. */
const PLAY_COLUMNS: Record<string, string[]> = {
  states: ['state'],
  bitrate: ['bitrate', 'height'],
  latency: ['latency', 'bufferLength'],
  buffering: ['bufferingRatio'],
  moments: ['time', 'text'],
};

const ON_TIME_RANGE_CHANGED = 2;
/** Where the documents are, in the repository and for readers. */
const DOCUMENTS = { folder: path.resolve(__dirname, '../../docs'), url: 'https://github.com/streamlens/streamlens/blob/main/docs/' };
/** Fields of a query that every widget has. */
const COMMON = ['refId', 'datasource', 'queryType', 'form', 'interval', 'timezone', 'top', 'live'];

/** Says in words what is wrong with a dashboard. */
function problemsOf(dashboard: Dashboard): string[] {
  const problems: string[] = [];
  for (const key of ['uid', 'title', 'description'] as const) {
    if (!dashboard[key]) {
      problems.push(`no ${key}`);
    }
  }
  const live = dashboard.panels.every(({ targets }) => targets.every((query) => query.live));
  if (live !== !dashboard.refresh || live !== Boolean(dashboard.timepicker?.hidden)) {
    problems.push('the refresh and the choice of a time range do not fit its panels');
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
  for (const name of PAGE_FILTERS) {
    problems.push(...problemsOfFilter(name, variables.find((variable) => variable.name === name)));
  }
  for (const { name } of variables.filter(({ type }) => type === 'custom')) {
    if (!JSON.stringify(dashboard.panels).includes(`"$${name}"`)) {
      problems.push(`the switch ${name} does nothing`);
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
  problems.push(...problemsOfPlaces(dashboard.panels));
  for (const panel of dashboard.panels) {
    problems.push(...problemsOfPanel(panel, variables).map((problem) => `${panel.title}: ${problem}`));
  }
  return problems;
}

/** Says what is wrong with the variable of a filter. */
function problemsOfFilter(name: string, variable: Variable | undefined): string[] {
  if (variable?.type !== 'query') {
    return [`filter ${name}: not filled by the data source`];
  }
  const problems: string[] = [];
  if ((variable.query as Record<string, unknown>).label !== name) {
    problems.push(`filter ${name}: filled with the values of ${JSON.stringify(variable.query)}`);
  }
  if (JSON.stringify(variable.datasource) !== JSON.stringify({ type: pluginId, uid: '${datasource}' })) {
    problems.push(`filter ${name}: data source ${JSON.stringify(variable.datasource)}`);
  }
  if (variable.refresh !== ON_TIME_RANGE_CHANGED) {
    problems.push(`filter ${name}: its values are not those of the time range`);
  }
  if (!variable.multi || !variable.includeAll || !variable.allowCustomValue) {
    problems.push(`filter ${name}: does not take several values, all and others`);
  }
  return problems;
}

/** Says which panels lie upon each other or beside the page, which is 24 wide. */
function problemsOfPlaces(panels: Panel[]): string[] {
  const problems = panels
    .filter(({ gridPos: { x, w } }) => x + w > 24)
    .map(({ title }) => `${title}: reaches out of the page`);
  panels.forEach((one, i) => {
    for (const other of panels.slice(i + 1)) {
      const [a, b] = [one.gridPos, other.gridPos];
      if (a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h) {
        problems.push(`${one.title} and ${other.title} lie upon each other`);
      }
    }
  });
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
    if (query.compare) {
      const all = { ...widget, metrics: widget.columns.map(({ name }) => name) };
      metricsOf(all, { refId: 'A', compare: String(query.compare) }).forEach((name) => fields.add(name));
    }
    if (query.queryType === 'play') {
      PLAY_COLUMNS[String(query.metric)]?.forEach((name) => fields.add(name));
    }
    if (typeof query.breakdown === 'string') {
      fields.add(query.breakdown);
    }
    if (typeof query.dimension === 'string' && fields.has('version')) {
      valuesOf(query.dimension, variables).forEach((name) => fields.add(name));
    }
    for (const [name, value] of Object.entries(query)) {
      const allowed: string[] = [...COMMON, ...widget.options, ...widget.filters];
      if (widget.options.includes('dimension')) {
        allowed.push('values');
      }
      if (!allowed.includes(name)) {
        problems.push(`${widget.type} has no ${name}`);
      }
      if (FILTERS.includes(name) && JSON.stringify(value) !== JSON.stringify([`$${name}`])) {
        problems.push(`the filter ${name} is not that of the page`);
      }
    }
    for (const { name, type } of variables) {
      if (type === 'query' && (widget.filters as string[]).includes(name) && !(name in query)) {
        problems.push(`the filter ${name} of the page does nothing`);
      }
    }
    if (!['total', 'series', 'parts', 'trend'].includes(query.form as string)) {
      problems.push(`unknown form ${query.form}`);
    }
    for (const metric of query.metric ? valuesOf(query.metric as string, variables) : []) {
      if (!widget.metrics.includes(metric)) {
        problems.push(`${widget.type} has no metric ${metric}`);
      }
    }
    const [, shownAlone] = /^\/(.*)\/$/.exec(panel.options.reduceOptions?.fields ?? '') ?? [];
    if (shownAlone && !new RegExp(shownAlone).test(NAMELESS)) {
      problems.push('hides the words for nothing');
    }
    if ('noValue' in panel.fieldConfig.defaults) {
      problems.push('overrides the words for nothing, which the answer has');
    }
    if (widget.level === 'premium' && !panel.description?.includes('premium')) {
      problems.push('does not say that it is premium');
    }
    if (Boolean(query.live) !== Boolean(panel.timeFrom)) {
      problems.push('what is live has no time range of its own, or the other way round');
    }
    if (query.mode && query.form !== 'series') {
      problems.push('a total has no mode');
    }
  }

  const used = [
    ...panel.fieldConfig.overrides.map(({ matcher }) => matcher.options),
    ...(panel.transformations ?? []).flatMap(({ options }) => options.fields),
    ...[...JSON.stringify(panel.fieldConfig).matchAll(/__field\.labels\.(\w+)/g)].map(([, name]) => name),
  ];
  problems.push(...used.filter((name) => !fields.has(name)).map((name) => `unknown field ${name}`));
  if (panel.type === 'table' && !panel.links?.some(({ title }) => title === 'CSV')) {
    problems.push('a table without its CSV');
  }
  for (const { title, url } of panel.links ?? []) {
    if (title === 'CSV') {
      problems.push(...problemsOfExport(url, panel));
      continue;
    }
    if (!url.startsWith(DOCUMENTS.url) || !existsSync(path.join(DOCUMENTS.folder, url.slice(DOCUMENTS.url.length)))) {
      problems.push(`links to ${url}, which is not there`);
    }
  }
  const properties = panel.fieldConfig.overrides.flatMap(({ properties }) => properties);
  // Wherever it stands in the panel.
  for (const [, url] of JSON.stringify(panel).matchAll(/"url":"(\/d\/[^"]*)"/g)) {
    problems.push(...problemsOfLink(url, panel, variables));
  }
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

/** Says what is wrong with a link that downloads what a panel shows: it must ask what the panel asks, of the same range. */
function problemsOfExport(url: string, { targets: [query] }: Panel): string[] {
  const [address, parameters] = url.split('?');
  const asked = Object.entries(query)
    .filter(([name]) => ['unit', 'metric', 'breakdown', 'dimension', 'values', ...FILTERS].includes(name))
    .map(([name, value]) => (String(value) === `$${name}` ? `\${${name}:queryparam}` : `${name}=${value}`))
    .concat(['where', 'sort', 'session'].flatMap((name) => [query[name] ?? []].flat().map((value) => `${name}=${inAddress(String(value))}`)));
  const want = [`widget=${query.queryType}`, ...asked, 'from=${__from}', 'to=${__to}', 'timezone=${__timezone:percentencode}'];
  const got = parameters.split('&').filter((parameter) => parameter !== 'top=1000000');
  return address === '/api/datasources/uid/${datasource}/resources/export' && got.sort().join() === want.sort().join()
    ? []
    : [`downloads ${url}`];
}

/** Returns how a text with variables stands in an address. */
function inAddress(text: string): string {
  return encodeURIComponent(text).replaceAll(/%24(\w+)/g, (_, name: string) => `\${${name}:percentencode}`);
}

/** Says what is wrong with a link from a panel to a page: it must set or keep all that can be chosen on both pages, and the time range. */
function problemsOfLink(url: string, from: Panel, variables: Variable[]): string[] {
  const [, uid, parameters] = /^\/d\/([\w-]+)\?(.*)$/.exec(url) ?? [];
  const page = pages.map(read).find((dashboard) => dashboard.uid === uid);
  if (!page) {
    return [`a link to ${url}, which is no page`];
  }
  const problems: string[] = [];
  const set = [...parameters.matchAll(/(?:^|&)(?:var-(\w+)=|\$\{(?!_)(\w+):queryparam\})/g)].map(([, one, other]) => one ?? other);
  const both = variables.filter(({ name }) => page.templating.list.some((variable) => variable.name === name));
  for (const { name } of both.filter((variable) => set.filter((each) => each === variable.name).length !== 1)) {
    problems.push(`a link that neither keeps nor sets ${name}`);
  }
  if (!/^(\$\{__url_time_range\}|from=[^&]+&to=[^&]+)&/.test(parameters)) {
    problems.push('a link without a time range');
  }
  for (const name of set.filter((each) => !page.templating.list.some((variable) => variable.name === each))) {
    problems.push(`a link that sets ${name}, which ${uid} has not`);
  }
  const [, metric] = /&var-metric=(\w+)/.exec(parameters) ?? [];
  if (metric && !page.templating.list.some(({ options }) => options?.some(({ value }) => value === metric))) {
    problems.push(`a link to the unknown metric ${metric}`);
  }
  const [, panel] = /&viewPanel=panel-(\d+)/.exec(parameters) ?? [];
  if (panel && !page.panels.some(({ id }) => id === Number(panel))) {
    problems.push(`a link to the panel ${panel}, which ${uid} has not`);
  }
  const [, field] = /\$\{__data\.fields\.(\w+):percentencode\}/.exec(parameters) ?? [];
  // A link may take the value of its own cell, as of a country, whose name is shown.
  const ofCell = /&var-(\w+)=\$\{__value\.raw:percentencode\}/.exec(parameters)?.[1];
  // Of a part of a pie the label is checked with the fields; the first column of players is what they are told apart by.
  const ofPart = ['piechart', 'timeseries'].includes(from.type) && /\$\{__field\.labels\.\w+:percentencode\}/.test(parameters);
  const ofFirst = /var-condition=\$\{dimension\}%3D\$\{__data\.fields\[0\]:percentencode\}/.test(parameters);
  if (!ofPart && !ofFirst && !from.fieldConfig.overrides.some(({ matcher }) => matcher.options === (field ?? ofCell))) {
    problems.push(`a link with the unknown field ${field}`);
  }
  return problems;
}

/** Returns what a text of a query may stand for. */
function valuesOf(text: string, variables: Variable[]): string[] {
  const variable = variables.find(({ name }) => text === `$${name}`);
  return variable ? (variable.options ?? []).map(({ value }) => value) : [text];
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

test('every widget is on its page', () => {
  for (const { type, page } of WIDGETS) {
    const dashboard = files.map(read).find(({ title }) => title === page);
    const shown = dashboard?.panels.flatMap(({ targets }) => targets.map(({ queryType }) => queryType));
    expect([type, shown]).toEqual([type, expect.arrayContaining([type])]);
  }
});

test('what shows a group of plays leads to its plays', () => {
  // Heights are classes of reports, of which a play has several; a month, or a minute after the load, is no group of plays.
  const groups = ['country', 'stream', 'tag', 'ip', 'code', 'outcome', 'version', 'os', 'browser', 'device', 'protocol', 'referrer', 'reason'];
  const lacking: string[] = [];
  for (const { title, panels } of pages.map(read).filter(({ title }) => !['Webcaster', 'Plays', 'Play'].includes(title))) {
    for (const panel of panels.filter(({ type }) => type !== 'stat')) {
      const [{ queryType, breakdown, form }] = panel.targets;
      const widget = WIDGETS.find(({ type }) => type === queryType)!;
      const named = (breakdown as string | undefined) ?? widget.columns.find(({ unit }) => unit === '')?.name ?? '';
      const ofPublishers = widget.type === 'usageIngest';
      if (groups.includes(named) && !ofPublishers && form !== 'trend' && !JSON.stringify(panel).includes('/d/streamlens-plays?')) {
        lacking.push(`${title}: ${panel.title}`);
      }
    }
  }
  expect(lacking).toEqual([]);
});

test('a number has the same colour on every page', () => {
  const colors = new Map<string, Set<string>>();
  for (const { fieldConfig } of pages.flatMap((file) => read(file).panels)) {
    for (const { matcher, properties } of fieldConfig.overrides) {
      for (const { value } of properties.filter(({ id }) => id === 'color')) {
        const known = colors.get(matcher.options) ?? new Set();
        const { fixedColor } = value as { fixedColor?: string };
        // Others are the colours of limits.
        if (fixedColor) {
          colors.set(matcher.options, known.add(fixedColor));
        }
      }
    }
  }
  const several = [...colors].filter(([, found]) => found.size > 1);
  expect(several).toEqual([]);
  expect(colors.get('playout')).toEqual(colors.get('sent'));
  expect(colors.get('ingest')).toEqual(colors.get('received'));
});

test('a number that stands alone is red, yellow or green by a limit only, but for viewers', () => {
  const speaking = /red|yellow|green/;
  const numbers = pages.flatMap((file) => read(file).panels).filter(({ type }) => type === 'stat');
  expect(numbers.length).toBeGreaterThan(10);
  for (const { title, fieldConfig, options } of numbers.filter(({ options }) => options.colorMode !== 'none')) {
    const looks = new Map<string, { name?: string; color?: string }>();
    for (const { matcher, properties } of fieldConfig.overrides) {
      for (const { id, value } of properties) {
        // Of several for one column the last holds.
        const look = { ...looks.get(matcher.options) };
        look.name = id === 'displayName' ? (value as string) : look.name;
        look.color = id === 'color' ? (value as { fixedColor?: string }).fixedColor : look.color;
        looks.set(matcher.options, look);
      }
    }
    const [, shown = '.*'] = /^\/(.*)\/$/.exec(options.reduceOptions?.fields ?? '') ?? [];
    const speaks = [...looks.values()].filter(
      ({ name = '', color = '' }) => new RegExp(shown).test(name) && !/viewers$/i.test(name) && speaking.test(color)
    );
    expect([title, speaks]).toEqual([title, []]);
  }
});

test.each(pages)('%s has no problems', (file) => {
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
    {
      name: 'a link to no page',
      breakIt: (d) => setLink(d, '/d/nowhere?x=1'),
      want: 'which is no page',
    },
    {
      name: 'a link that forgets and errs',
      breakIt: (d) =>
        setLink(d, '/d/streamlens-worldmap?var-stream=${__data.fields.song:percentencode}&var-metric=speed&${mode:queryparam}&viewPanel=panel-99'),
      want: 'neither keeps nor sets country',
    },
    {
      name: 'a link that forgets a switch',
      breakIt: (d) => setLink(d, '/d/streamlens-breakdown?${__url_time_range}&var-stream=${__data.fields.song:percentencode}'),
      want: 'neither keeps nor sets unit',
    },
    {
      name: 'a link that forgets the time range',
      breakIt: (d) => setLink(d, '/d/streamlens-breakdown?${unit:queryparam}'),
      want: 'without a time range',
    },
    {
      name: 'a link that sets what is not there',
      breakIt: (d) => setLink(d, '/d/streamlens-live?${unit:queryparam}'),
      want: 'sets unit, which streamlens-live has not',
    },
    {
      name: 'a link to an unknown metric',
      breakIt: (d) => setLink(d, '/d/streamlens-worldmap?x=1&var-metric=speed'),
      want: 'the unknown metric speed',
    },
    {
      name: 'a link to an unknown panel',
      breakIt: (d) => setLink(d, '/d/streamlens-live?x=1&viewPanel=panel-99'),
      want: 'the panel 99, which streamlens-live has not',
    },
    {
      name: 'a link with an unknown field',
      breakIt: (d) => setLink(d, '/d/streamlens-live?var-stream=${__data.fields.song:percentencode}'),
      want: 'the unknown field song',
    },
    {
      name: 'a filter without values',
      breakIt: (d) => (variable(d, 'tag').type = 'custom'),
      want: 'filter tag: not filled by the data source',
    },
    {
      name: 'a filter with the values of another',
      breakIt: (d) => (variable(d, 'tag').query = { label: 'stream' }),
      want: 'filter tag: filled with the values of',
    },
    {
      name: 'a filter of a fixed data source',
      breakIt: (d) => (variable(d, 'event').datasource = { type: pluginId, uid: 'streamlens' }),
      want: 'filter event: data source',
    },
    {
      name: 'a filter with the values of another time',
      breakIt: (d) => (variable(d, 'stream').refresh = 1),
      want: 'filter stream: its values are not those',
    },
    {
      name: 'a filter of one value',
      breakIt: (d) => (variable(d, 'country').multi = false),
      want: 'filter country: does not take several',
    },
    {
      name: 'a switch without an effect',
      breakIt: (d) => d.panels.forEach(({ targets }) => targets.forEach((query) => delete query.mode)),
      want: 'the switch mode does nothing',
    },
    {
      name: 'panels upon each other',
      breakIt: (d) => (d.panels[1].gridPos = d.panels[0].gridPos),
      want: 'lie upon each other',
    },
    { name: 'a panel beside the page', breakIt: (d) => (d.panels[1].gridPos.w = 20), want: 'reaches out of the page' },
    {
      name: 'a link to nowhere',
      breakIt: (d) => (d.panels[0].links = [{ title: 'What they mean', url: `${DOCUMENTS.url}nothing.md` }]),
      want: 'which is not there',
    },
    { name: 'no refresh', breakIt: (d) => (d.refresh = ''), want: 'the refresh and the choice of a time range' },
    {
      name: 'a live panel without a range of its own',
      breakIt: (d) => (d.panels[0].targets[0].live = true),
      want: 'no time range of its own',
    },
    {
      name: 'words of its own for nothing',
      breakIt: (d) => (d.panels[0].fieldConfig.defaults.noValue = 'Needs premium'),
      want: 'overrides the words for nothing',
    },
  ];

  function setLink({ panels }: Dashboard, url: string): void {
    panels[0].fieldConfig.overrides[0].properties.push({ id: 'links', value: [{ title: 'Link', url }] });
  }

  function variable({ templating }: Dashboard, name: string): Variable {
    return templating.list.find((variable) => variable.name === name)!;
  }

  test.each(broken)('$name', ({ breakIt, want }) => {
    const dashboard = read('home.json');
    breakIt(dashboard);
    expect(problemsOf(dashboard)).toEqual(expect.arrayContaining([expect.stringContaining(want)]));
  });

  test('a metric that the variable offers and the widget lacks', () => {
    const dashboard = read('worldmap.json');
    variable(dashboard, 'metric').options!.push({ value: 'bitrate' });
    expect(problemsOf(dashboard)).toContainEqual(expect.stringContaining('worldMap has no metric bitrate'));
  });

  test('a premium widget that does not say so', () => {
    const dashboard = read('h5live.json');
    dashboard.panels[0].description = 'Stalls.';
    expect(problemsOf(dashboard)).toContainEqual(expect.stringContaining('does not say that it is premium'));
  });
});

describe('the documents say of each page', () => {
  /** Of a page the words for how many of its panels an organisation of level default sees. */
  const seen = (file: string): string => {
    const types = read(file).panels.flatMap(({ targets }) => targets.map(({ queryType }) => queryType));
    const premium = types.filter((type) => WIDGETS.find((widget) => widget.type === type)?.level === 'premium');
    return premium.length === 0 ? 'all' : premium.length === types.length ? 'none' : 'some';
  };
  const document = (name: string): string => readFileSync(path.join(DOCUMENTS.folder, name), 'utf8');

  test('whether it needs the level premium', () => {
    const rows = [...document('data-source.md').matchAll(/^\| `(\w+\.json)` \| ([^|]+) \| [^|]+ \| (\w+) \|$/gm)];
    expect(rows.map(([, file, title, level]) => [file, title, level]).sort()).toEqual(
      pages.map((file) => [file, read(file).title, seen(file)]).sort()
    );
  });

  test('which are for customers without it', () => {
    const [, names] = /^for page in ([\w ]+); do$/m.exec(document('embedding.md'))!;
    expect(names.split(' ').map((name) => `${name}.json`).sort()).toEqual(pages.filter((file) => seen(file) === 'all').sort());
  });
});
