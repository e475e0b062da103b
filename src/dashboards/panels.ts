import * as barchart from '@grafana/grafana-foundation-sdk/barchart';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BarAlignment,
  BarGaugeDisplayMode,
  BarGaugeValueMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  PercentChangeColorMode,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableCellDisplayMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizOrientation,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  type DynamicConfigValue,
  FieldColorModeId,
  type Panel as AnyPanel,
  PanelBuilder as PanelOfAnyType,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as piechart from '@grafana/grafana-foundation-sdk/piechart';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import * as trend from '@grafana/grafana-foundation-sdk/trend';

import { DEFAULTS, type Options } from '../panels/worldmap/options';
import { id as worldMapId } from '../panels/worldmap/plugin.json';
import { NAMELESS } from '../nameless';
import type { Form, StreamlensQuery } from '../query';
import { type Column, type Widget, WIDGETS } from '../widgets';
import { HEIGHT, lookOf, LOOKS, STATES } from './looks';
import { type CellLink, DATASOURCE, FILTERS, linkToPlays } from './page';

/** Where the documents are, which panels link. */
const DOCUMENTS = 'https://github.com/streamlens/streamlens/blob/main/docs';

const NEEDS_PREMIUM = 'Needs the level premium.';

/** The most names that the backend lists. */
const ALL_NAMES = 1_000_000;

/** How many names a pie or a graph tells apart; the palette has as many colours. */
const SHOWN = 10;

/** Pixels of a letter in a table, of the room beside the text of a cell, and of what may stand beside the name in a header: the funnel or the arrow of the order. */
const LETTER = 8;
const CELL_PADDING = 16;
const HEADER_ICON = 24;

/** The least pixels of a column of names, unless its header needs more: a name of a country such as "United Kingdom" fits. */
const NAME_WIDTH = { country: 128, other: 96 };

/** From so many numbers on, shares in a table have the room that they need alone; its pixels at least. Columns that share the room may take more than there is. */
const MANY = 8;
const SHARE_WIDTH = 64;

/** The least pixels of any column of a table: a name and three numbers fit on a phone. */
const MIN_WIDTH = 80;

type Question = Pick<StreamlensQuery, 'unit' | 'mode' | 'metric' | 'breakdown' | 'dimension' | 'values' | 'interval' | 'compare' | 'where' | 'sort' | 'session'> & { queryType: string };

/** What a panel shows and how it is found. */
interface Content {
  /** Unique on its dashboard. It is part of the addresses of embedded panels, so it must never change. */
  id: number;
  title: string;
  /** Says how the number is made. */
  description: string;
  /** Columns of the grid, which has 24. */
  width: number;
  /** What is asked. The panel adds the form and the filters at the top of the page. */
  query: Question;
  /** What is asked beside it, for the same panel; what says nothing at all is left out. */
  beside?: Question;
  /** What some columns are called here, where it is not what they are called elsewhere. */
  names?: Record<string, string>;
  /** Columns that it does not show. */
  hidden?: string[];
  /** For a panel that updates by itself: how far back from now it shows, such as `30m`. */
  live?: string;
  /** The page of the documents that explains the names. */
  explained?: string;
}

/** The calls that every kind of panel has. */
interface PanelBuilder {
  id(id: number): this;
  title(title: string): this;
  description(description: string): this;
  span(width: number): this;
  height(height: number): this;
  datasource(reference: typeof DATASOURCE): this;
  withTarget(target: Builder<Dataquery>): this;
  links(links: Array<Builder<DashboardLink>>): this;
  timeFrom(length: string): this;
  hideTimeOverride(hidden: boolean): this;
  overrideByName(name: string, properties: DynamicConfigValue[]): this;
}

/** How a column with a limit shows that it is beyond: a number in the limit's colours, or a line at it. */
const LIMITS = {
  number: [{ id: 'color', value: { mode: FieldColorModeId.Thresholds } }],
  line: [{ id: 'custom.thresholdsStyle', value: { mode: GraphThresholdsStyleMode.Dashed } }],
};

/** Makes a graph of bars that add up, one bar per interval, with the totals in the legend. */
export function stackedBars(content: Content): timeseries.PanelBuilder {
  const panel = barsOverTime().legend(legend().calcs(['sum']));
  fill(panel, content, 'series', HEIGHT.panel);
  hideTotal(panel, content);
  return panel;
}

