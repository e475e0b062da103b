import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { IconButton, useStyles2, useTheme2 } from '@grafana/ui';
import { type ZoomTransform } from 'd3-zoom';
import { type KeyboardEvent, memo, type PointerEvent, useEffect, useId, useMemo, useState } from 'react';

import { COUNTRIES, REGIONS } from '../geography/countries';
import { type Drawing, placeOf, type Shape } from '../geography/shapes';
import { MARKER_RADIUS, spreadMarkers } from '../markers';
import type { Style, View } from '../options';
import { partsOf } from '../parts';
import type { RankedRow } from '../rows';
import { useZoom } from './useZoom';

/** A place on the screen, in pixels of the window. */
export interface Spot {
  x: number;
  y: number;
}

interface Props {
  drawing: Drawing;
  style: Style;
  view: View;
  /** Rows of the view, the greatest value first. */
  rows: RankedRow[];
  /** Colour of each country that has a value in this view. */
  colors: ReadonlyMap<string, string>;
  /** Code in this view of what is pointed at. */
  active: string | undefined;
  /** Says what the map shows, for those who do not see it. */
  label: string;
  buttons: boolean;
  onPoint: (code: string | undefined, spot: Spot) => void;
  onPick: (code: string, spot: Spot) => void;
  onLeave: () => void;
}

/** How many markers carry their rank. */
const NUMBERED = 10;

/** Countries smaller than this on the screen, in square pixels, are drawn as points. */
const POINT_AREA = 40;

const POINT_RADIUS = 3.5;

/** Shift in pixels from which a line joins a marker to its place. */
const LONGEST_WITHOUT_LINE = 6;

/** The map with everything on it; zooms by itself and reports what is pointed at and picked. */
export function WorldMap(props: Props) {
  const { drawing, style, view, rows, colors, active, label, buttons, onPoint, onPick, onLeave } = props;
  const theme = useTheme2();
  const styles = useStyles2(getStyles);
  const helpId = useId();
  const { svg, setSvg, transform, zoomBy, reset } = useZoom(drawing.width, drawing.height);

  const codeAt = (target: EventTarget): string | undefined => {
    const country = target instanceof Element ? target.closest('[data-code]')?.getAttribute('data-code') : undefined;
    return country ? inView(country, view) : undefined;
  };
  const spotOf = (code: string): Spot => {
    const frame = svg!.getBoundingClientRect();
    const [x, y] = transform.apply(placeInView(drawing, code, view));
    return {
      x: frame.left + Math.min(Math.max(x, 0), drawing.width),
      y: frame.top + Math.min(Math.max(y, 0), drawing.height),
    };
  };

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const step = STEPS[event.key];
    if (step) {
      const i = step(
        rows.findIndex(({ code }) => code === active),
        rows.length
      );
      const row = rows[Math.min(Math.max(i, 0), rows.length - 1)];
      if (row) {
        onPoint(row.code, spotOf(row.code));
      }
    } else if ((event.key === 'Enter' || event.key === ' ') && active) {
      onPick(active, spotOf(active));
    } else if (event.key === 'Escape') {
      onLeave();
    } else if (event.key === '+' || event.key === '=') {
      zoomBy(ZOOM_STEP);
    } else if (event.key === '-') {
      zoomBy(1 / ZOOM_STEP);
    } else if (event.key === '0') {
      reset();
    } else {
      return;
    }
    event.preventDefault();
  };

  return (
    <div className={styles.frame} style={{ width: drawing.width, height: drawing.height }}>
      <div
        role="group"
        tabIndex={0}
        aria-label={label}
        aria-describedby={helpId}
        className={styles.focus}
        onKeyDown={onKeyDown}
        onBlur={onLeave}
      >
        <svg
          ref={setSvg}
          width={drawing.width}
          height={drawing.height}
          aria-hidden="true"
          className={cx(styles.map, transform.k > 1 && styles.zoomed)}
          onPointerMove={(event: PointerEvent) => {
            // A finger that moves scrolls; what it points at is known when it taps.
            if (event.pointerType !== 'touch' && event.buttons === 0) {
              onPoint(codeAt(event.target), { x: event.clientX, y: event.clientY });
            }
          }}
          onPointerLeave={onLeave}
          onClick={(event) => {
            const code = codeAt(event.target);
            if (code) {
              onPick(code, { x: event.clientX, y: event.clientY });
            }
          }}
        >
          <g transform={transform.toString()}>
            <Land drawing={drawing} colors={style === 'markers' ? NO_COLORS : colors} />
            <Highlight drawing={drawing} active={active} view={view} />
          </g>
          <Points
            drawing={drawing}
            transform={transform}
            rows={view === 'countries' ? rows : []}
            colors={colors}
            all={style === 'markers'}
            active={active}
          />
          {style !== 'countries' && (
            <Markers drawing={drawing} transform={transform} view={view} rows={rows} colors={colors} theme={theme} />
          )}
        </svg>
      </div>
      <span id={helpId} hidden>
        Arrow keys walk through the ranking, Enter opens what one can do, plus and minus zoom, 0 shows the whole map.
      </span>
      {buttons && (
        <div className={styles.buttons}>
          <IconButton name="plus" tooltip="Zoom in" tooltipPlacement="left" onClick={() => zoomBy(ZOOM_STEP)} />
          <IconButton name="minus" tooltip="Zoom out" tooltipPlacement="left" onClick={() => zoomBy(1 / ZOOM_STEP)} />
          <IconButton name="home-alt" tooltip="Whole map" tooltipPlacement="left" onClick={reset} />
        </div>
      )}
    </div>
  );
}

