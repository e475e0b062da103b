import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BarAlignment,
  BarGaugeDisplayMode,
  BarGaugeValueMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableCellDisplayMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import * as piechart from '@grafana/grafana-foundation-sdk/piechart';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

import type { Form, StreamlensQuery } from '../query';
import { type Column, type Widget, WIDGETS } from '../widgets';
import { HEIGHT, lookOf, LOOKS } from './looks';
import { DATASOURCE, FILTERS } from './page';

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
  query: Pick<StreamlensQuery, 'unit' | 'mode' | 'metric'> & { queryType: string };
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
  overrideByName(name: string, properties: DynamicConfigValue[]): this;
}

/** Makes a graph of bars that add up, one bar per interval, with the totals in the legend. */
export function stackedBars(content: Content): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .drawStyle(GraphDrawStyle.Bars)
    // An interval bears the time at which it begins.
    .barAlignment(BarAlignment.After)
    .fillOpacity(80)
    .lineWidth(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    .legend(legend().calcs(['sum']))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.None))
    .axisSoftMin(0);
  fill(panel, content, 'series', HEIGHT.panel);
  // A sum beside its parts would be stacked upon them.
  if (numbersOf(content).some(({ name }) => name === 'total')) {
    panel.overrideByName('total', [{ id: 'custom.hideFrom', value: { viz: true, legend: true, tooltip: true } }]);
  }
  return panel;
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
    .legend(legend().showLegend(numbersOf(content).length > 1))
    .axisSoftMin(0);
  return fill(panel, content, 'series', HEIGHT.panel);
}

/** Makes a row of tiles, one per number of the widget. */
export function tiles(content: Content): stat.PanelBuilder {
  const panel = new stat.PanelBuilder()
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false))
    .graphMode(BigValueGraphMode.None)
    .wideLayout(false)
    .colorMode(BigValueColorMode.Value)
    .textMode(numbersOf(content).length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value);
  return fill(panel, content, 'total', HEIGHT.tiles);
}

/** Makes a pie of a breakdown, by the metric that the query names, with the numbers and shares in the legend. */
export function pie(content: Content & { query: { metric: string } }): piechart.PanelBuilder {
  const [names] = columnsOf(content).filter(({ unit }) => unit === '').map(({ name }) => name);
  const panel = new piechart.PanelBuilder()
    .pieType(piechart.PieChartType.Donut)
    // Slices that are rows of one field have the same colour when their values are equal.
    .withTransformation({ id: 'partitionByValues', options: { fields: [names], naming: { asLabels: true } } })
    .displayName(`\${__field.labels.${names}}`)
    .reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']))
    .legend(
      new piechart.PieChartLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .showLegend(true)
        .values([piechart.PieChartLegendValues.Percent, piechart.PieChartLegendValues.Value])
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single));
  return describe(panel, content, 'total', HEIGHT.panel);
}

/** Makes a table of a breakdown: the names searchable, the numbers with bars, ordered by one of them. */
export function bars(content: Content & { sortBy: string }): table.PanelBuilder {
  // Three columns fit on a phone.
  const panel = new table.PanelBuilder().minWidth(100);
  fill(panel, content, 'total', HEIGHT.panel);
  for (const { name, unit } of columnsOf(content)) {
    panel.overrideByName(
      name,
      unit === ''
        ? [
            { id: 'custom.filterable', value: true },
            { id: 'custom.wrapText', value: true },
          ]
        : [
            {
              id: 'custom.cellOptions',
              value: {
                type: TableCellDisplayMode.Gauge,
                mode: BarGaugeDisplayMode.Basic,
                valueDisplayMode: BarGaugeValueMode.Text,
              },
            },
            { id: 'min', value: 0 },
          ]
    );
  }
  return panel.sortBy([new TableSortByFieldStateBuilder().displayName(LOOKS[content.sortBy].name).desc(true)]);
}

/** Gives the panel what every panel has, and each column its look. */
function fill<Panel extends PanelBuilder>(panel: Panel, content: Content, form: Form, height: number): Panel {
  describe(panel, content, form, height);
  for (const column of columnsOf(content)) {
    panel.overrideByName(column.name, lookOf(column, content.title));
  }
  return panel;
}

/** Gives the panel what every panel has. */
function describe<Panel extends PanelBuilder>(panel: Panel, content: Content, form: Form, height: number): Panel {
  return panel
    .id(content.id)
    .title(content.title)
    .description(content.description)
    .span(content.width)
    .height(height)
    .datasource(DATASOURCE)
    .withTarget(target(content, form));
}

function target({ query }: Content, form: Form): Builder<Dataquery> {
  const { filters } = widgetOf(query.queryType);
  const asked: StreamlensQuery = { refId: 'A', datasource: DATASOURCE, ...query, form };
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
function columnsOf({ query }: Content): Column[] {
  return widgetOf(query.queryType).columns.filter(
    ({ name, unit }) => unit === '' || !query.metric || name === query.metric
  );
}

function numbersOf(content: Content): Column[] {
  return columnsOf(content).filter(({ unit }) => unit !== '');
}

function legend(): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder()
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .showLegend(true)
    .calcs([]);
}