/** Makes the same of a breakdown that has one number, in a colour for each name. */
export function stackedBarsByName(content: Content): timeseries.PanelBuilder {
  if (numbersOf(content).length !== 1) {
    throw new Error(`${content.title}: a bar has one number, so the query must choose a metric`);
  }
  const panel = barsOverTime().legend(legend());
  const plays = playsOfPart(content);
  if (plays) {
    panel.dataLinks([{ build: () => plays as unknown as DashboardLink }]);
  }
  return describe(panel, content, 'series', HEIGHT.panel);
}

function barsOverTime(): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .drawStyle(GraphDrawStyle.Bars)
    // An interval bears the time at which it begins.
    .barAlignment(BarAlignment.After)
    .fillOpacity(80)
    .lineWidth(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None))
    .axisSoftMin(0);
}

/** Makes a graph of lines that hold their value through each interval. */
export function steps(content: Content): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .drawStyle(GraphDrawStyle.Line)
    // An interval bears the time at which it begins.
    .lineInterpolation(LineInterpolation.StepAfter)
    .lineWidth(2)
    .fillOpacity(numbersOf(content).length > 1 ? 0 : 15)
    .showPoints(VisibilityMode.Auto)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None))
    // Even of one line: the legend is where the words stand when there is none.
    .legend(legend())
    .axisSoftMin(0);
  spread(panel, content);
  fill(panel, content, 'series', HEIGHT.panel);
  const hide = (name: string) =>
    panel.overrideByName(name, [{ id: 'custom.hideFrom', value: { viz: true, legend: true, tooltip: true } }]);
  content.hidden?.forEach(hide);
  if (content.query.compare) {
    showEarlier(panel, content, hide);
  }
  return showLimits(panel, content, 'line');
}

/** Draws what the numbers were in an earlier range as dashed lines in their colours, without the change, whose axis would be another. */
function showEarlier(panel: timeseries.PanelBuilder, content: Content, hide: (name: string) => void): void {
  for (const { name, unit } of columnsOf(content)) {
    if (unit === '') {
      continue;
    }
    const earlier = `${name}Before`;
    panel.overrideByName(earlier, [
      ...lookOf(name, `${content.names?.[name] ?? LOOKS[name].name}, before`),
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 6] } },
      { id: 'custom.fillOpacity', value: 0 },
    ]);
    [`${name}Change`, ...(unit === 'ratio' ? [`${name}Difference`] : []), ...(content.hidden?.includes(name) ? [earlier] : [])].forEach(hide);
  }
}

/** Makes a graph of lines from one report to the next, of what happened in a play: of these columns, which the widget does not name. */
export function linesOf({ columns, ...content }: Content & { columns: string[] }): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(2)
    .showPoints(VisibilityMode.Always)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None))
    .legend(legend())
    .axisSoftMin(0);
  describe(spread(panel, content), content, 'total', HEIGHT.panel);
  for (const name of columns) {
    panel.overrideByName(name, lookOf(name));
  }
  return panel;
}

/** Gives parts of a whole an axis that fits them, also where all of them are 0: Grafana would go up to 10,000 %. */
function spread(panel: timeseries.PanelBuilder, content: Content): timeseries.PanelBuilder {
  return numbersOf(content).every(({ unit }) => unit === 'ratio') ? panel.axisSoftMax(0.01) : panel;
}

/** Makes a bar of states over time, of what a player did, each in its colour. */
export function statesOf(content: Content): statetimeline.PanelBuilder {
  const panel = new statetimeline.PanelBuilder().mergeValues(true).showValue(VisibilityMode.Auto).legend(legend());
  return describe(panel, content, 'total', HEIGHT.rows).overrideByName('state', [
    { id: 'displayName', value: 'Player' },
    { id: 'mappings', value: mappingsOf(STATES) },
  ]);
}

/** Makes the mappings of values to how they look. */
function mappingsOf(looks: Record<string, { text: string; color?: string }>): object[] {
  return [{ type: 'value', options: Object.fromEntries(Object.entries(looks).map(([value, look], index) => [value, { ...look, index }])) }];
}

