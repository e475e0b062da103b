import { css } from '@emotion/css';
import type { DataFrame, GrafanaTheme2, LinkModel, PanelProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import { useStyles2, useTheme2 } from '@grafana/ui';
import { useCallback, useMemo, useState } from 'react';

import { nothingOf } from '../../../nothing';
import { isWorldMap, readSeries, type Target } from '../frame';
import { COUNTRIES, countryNamer, REGIONS } from '../geography/countries';
import { draw } from '../geography/shapes';
import { divide } from '../layout';
import type { Options, View } from '../options';
import { combine, rank, type RankedRow, type Row, type Series } from '../rows';
import { makeScale } from '../scale';
import { clearVariable, hasVariable, isVariableSet, metricsOf, setVariable } from '../variables';
import { DataTable } from './DataTable';
import { type Action, Details } from './Details';
import { Legend } from './Legend';
import { Note } from './Note';
import { Ranking } from './Ranking';
import { Toolbar } from './Toolbar';
import { inView, type Spot, WorldMap } from './WorldMap';

/** Rows of the list beside the map. */
const TOP = 10;

interface Pointed {
  code: string;
  spot: Spot;
}

/** The world map panel: switches, map, legend, ranking, and what belongs to them. */
export function WorldMapPanel(props: PanelProps<Options>) {
  const { data, options, fieldConfig, width, height, title, replaceVariables } = props;
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const [pointed, setPointed] = useState<Pointed>();
  const [picked, setPicked] = useState<Pointed>();
  const [chosen, setChosen] = useState(0);
  const [view, setView] = useChoice<View>(options.view);

  const targets: Target[] | undefined = data.request?.targets;
  const allSeries = useMemo(
    () => readSeries(data.series, targets ?? [], options, replaceVariables),
    [data.series, targets, options, replaceVariables]
  );
  const index = Math.min(chosen, Math.max(allSeries.length - 1, 0));
  const series: Series | undefined = allSeries[index];

  const { rows, whole } = useMemo(() => rowsOf(series, view), [series, view]);
  const scale = useMemo(
    () => series && makeScale(series, numbersOf(rows), options.spread, theme),
    [series, rows, options.spread, theme]
  );
  const colors = useMemo(() => colorsOf(rows, view, scale?.colorOf), [rows, view, scale]);

  const metrics = targets?.some(isWorldMap) ? metricsOf(options.metricVariable) : [];
  const layout = divide(width, height, { toolbar: true, legend: options.legend, ranking: options.ranking });
  const drawing = useMemo(
    () => draw(layout.map.width, layout.map.height, options.projection),
    [layout.map.width, layout.map.height, options.projection]
  );

  const language = config.bootData?.user?.language || navigator.language;
  const nameOf = useMemo(() => nameIn(view, language), [view, language]);
  const shareText = useMemo(() => {
    const format = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
    return (share: number): string => format.format(share);
  }, [language]);

  const onPoint = useCallback(
    (code: string | undefined, spot: Spot) => setPointed(code ? { code, spot } : undefined),
    []
  );
  const onPick = useCallback((code: string, spot: Spot) => setPicked({ code, spot }), []);
  const onLeave = useCallback(() => setPointed(undefined), []);
  const onClose = useCallback(() => setPicked(undefined), []);

  const textOf = scale?.textOf ?? String;
  const shown = picked ?? pointed;
  const facts =
    shown &&
    factsOf(
      rows.find(({ code }) => code === shown.code),
      rows.length,
      { textOf, shareText }
    );
  const total = series && whole !== null ? `${series.kind === 'sum' ? 'Total' : 'Average'} ${textOf(whole)}` : '';
  const what = view === 'countries' ? 'Country' : 'Region';
  const label = `${replaceVariables(title) || 'World map'}: ${rows.length} ${view}. ${total}`.trim();

  return (
    <div className={styles.panel} style={{ width, height }} onDoubleClick={onClose}>
      {layout.toolbar > 0 && (
        <Toolbar
          metrics={metrics}
          metric={series?.metric ?? replaceVariables(`$${options.metricVariable}`)}
          onMetric={(metric) => setVariable(options.metricVariable, metric)}
          series={allSeries}
          chosen={index}
          onSeries={setChosen}
          view={view}
          onView={setView}
          height={layout.toolbar}
        />
      )}
      <div className={layout.ranking.place === 'beside' ? styles.beside : undefined}>
        <div>
          <div className={styles.map}>
            <WorldMap
              drawing={drawing}
              style={options.style}
              view={view}
              rows={rows}
              colors={colors}
              active={shown?.code}
              label={label}
              buttons={layout.buttons}
              onPoint={onPoint}
              onPick={onPick}
              onLeave={onLeave}
            />
            {series && <Note series={series} textOf={textOf} inOneLine={layout.legend === 0} />}
            {numbersOf(rows).length === 0 && (
              <div className={styles.empty}>{emptyText(data.series, series, fieldConfig.defaults.noValue)}</div>
            )}
          </div>
          {layout.legend > 0 && scale && <Legend scale={scale} total={total} height={layout.legend} />}
        </div>
        {layout.ranking.place !== 'none' && scale && rows.length > 0 && (
          <Ranking
            title={view === 'countries' ? `Top ${TOP}` : 'Regions'}
            rows={rows.filter(({ value }) => value !== null).slice(0, TOP)}
            nameOf={nameOf}
            textOf={textOf}
            colorOf={scale.colorOf}
            active={shown?.code}
            width={layout.ranking.width}
            height={layout.ranking.height}
            onPoint={onPoint}
            onPick={onPick}
            onLeave={onLeave}
          />
        )}
      </div>
      <DataTable caption={label} what={what} rows={rows} nameOf={nameOf} textOf={textOf} shareText={shareText} />
      <div className={styles.spoken} aria-live="polite">
        {pointed && facts && `${nameOf(pointed.code)}: ${facts.map((fact) => fact.join(' ')).join(', ')}`}
      </div>
      {shown && facts && (
        <Details
          name={nameOf(shown.code)}
          facts={facts}
          spot={shown.spot}
          actions={
            picked && {
              links: linksOf(
                series,
                rows.find(({ code }) => code === picked.code)
              ),
              own: actionsOf(picked.code, view, series, options.countryVariable, nameOf),
            }
          }
          onClose={onClose}
        />
      )}
    </div>
  );
}

/** A choice that starts as the options say, also when somebody changes them. */
function useChoice<Value>(initial: Value): [Value, (value: Value) => void] {
  const [choice, setChoice] = useState({ initial, value: initial });
  return [
    choice.initial === initial ? choice.value : initial,
    useCallback((value: Value) => setChoice({ initial, value }), [initial]),
  ];
}

/** Returns the rows of a view in order, and the sum or average of everything, also of what has no place. */
function rowsOf(series: Series | undefined, view: View): { rows: RankedRow[]; whole: number | null } {
  if (!series) {
    return { rows: [], whole: null };
  }
  const { rows, nowhere, kind } = series;
  const { value: whole } = combine('', nowhere ? [...rows, nowhere] : rows, kind);
  const grouped = view === 'countries' ? rows : groupByRegion(series);
  return { rows: rank(grouped, kind === 'sum' ? (whole ?? undefined) : undefined), whole };
}

function groupByRegion({ rows, kind }: Series): Row[] {
  const members = [...REGIONS.keys()].map((region) => ({
    region,
    countries: rows.filter(({ code }) => inView(code, 'regions') === region),
  }));
  return members
    .filter(({ countries }) => countries.length > 0)
    .map(({ region, countries }) => ({ ...combine(region, countries, kind), index: undefined }));
}

function numbersOf(rows: Row[]): number[] {
  return rows.flatMap(({ value }) => (value === null ? [] : [value]));
}

/** Returns the colour of every country that has one in this view. */
function colorsOf(
  rows: Row[],
  view: View,
  colorOf: ((value: number) => string) | undefined
): ReadonlyMap<string, string> {
  const colors = new Map<string, string>();
  for (const { code, value } of rows) {
    if (value !== null && colorOf) {
      colors.set(code, colorOf(value));
    }
  }
  if (view === 'countries') {
    return colors;
  }
  return new Map(
    [...COUNTRIES.values()].flatMap(({ code, region }) => {
      const color = colors.get(region);
      return color ? [[code, color]] : [];
    })
  );
}

function nameIn(view: View, language: string): (code: string) => string {
  return view === 'countries' ? countryNamer(language) : (code) => REGIONS.get(code)!.name;
}

function factsOf(
  row: RankedRow | undefined,
  count: number,
  { textOf, shareText }: { textOf: (value: number | null) => string; shareText: (share: number) => string }
): Array<[string, string]> {
  if (!row) {
    return [['Value', 'No data']];
  }
  const facts: Array<[string, string]> = [['Value', textOf(row.value)]];
  if (row.plays !== undefined) {
    facts.push(['Plays', row.plays.toLocaleString()]);
  }
  if (row.rank !== undefined) {
    facts.push(['Rank', `${row.rank} of ${count}`]);
  }
  if (row.share !== undefined) {
    facts.push(['Share', shareText(row.share)]);
  }
  return facts;
}

function linksOf(series: Series | undefined, row: RankedRow | undefined): LinkModel[] {
  if (row?.index === undefined || !series) {
    return [];
  }
  const { index } = row;
  return [series.country, series.field].flatMap((field) => field.getLinks?.({ valueRowIndex: index }) ?? []);
}

/** Returns what a click offers beside the data links: to see only this country or region, or everything again. */
function actionsOf(
  code: string,
  view: View,
  series: Series | undefined,
  variable: string,
  nameOf: (code: string) => string
): Action[] {
  if (!hasVariable(variable)) {
    return [];
  }
  const members = (series?.rows ?? []).map((row) => row.code).filter((country) => inView(country, view) === code);
  const actions: Action[] = [];
  if (members.length > 0) {
    actions.push({
      title: `Show only ${nameOf(code)}`,
      do: () => setVariable(variable, view === 'countries' ? code : members),
    });
  }
  if (isVariableSet(variable)) {
    actions.push({ title: 'Show all countries', do: () => clearVariable(variable) });
  }
  return actions;
}

/** Says why there are no numbers: in the words of the answer, if it has any. */
function emptyText(frames: DataFrame[], series: Series | undefined, noValue = 'No data'): string {
  const words = frames.map(nothingOf).find(Boolean) ?? series?.field.config.noValue;
  if (!words && frames.length > 0 && !series) {
    return 'There is no frame with a column of countries and a column of numbers.';
  }
  return words ?? noValue;
}

const getStyles = (theme: GrafanaTheme2) => ({
  panel: css({ position: 'relative', overflow: 'hidden' }),
  beside: css({ display: 'flex' }),
  map: css({ position: 'relative' }),
  empty: css({
    position: 'absolute',
    inset: 0,
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    textAlign: 'center',
    color: theme.colors.text.secondary,
    pointerEvents: 'none',
  }),
  spoken: css({
    position: 'absolute',
    width: 1,
    height: 1,
    overflow: 'hidden',
    clipPath: 'inset(50%)',
    whiteSpace: 'nowrap',
  }),
});