const ZOOM_STEP = 1.8;

const NO_COLORS: ReadonlyMap<string, string> = new Map();

/** Where a key leads in the ranking: from an index, -1 if nothing is active, among so many. */
const STEPS: Record<string, ((i: number, length: number) => number) | undefined> = {
  ArrowRight: (i) => i + 1,
  ArrowDown: (i) => i + 1,
  ArrowLeft: (i) => i - 1,
  ArrowUp: (i) => i - 1,
  Home: () => 0,
  End: (_i, length) => length - 1,
};

interface LandProps {
  drawing: Drawing;
  colors: ReadonlyMap<string, string>;
}

/** All countries; drawn anew only when they change, not when one zooms. */
const Land = memo(function Land({ drawing, colors }: LandProps) {
  const { land } = useStyles2(getStyles);
  const parts = useMemo(() => partsOf(drawing.shapes), [drawing]);
  const begun = useCountUp(parts.length);
  return (
    <g className={land}>
      {parts.slice(0, begun).map((shapes, i) => (
        <Countries key={i} shapes={shapes} colors={colors} />
      ))}
    </g>
  );
});

/** Counts from 0 up to a number, by one in each frame. */
function useCountUp(end: number): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    if (count < end) {
      const frame = requestAnimationFrame(() => setCount(count + 1));
      return () => cancelAnimationFrame(frame);
    }
    return undefined;
  }, [count, end]);
  return count;
}

interface CountriesProps {
  shapes: Shape[];
  colors: ReadonlyMap<string, string>;
}

const Countries = memo(function Countries({ shapes, colors }: CountriesProps) {
  return (
    <>
      {shapes.map(({ code, path }) => (
        <path key={code} data-code={code} d={path} style={{ fill: colors.get(code) }} />
      ))}
    </>
  );
});

/** The outline of what is pointed at. */
function Highlight({ drawing, active, view }: { drawing: Drawing; active: string | undefined; view: View }) {
  const { highlight } = useStyles2(getStyles);
  const shapes = active ? drawing.shapes.filter(({ code }) => code && inView(code, view) === active) : [];
  return <path className={highlight} d={shapes.map(({ path }) => path).join('')} />;
}

interface PointsProps {
  drawing: Drawing;
  transform: ZoomTransform;
  rows: RankedRow[];
  colors: ReadonlyMap<string, string>;
  /** Whether large countries have points too. */
  all: boolean;
  active: string | undefined;
}

/** Countries with a value that are too small to be seen, as points that stay the same size at every zoom. */
function Points({ drawing, transform, rows, colors, all, active }: PointsProps) {
  const styles = useStyles2(getStyles);
  const small = rows.filter(
    ({ code, value }) =>
      value !== null && (all || (drawing.shapeOf.get(code)?.area ?? 0) * transform.k ** 2 < POINT_AREA)
  );
  return (
    <g className={styles.points}>
      {/* The greatest last, so that it lies on top. */}
      {small.reverse().map(({ code }) => {
        const [x, y] = transform.apply(placeOf(drawing, code));
        return (
          <g key={code} data-code={code} transform={`translate(${x.toFixed(1)},${y.toFixed(1)})`}>
            <circle r={2.5 * POINT_RADIUS} className={styles.target} />
            <circle r={POINT_RADIUS} className={cx(code === active && styles.active)} fill={colors.get(code)} />
          </g>
        );
      })}
    </g>
  );
}