/** Makes the table of what is known of a play, with the names that the columns of plays have elsewhere. */
export function factsOf(content: TableContent): table.PanelBuilder {
  const names = widgetOf('plays').columns.map(({ name }) => [name, { text: LOOKS[name].name }] as const);
  return bars(content).overrideByName('fact', [{ id: 'mappings', value: mappingsOf(Object.fromEntries(names)) }]);
}

/** Makes the table of what happened in a play, whose columns the widget does not name. */
export function momentsOf(content: TableContent): table.PanelBuilder {
  return bars(content)
    .overrideByName('time', [
      { id: 'displayName', value: 'Time' },
      { id: 'custom.width', value: LOOKS.start.width },
    ])
    .overrideByName('text', [{ id: 'displayName', value: 'What happened' }]);
}

/** Makes a graph of a curve whose axis is one of the columns, not the time. */
export function curve({ along, ...content }: Content & { along: string }): trend.PanelBuilder {
  const panel = new trend.PanelBuilder()
    .xField(content.names?.[along] ?? LOOKS[along].name)
    .lineWidth(2)
    .fillOpacity(15)
    .showPoints(VisibilityMode.Never)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None))
    .legend(legend())
    .axisSoftMin(0);
  return fill(panel, content, 'total', HEIGHT.panel);
}

/** Makes a graph of points, for numbers that most intervals have none of. */
export function points(content: Content): timeseries.PanelBuilder {
  return steps(content).drawStyle(GraphDrawStyle.Points).pointSize(6);
}

/** Makes a row of tiles, one per number of the widget. */
export function tiles(content: Content, form: Form = 'total'): stat.PanelBuilder {
  const panel = new stat.PanelBuilder()
    .reduceOptions(reduced(content, 'lastNotNull'))
    .graphMode(BigValueGraphMode.None)
    .wideLayout(false)
    // Else the colour of text: others say good or bad of a number that stands alone, and some are faint on white.
    .colorMode(numbersOf(content).some(({ limit }) => limit) ? BigValueColorMode.Value : BigValueColorMode.None)
    .textMode(numbersOf(content).length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value);
  if (content.query.compare) {
    // More is not always better, nor worse.
    panel.showPercentChange(true).percentChangeColorMode(PercentChangeColorMode.SameAsValue);
  }
  fill(panel, content, content.query.compare ? 'trend' : form, HEIGHT.tiles);
  return showLimits(panel, content, 'number');
}

/** Makes one number of each column that is shown. */
function reduced(content: Content, how: string): ReduceDataOptionsBuilder {
  const options = new ReduceDataOptionsBuilder().calcs([how]).values(false);
  if (!content.hidden) {
    return options;
  }
  const shown = numbersOf(content).map(({ name }) => content.names?.[name] ?? LOOKS[name].name);
  return options.fields(`/^(${[...shown, NAMELESS].join('|')})$/`);
}

/** Makes numbers that can be read from afar: of a series the newest, of a breakdown the sums. */
export function bigNumbers(content: Content, form: Form): stat.PanelBuilder {
  const adds = form === 'total' && columnsOf(content).some(({ unit }) => unit === '');
  return tiles(content, form)
    .reduceOptions(reduced(content, adds ? 'sum' : 'lastNotNull'))
    .height(HEIGHT.numbers);
}

