import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  CustomVariableBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  TimePickerBuilder,
  VariableHide,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';

import { id as pluginId } from '../../plugin.json';
import { DIMENSION_LABELS, DIMENSIONS, type FilterName, type VariableQuery } from '../query';

/** The data source that the provisioning makes. */
const SOURCE = { name: 'Streamlens', uid: 'streamlens' };

/** The tag by which the dashboards find each other. */
const TAG = 'streamlens';

/**
 * The data source of every panel: the one chosen at the top of the page.
 *
 * A fixed uid would tie an imported dashboard to one installation, and an import's input would not be filled in when
 * Grafana provisions the dashboard from a file.
 */
export const DATASOURCE = { type: pluginId, uid: '${datasource}' };

interface Filter {
  name: FilterName;
  label: string;
  description: string;
}

/** The filters at the top of every page, in order. */
export const FILTERS: Filter[] = [
  {
    name: 'country',
    label: 'Country',
    description: 'Any of the countries, those with the most traffic first. A code such as DE can be typed too. All: no filter.',
  },
  {
    name: 'stream',
    label: 'Stream',
    description: 'Any of the streams, those with the most traffic first. Another name can be typed too. All: no filter.',
  },
  {
    name: 'tag',
    label: 'Tag',
    description: 'Only the streams that have all of these tags now. All: no filter.',
  },
  {
    name: 'event',
    label: 'Event',
    description: 'Any of the event ids that players and webcasters report, those with the most plays first. All: no filter. Traffic knows no events.',
  },
];

/** What can be chosen on each page beside the filters, by the page's uid: links keep what both pages have. */
const SWITCHES: Record<string, string[]> = {
  'streamlens-home': ['unit', 'mode'],
  'streamlens-live': [],
  'streamlens-event': [],
  'streamlens-breakdown': ['unit'],
  'streamlens-worldmap': ['metric', 'unit'],
  'streamlens-h5live': ['dimension', 'values', 'compare'],
  'streamlens-adaptive': [],
  'streamlens-webcaster': [],
  'streamlens-reports': ['unit', 'interval'],
  'streamlens-plays': ['order', 'outcome', 'trouble', 'user', 'ip', 'session', 'code', 'condition', 'and'],
  'streamlens-play': ['session'],
};

/** A page of the product. */
export interface Page {
  /** Fixed, because it is part of the page's address. */
  uid: string;
  title: string;
  description: string;
  /** What can be chosen on this page beside the filters. */
  switches: Array<Builder<VariableModel>>;
  /** Where the time range begins until somebody chooses another; by default a day ago. */
  from?: string;
  /** Whether its panels update by themselves, each with a time range of its own: then the page has neither to choose. */
  live?: boolean;
  /** Links beside those to the pages. */
  links?: DashboardLink[];
  panels: Array<Builder<Panel>>;
}