interface MarkersProps {
  drawing: Drawing;
  transform: ZoomTransform;
  view: View;
  rows: RankedRow[];
  colors: ReadonlyMap<string, string>;
  theme: GrafanaTheme2;
}

/** Discs with the rank of the ten highest. */
function Markers({ drawing, transform, view, rows, colors, theme }: MarkersProps) {
  const styles = useStyles2(getStyles);
  const markers = useMemo(
    () =>
      spreadMarkers(
        rows.slice(0, NUMBERED).flatMap(({ code, rank }) => {
          const [x, y] = transform.apply(placeInView(drawing, code, view));
          return rank === undefined ? [] : [{ code, rank, x, y }];
        })
      ),
    [drawing, transform, view, rows]
  );
  return (
    <g className={styles.markers}>
      {markers.reverse().map(({ code, rank, x, y, shownX, shownY }) => {
        const country = view === 'countries' ? code : firstCountry(code);
        const color = colors.get(country) ?? theme.colors.background.canvas;
        return (
          <g key={code} data-code={country}>
            {Math.hypot(shownX - x, shownY - y) > LONGEST_WITHOUT_LINE && (
              <line x1={x} y1={y} x2={shownX} y2={shownY} />
            )}
            <circle cx={shownX} cy={shownY} r={MARKER_RADIUS} fill={color} />
            <text x={shownX} y={shownY} fill={theme.colors.getContrastText(color)}>
              {rank}
            </text>
          </g>
        );
      })}
    </g>
  );
}

/** Returns the code under which a country is found in a view. */
export function inView(country: string, view: View): string {
  return view === 'countries' ? country : (COUNTRIES.get(country)?.region ?? '');
}

/** Returns a country of a region, which stands for the region where countries are expected. */
function firstCountry(region: string): string {
  return [...COUNTRIES.values()].find((country) => country.region === region)!.code;
}

function placeInView(drawing: Drawing, code: string, view: View): [x: number, y: number] {
  return view === 'countries' ? placeOf(drawing, code) : drawing.at(REGIONS.get(code)!.position);
}

const getStyles = (theme: GrafanaTheme2) => ({
  frame: css({ position: 'relative', overflow: 'hidden' }),
  focus: css({
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: -2 },
  }),
  map: css({ display: 'block', touchAction: 'pan-y', userSelect: 'none', cursor: 'default' }),
  zoomed: css({ touchAction: 'none', cursor: 'grab', '&:active': { cursor: 'grabbing' } }),
  land: css({
    fill: theme.colors.emphasize(theme.colors.background.primary, 0.07),
    stroke: theme.colors.emphasize(theme.colors.background.primary, 0.25),
    strokeWidth: 0.5,
    strokeLinejoin: 'round',
    path: { vectorEffect: 'non-scaling-stroke' },
  }),
  highlight: css({
    fill: 'none',
    stroke: theme.colors.text.maxContrast,
    strokeWidth: 1.5,
    vectorEffect: 'non-scaling-stroke',
    pointerEvents: 'none',
  }),
  points: css({ stroke: theme.colors.text.secondary, strokeWidth: 1 }),
  target: css({ fill: 'transparent', stroke: 'none' }),
  active: css({ stroke: theme.colors.text.maxContrast, strokeWidth: 2.5 }),
  markers: css({
    stroke: theme.colors.text.maxContrast,
    strokeWidth: 1,
    text: {
      stroke: 'none',
      fontSize: 9,
      fontWeight: theme.typography.fontWeightMedium,
      textAnchor: 'middle',
      dominantBaseline: 'central',
      pointerEvents: 'none',
    },
  }),
  buttons: css({
    position: 'absolute',
    top: theme.spacing(1),
    right: theme.spacing(1),
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1),
    padding: theme.spacing(0.75),
    borderRadius: theme.shape.radius.default,
    background: theme.colors.background.primary,
    boxShadow: theme.shadows.z1,
    button: { margin: 0 },
  }),
});