/** Makes a pie of the greatest names of a breakdown that has one number, with the numbers and shares in the legend. */
export function pie(content: Content): Builder<AnyPanel> {
  if (numbersOf(content).length !== 1) {
    throw new Error(`${content.title}: a pie shows one number, so the query must choose a metric`);
  }
  const panel = new piechart.PanelBuilder()
    .pieType(piechart.PieChartType.Donut)
    .reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']))
    .legend(
      new piechart.PieChartLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .showLegend(true)
        .values([piechart.PieChartLegendValues.Percent, piechart.PieChartLegendValues.Value])
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
  const plays = playsOfPart(content);
  if (plays) {
    panel.dataLinks([{ build: () => ({ ...plays, oneClick: true }) as unknown as DashboardLink }]);
  }
  describe(panel, content, 'parts', HEIGHT.panel);
  return {
    build: () => {
      const built = panel.build();
      // As answered: the greatest first and the rest last, which Grafana would put among the others. The builder does not know it.
      return { ...built, options: { ...built.options, sort: SortOrder.None } };
    },
  };
}

/** Returns the link to the plays that a part in a colour of its own is about. */
function playsOfPart(content: Content): CellLink | undefined {
  const of = groupOf(content);
  return of ? linkToPlays({ of, value: `\${__field.labels.${of}:percentencode}`, live: content.live !== undefined }) : undefined;
}

/** Makes bars of a breakdown that has few names, the numbers stacked. */
export function stackedRows(content: Content): barchart.PanelBuilder {
  const panel = new barchart.PanelBuilder()
    .orientation(VizOrientation.Horizontal)
    .stacking(StackingMode.Normal)
    .fillOpacity(80)
    .lineWidth(0)
    .barWidth(0.7)
    .showValue(VisibilityMode.Never)
    .legend(legend())
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None));
  fill(panel, content, 'total', HEIGHT.panel);
  hideTotal(panel, content);
  return panel;
}

/** How a table differs from others. */
interface TableContent extends Content {
  /** The column that orders the rows, the greatest first; by default they stay as they are answered. */
  sortBy?: string;
  /** Rows of the grid. */
  height?: number;
  /** The columns that have bars, which are those that add up and have a sum below. */
  barsOf: string[];
  /** Whether the sums stand below. */
  sums?: boolean;
  /** Links of the cells, by column. */
  links?: Record<string, CellLink[]>;
}

/** Makes a table of a breakdown: the names searchable, the numbers with bars and their sums below. */
export function bars({
  sortBy,
  height = HEIGHT.panel,
  barsOf,
  sums = true,
  links = {},
  ...content
}: TableContent): table.PanelBuilder {
  // Each column's longest bar is its greatest number.
  const panel = new table.PanelBuilder().minWidth(MIN_WIDTH).fieldMinMax(true);
  fill(panel, content, 'total', height);
  panel.links([...(content.explained ? [meaning(content.explained)] : []), csv(content)]);
  for (const { name, unit, limit } of columnsOf(content)) {
    const leads = linksOf(content, name, unit, links[name] ?? []);
    if (leads.length > 0) {
      panel.overrideByName(name, [{ id: 'links', value: leads }]);
    }
    if (content.hidden?.includes(name)) {
      panel.overrideByName(name, [{ id: 'custom.hideFrom.viz', value: true }]);
    }
    const header = content.names?.[name] ?? LOOKS[name]?.name ?? name;
    if (header.includes(' ')) {
      panel.overrideByName(name, [{ id: 'custom.wrapHeaderText', value: true }]);
    }
    const least = leastWidth(header, unit, unit === '' || name === sortBy);
    if (unit === 'ratio' && numbersOf(content).length >= MANY && !LOOKS[name]?.width) {
      panel.overrideByName(name, [{ id: 'custom.width', value: Math.max(least, SHARE_WIDTH) }]);
    } else if (least > MIN_WIDTH && !LOOKS[name]?.width) {
      panel.overrideByName(name, [{ id: 'custom.minWidth', value: least }]);
    }
    if (limit) {
      panel.overrideByName(name, [{ id: 'custom.cellOptions', value: { type: TableCellDisplayMode.ColorText } }]);
    }
    if (unit === '') {
      panel.overrideByName(name, [
        { id: 'custom.filterable', value: true },
        // Grafana makes room for a country's code, not for its name.
        { id: 'custom.wrapText', value: name !== 'country' },
      ]);
    } else if (barsOf.includes(name)) {
      panel.overrideByName(name, [
        {
          id: 'custom.cellOptions',
          value: {
            type: TableCellDisplayMode.Gauge,
            mode: BarGaugeDisplayMode.Basic,
            valueDisplayMode: BarGaugeValueMode.Text,
          },
        },
        { id: 'min', value: 0 },
        ...(sums ? [{ id: 'custom.footer.reducers', value: ['sum'] }] : []),
      ]);
    }
  }
  showLimits(panel, content, 'number');
  if (sortBy) {
    panel.sortBy([
      new TableSortByFieldStateBuilder().displayName(content.names?.[sortBy] ?? LOOKS[sortBy].name).desc(true),
    ]);
  }
  return panel;
}