/** Makes the dashboard of a page, as Grafana's JSON. */
export function dashboard(page: Page): string {
  // Its successor writes the new schema, which in Grafana 12 is still behind a feature toggle.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const builder = new DashboardBuilder(page.title)
    .uid(page.uid)
    .description(page.description)
    .tags([TAG])
    .timezone('utc')
    .time({ from: page.from ?? 'now-24h', to: 'now' })
    .refresh(page.live ? '' : '1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([...page.switches, ...FILTERS.map(filterVariable), datasourceVariable()])
    .link({ build: linksToPages });
  page.links?.forEach((link) => builder.link({ build: () => link }));
  if (page.live) {
    builder.timepicker(new TimePickerBuilder().hidden(true));
  }
  page.panels.forEach((panel) => builder.withPanel(panel));
  return JSON.stringify(builder.build(), null, 2) + '\n';
}

/** A link in a cell of a table. */
export interface CellLink {
  title: string;
  url: string;
  /** Whether it is followed at once, and not chosen from a list. */
  oneClick?: boolean;
}

interface Target {
  /** The uid of the page with the link, whose choices are kept as far as the other page has them too. */
  on: string;
  /** The other page's uid. */
  page: string;
  /** The filter, the dimension or the switch that is set to the value of the row's column of this name, if one is. */
  set?: string;
  /** Values of switches of the other page. */
  values?: Record<string, string>;
  /** Where the time range begins, which then ends now; by default it is that of the page with the link. */
  from?: string;
  /** Where the time range begins and ends. */
  range?: [from: string, to: string];
  /** The panel that is shown alone. */
  panel?: number;
}

/** Makes a link to a page with a filter set to the row's value. All else that is chosen is kept. */
export function linkTo(title: string, { on, page, set, values = {}, from, range, panel }: Target): CellLink {
  const changed = [...(set === undefined ? [] : isDimension(set) ? ['dimension', 'values'] : [set]), ...Object.keys(values)];
  const both = SWITCHES[on].filter((name) => SWITCHES[page].includes(name));
  const kept = [...FILTERS.map(({ name }) => name), 'datasource', ...both].filter((name) => !changed.includes(name));
  const parameters = [
    range ? `from=${range[0]}&to=${range[1]}` : from ? `from=${from}&to=now` : '${__url_time_range}',
    ...kept.map((name) => `\${${name}:queryparam}`),
    // A country is shown by its name, and the link is in its own column.
    ...(set === undefined
      ? []
      : [`var-${isDimension(set) ? `dimension=${set}&var-values` : set}=${set === 'country' ? '${__value.raw:percentencode}' : `\${__data.fields.${set}:percentencode}`}`]),
    ...Object.entries(values).map(([name, value]) => `var-${name}=${value}`),
    ...(panel ? [`viewPanel=panel-${panel}`] : []),
  ];
  return { title, url: `/d/${page}?${parameters.join('&')}` };
}

/** Makes the link that shows, on the page where it is, the row's value only. */
export function only(page: string, set: string): CellLink {
  return { ...linkTo(`Only this ${set}`, { on: page, page, set }), oneClick: true };
}

/** How the page of plays is told a value of a column, by the column; \0 stands for the value. */
const GROUPS: Record<string, string> = {
  country: 'var-country=\0',
  stream: 'var-stream=\0',
  tag: 'var-tag=\0',
  ip: 'var-ip=\0',
  code: 'var-code=\0',
  outcome: 'var-outcome=outcome%3D\0',
  version: 'var-condition=player%3D\0',
  os: 'var-condition=os%3D\0',
  browser: 'var-condition=browser%3D\0',
  device: 'var-condition=device%3D\0',
  protocol: 'var-condition=protocol%3D\0',
  referrer: 'var-condition=referrer%3D\0',
  reason: 'var-condition=stop%3D\0',
};

/** Which plays of a group are looked at first, by the column that is clicked. */
const FIRST: Record<string, string> = {
  bufferingRatio: 'var-order=-bufferingRatio',
  latency: 'var-order=-latency',
  errors: 'var-order=-errors',
  startFailures: 'var-outcome=outcome%3Dstartfailure',
};

interface Group {
  /** The column that names the group. */
  of: string;
  /** How a link is told the group's name. */
  value: string;
  /** The column that is clicked. */
  clicked?: string;
  /** Whether the panel has a time range of its own, whose end is now. */
  live?: boolean;
  /** Whether the panel is about chosen players, of which the other page knows nothing. */
  anyPlayer?: boolean;
}

/** Makes the link to the plays of a group, with the filters and the time range; undefined if plays cannot be found by its column. */
export function linkToPlays({ of, value, clicked = '', live, anyPlayer }: Group): CellLink | undefined {
  if (!(of in GROUPS)) {
    return undefined;
  }
  const set = [GROUPS[of].replace('\0', value), ...(clicked in FIRST ? [FIRST[clicked]] : [])];
  const kept = [...FILTERS.map(({ name }) => name), 'datasource'].filter((name) => name !== of);
  const parameters = [live ? 'from=now-1h&to=now' : '${__url_time_range}', ...kept.map((name) => `\${${name}:queryparam}`), ...set];
  return { title: anyPlayer ? 'Their plays, with any player' : 'Their plays', url: `/d/streamlens-plays?${parameters.join('&')}` };
}

function isDimension(name: string): boolean {
  return DIMENSIONS.some((dimension) => dimension === name);
}

/** Makes the choices of what players watch with, and of its values, which the data source finds for the time range. */
export function playerSwitches(): Array<Builder<VariableModel>> {
  const query: VariableQuery = { refId: 'values', label: '$dimension', stream: ['$stream'], tag: ['$tag'] };
  return [
    choice(
      'dimension',
      'Players by',
      'What the rows of the table of players are, and of what its filter is.',
      DIMENSIONS.map((value) => ({ text: DIMENSION_LABELS[value], value }))
    ),
    new QueryVariableBuilder('values')
      .label('Players')
      .description(
        'Any of the versions, or what else was chosen, those with the most viewers first. Beside it choose countries or streams and tags, not both, and no event: more is not stored together, and these by whole hours, but for versions of streams. All: no filter.'
      )
      .datasource(DATASOURCE)
      .query({ ...query })
      .definition('Values of $dimension')
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.Disabled)
      .current({ text: ['All'], value: ['$__all'] })
      .multi(true)
      .includeAll(true)
      .allowCustomValue(true),
  ];
}

/** Makes the links to all pages, which keep the filters and the time range. */
function linksToPages(): DashboardLink {
  return {
    ...new DashboardLinkBuilder('Pages')
      .type(DashboardLinkType.Dashboards)
      .tags([TAG])
      .includeVars(true)
      .keepTime(true)
      // Side by side they hide the time range on a phone.
      .asDropdown(true)
      .build(),
    // The builder would hide them in a menu.
    placement: undefined,
  };
}

/** Makes a choice between two or more values, the first of which is the default. */
export function choice(
  name: string,
  label: string,
  description: string,
  values: Array<{ text: string; value: string }>
): CustomVariableBuilder {
  return new CustomVariableBuilder(name)
    .label(label)
    .description(description)
    .values(values.map(({ text, value }) => `${text} : ${value}`).join(', '))
    .current(values[0])
    .options(values)
    .allowCustomValue(false);
}

/** Makes the switch between the units of usage, which begins with the one of which there is something in the time range. */
export function unitSwitch(): QueryVariableBuilder {
  const query: VariableQuery = { refId: 'unit', label: 'unit' };
  return new QueryVariableBuilder('unit')
    .label('Usage')
    .description('What the usage panels of this page show: bytes of servers, or the time of players and webcasters.')
    .datasource(DATASOURCE)
    .query({ ...query })
    .definition('Units of usage')
    .refresh(VariableRefresh.OnDashboardLoad)
    .sort(VariableSort.Disabled)
    .allowCustomValue(false);
}

/** Makes the choice of a filter's values, which the data source finds for the time range. */
function filterVariable({ name, label, description }: Filter): QueryVariableBuilder {
  const query: VariableQuery = { refId: name, label: name };
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({ ...query })
    .definition(`Values of ${name}`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    // The data source sorts by traffic.
    .sort(VariableSort.Disabled)
    .current({ text: ['All'], value: ['$__all'] })
    .multi(true)
    .includeAll(true)
    .allowCustomValue(true);
}

function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource')
    .label('Data source')
    .description('Each data source shows one organisation.')
    .type(pluginId)
    // That of the provisioning, and not the first by the alphabet where there are several.
    .current({ text: SOURCE.name, value: SOURCE.uid })
    .hide(VariableHide.InControlsMenu);
}
