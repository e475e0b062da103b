/**
 * A page that does for one panel what Grafana does: it loads the built AMD module, hands it Grafana's packages, and draws
 * it with data. Tests call `panel.show` with what they want to see.
 */
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaUi from '@grafana/ui';
import lodash from 'lodash';
import * as react from 'react';
import * as reactDom from 'react-dom';
import { flushSync } from 'react-dom';
import { createRoot, type Root } from 'react-dom/client';
import * as jsxRuntime from 'react/jsx-runtime';
import * as rxjs from 'rxjs';

import { DEFAULTS } from '../../../src/panels/worldmap/options';
import type { Case } from '../cases';

const SHARED: Record<string, unknown> = {
  '@emotion/css': emotionCss,
  '@emotion/react': emotionReact,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/ui': grafanaUi,
  lodash,
  react,
  'react-dom': reactDom,
  'react/jsx-runtime': jsxRuntime,
  rxjs,
};

const THEMES = {
  light: grafanaData.createTheme({ colors: { mode: 'light' } }),
  dark: grafanaData.createTheme({ colors: { mode: 'dark' } }),
};

/** Names and values of the dashboard's variables. */
let variables: Record<string, string> = {};
let root: Root | undefined;
const room = document.getElementById('room')!;
const styles = createRoot(document.getElementById('styles')!);

const plugin = loadPlugin();

grafanaRuntime.setTemplateSrv({
  getVariables: () => Object.keys(variables).map((name) => ({ type: 'custom', name, query: '' })) as never,
  replace: (text = '') => replace(text),
  containsTemplate: (text = '') => Object.keys(variables).some((name) => text.includes(`$${name}`)),
  updateTimeRange: () => {},
});

/** Draws a case, in place of the one before, and returns the milliseconds until a frame shows it. */
async function show(shown: Case): Promise<number> {
  const loaded = await plugin;
  variables = shown.variables ?? {};
  const theme = THEMES[shown.theme ?? 'light'];
  flushSync(() => styles.render(inTheme(theme, <grafanaUi.GlobalStyles />)));
  room.style.background = theme.colors.background.primary;
  const element = elementOf(loaded, shown, theme);
  // What Grafana does before, with its theme and the frames, is no part of the task in which the panel is drawn.
  document.body.getBoundingClientRect();
  await new Promise((resolve) => setTimeout(resolve));
  const before = performance.mark('draw').startTime;
  root ??= createRoot(room);
  flushSync(() => root!.render(element));
  // A timer that is set before a frame is painted ends after it.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return performance.now() - before;
}

/** Removes what is drawn, so that the next one is drawn for the first time. */
function clear(): void {
  root?.unmount();
  root = undefined;
}

Object.assign(window, { panel: { show, clear } });

function elementOf(loaded: grafanaData.PanelPlugin, shown: Case, theme: grafanaData.GrafanaTheme2): JSX.Element {
  const series = shown.frames.map((frame) => toFrame(frame, shown, theme));
  const width = shown.width ?? 900;
  const height = shown.height ?? 420;
  const Panel = loaded.panel!;
  const props = {
    id: 1,
    title: 'Viewers',
    data: {
      series,
      state: grafanaData.LoadingState.Done,
      timeRange: grafanaData.getDefaultTimeRange(),
      request: { targets: shown.targets ?? [] },
    },
    options: { ...DEFAULTS, ...shown.options },
    fieldConfig: { defaults: shown.config ?? {}, overrides: [] },
    width,
    height,
    replaceVariables: replace,
  } as unknown as grafanaData.PanelProps;
  return inTheme(theme, <Panel {...props} />);
}

function inTheme(theme: grafanaData.GrafanaTheme2, element: JSX.Element): JSX.Element {
  return <grafanaData.ThemeContext.Provider value={theme}>{element}</grafanaData.ThemeContext.Provider>;
}

/** Makes a frame as Grafana hands it to a panel: every field with its options and what writes its values. */
function toFrame(frame: Case['frames'][number], shown: Case, theme: grafanaData.GrafanaTheme2): grafanaData.DataFrame {
  const made = grafanaData.toDataFrame(frame);
  for (const field of made.fields.filter(({ type }) => type === grafanaData.FieldType.number)) {
    field.config = {
      color: { mode: 'continuous-blues' },
      thresholds: { mode: grafanaData.ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }] },
      ...field.config,
      ...shown.config,
    };
    field.display = grafanaData.getDisplayProcessor({ field, theme });
    field.getLinks = ({ valueRowIndex }) =>
      (field.config.links ?? []).map(({ title, url }) => ({
        title,
        href: url.replace('${row}', String(valueRowIndex)),
        target: '_self' as const,
        origin: field,
      }));
  }
  return made;
}

function replace(text: string): string {
  return text.replace(/\$(\w+)/g, (whole, name: string) => variables[name] ?? whole);
}

async function loadPlugin(): Promise<grafanaData.PanelPlugin> {
  const response = await fetch('/dist/panels/worldmap/module.js');
  return new Promise((resolve) => {
    const define = (names: string[], factory: (...modules: unknown[]) => { plugin: grafanaData.PanelPlugin }): void => {
      const missing = names.filter((name) => !(name in SHARED));
      if (missing.length > 0) {
        throw new Error(`the page does not share ${missing.join(', ')}`);
      }
      resolve(factory(...names.map((name) => SHARED[name])).plugin);
    };
    response.text().then((code) => new Function('define', code)(Object.assign(define, { amd: true })));
  });
}