/** Returns how wide a column must be for the longest word of its header, and for its numbers. */
function leastWidth(header: string, unit: string, hasIcon: boolean): number {
  const word = Math.max(...header.split(' ').map(({ length }) => length));
  const name = unit !== '' ? 0 : header === LOOKS.country.name ? NAME_WIDTH.country : NAME_WIDTH.other;
  // Such as 143:33:12.
  const number = unit === 'seconds' ? 10 * LETTER : 0;
  return Math.max(name, number + CELL_PADDING, word * LETTER + CELL_PADDING + (hasIcon ? HEADER_ICON : 0));
}

/** Returns the links of a cell: its own, and that to the plays which the row is about. */
function linksOf(content: Content, name: string, unit: string, own: CellLink[]): CellLink[] {
  const of = groupOf(content);
  // A country is shown by its name, so that only its own cell knows its code.
  const value = of === 'country' ? '${__value.raw:percentencode}' : `\${__data.fields.${of}:percentencode}`;
  const plays = of && (of === 'country' ? name === of : unit !== '') ? linkToPlays({ of, value, clicked: name, live: content.live !== undefined, anyPlayer: followsPlayers(content) }) : undefined;
  if (!plays) {
    return own;
  }
  return own.length > 0 ? [...own.map(({ title, url }) => ({ title, url })), plays] : [{ ...plays, oneClick: true }];
}

/** Returns the column that names the group of plays which a row or a part is about, if it is about plays. */
function groupOf(content: Content): string | undefined {
  const { page } = widgetOf(content.query.queryType);
  const name = columnsOf(content).find(({ unit }) => unit === '')?.name;
  // Of the names of what is chosen at the top of the page the panel makes links itself.
  const isChosen = followsPlayers(content) && name === 'version';
  return ['Webcaster', 'Plays', 'Play'].includes(page) || content.query.queryType === 'usageIngest' || isChosen ? undefined : name;
}

/** Whether a panel is about the players alone that are chosen at the top of the page. */
function followsPlayers({ query }: Content): boolean {
  return query.dimension?.startsWith('$') ?? false;
}

/** Makes a map of the world with the project's own panel. */
export function map(content: Content, height: number, options: Partial<Options>): PanelOfAnyType {
  const panel = new PanelOfAnyType().type(worldMapId).options({ ...DEFAULTS, ...options }).overrides([]);
  const plays = linkToPlays({ of: 'country', value: '${__value.raw:percentencode}' });
  panel.overrideByName('country', [{ id: 'links', value: [plays] }]);
  return describe(panel, content, 'total', height);
}

/** Shows of each column that has one where its limit is, which the answer brings along. */
function showLimits<Panel extends PanelBuilder>(panel: Panel, content: Content, how: keyof typeof LIMITS): Panel {
  for (const { name } of numbersOf(content).filter(({ limit }) => limit)) {
    panel.overrideByName(name, LIMITS[how]);
  }
  return panel;
}

/** Hides what would be stacked upon the parts: their sum, and how it changes. */
function hideTotal(panel: PanelBuilder, content: Content): void {
  for (const { name } of numbersOf(content).filter(({ name }) => ['total', 'change'].includes(name))) {
    panel.overrideByName(name, [{ id: 'custom.hideFrom', value: { viz: true, legend: true, tooltip: true } }]);
  }
}

/** Gives the panel what every panel has, and each column its look. */
function fill<Panel extends PanelBuilder>(panel: Panel, content: Content, form: Form, height: number): Panel {
  describe(panel, content, form, height);
  for (const column of columnsOf(content)) {
    panel.overrideByName(column.name, lookOf(column.name, content.names?.[column.name]));
  }
  return panel;
}

function meaning(page: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder('What they mean')
    .type(DashboardLinkType.Link)
    .url(`${DOCUMENTS}/${page}`)
    .targetBlank(true);
}

/** Makes the link that downloads what a table shows, with all digits and all names. */
function csv({ query }: Content): DashboardLinkBuilder {
  const { filters } = widgetOf(query.queryType);
  const options = (['unit', 'metric', 'breakdown', 'dimension', 'values'] as const).flatMap((name) =>
    [query[name] ?? []].flat().map((value) => (value === `$${name}` ? `\${${name}:queryparam}` : `${name}=${value}`))
  );
  const parameters = [
    `widget=${query.queryType}`,
    ...options,
    ...(query.where ?? []).map((condition) => `where=${encoded(condition)}`),
    ...(query.sort ? [`sort=${encoded(query.sort)}`] : []),
    ...(query.session ? [`session=${encoded(query.session)}`] : []),
    ...(hasNames(query) && !['monthToDate', 'plays', 'play'].includes(query.queryType) ? [`top=${ALL_NAMES}`] : []),
    'from=${__from}&to=${__to}&timezone=${__timezone:percentencode}',
    ...FILTERS.filter(({ name }) => filters.includes(name)).map(({ name }) => `\${${name}:queryparam}`),
  ];
  return (
    new DashboardLinkBuilder('CSV')
      .type(DashboardLinkType.Link)
      .tooltip('Download all rows with exact numbers, for the filters and the time range in force')
      .url(`/api/datasources/uid/\${datasource}/resources/export?${parameters.join('&')}`)
      // Else Grafana would look for a page of its own at the address.
      .targetBlank(true)
  );
}

/** Returns a text as it stands in an address, with its variables. */
function encoded(text: string): string {
  return text
    .split(/(\$\w+)/)
    .map((part) => (part.startsWith('$') ? `\${${part.slice(1)}:percentencode}` : encodeURIComponent(part)))
    .join('');
}

function hasNames(query: Question): boolean {
  return columnsOfAnswer(query).some(({ unit }) => unit === '');
}

/** Gives the panel what every panel has. */
function describe<Panel extends PanelBuilder>(panel: Panel, content: Content, form: Form, height: number): Panel {
  panel
    .id(content.id)
    .title(content.title)
    .description(content.description)
    .span(content.width)
    .height(height)
    .datasource(DATASOURCE)
    .withTarget(target('A', content.query, content, form));
  if (content.beside) {
    panel.withTarget(target('B', content.beside, content, form));
  }
  if (content.live) {
    panel.timeFrom(content.live).hideTimeOverride(true);
  }
  if (content.explained) {
    panel.links([meaning(content.explained)]);
  }
  if (widgetOf(content.query.queryType).level === 'premium') {
    panel.description(`${content.description} ${NEEDS_PREMIUM}`);
  }
  return panel;
}

function target(refId: string, query: Question, { live }: Content, form: Form): Builder<Dataquery> {
  const { filters } = widgetOf(query.queryType);
  const asked: StreamlensQuery = { refId, datasource: DATASOURCE, ...query, form, ...(live && { live: true }) };
  // A graph or a pie of more names cannot be read. The rest is one of its own.
  if (form !== 'total' && hasNames(query) && !query.breakdown) {
    asked.top = SHOWN;
  }
  if (form === 'series' || query.queryType === 'monthToDate') {
    asked.timezone = '$__timezone';
  }
  for (const { name } of FILTERS.filter(({ name }) => filters.includes(name))) {
    asked[name] = [`$${name}`];
  }
  return { build: () => ({ ...asked, _implementsDataqueryVariant: () => {} }) };
}

function widgetOf(queryType: string): Widget {
  const widget = WIDGETS.find(({ type }) => type === queryType);
  if (!widget) {
    throw new Error(`there is no widget ${queryType}`);
  }
  return widget;
}

/** The columns that the answer has: all of the widget, or the one metric and the names. */
function columnsOf({ query, beside }: Content): Column[] {
  return beside ? [...columnsOfAnswer(query), ...columnsOfAnswer(beside)] : columnsOfAnswer(query);
}

function columnsOfAnswer(query: Question): Column[] {
  const names: Column[] = query.breakdown ? [{ name: query.breakdown, unit: '' }] : [];
  const columns = [...names, ...widgetOf(query.queryType).columns];
  // Some metrics choose a column, others what the columns show.
  return columns.some(({ name }) => name === query.metric)
    ? columns.filter(({ name, unit }) => unit === '' || name === query.metric)
    : columns;
}

function numbersOf(content: Content): Column[] {
  return columnsOf(content).filter(({ name, unit }) => unit !== '' && !content.hidden?.includes(name));
}

function legend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs([]);
}
