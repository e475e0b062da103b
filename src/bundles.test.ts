import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = path.resolve(__dirname, '../dist');

/**
 * Bytes with gzip that each script of the plugin may have: all that Grafana loads before it shows the first panel. Whoever needs more
 * raises a number here, and says in the commit what for.
 */
const BUDGETS: Record<string, number> = {
  'module.js': 14_300,
  'panels/worldmap/module.js': 82_000,
};

if (!existsSync(path.join(DIST, 'module.js'))) {
  throw new Error('dist/module.js is missing: npm run build makes it');
}

test('every script has a budget', () => {
  const scripts = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  expect(scripts.sort()).toEqual(Object.keys(BUDGETS).sort());
});

test.each(Object.entries(BUDGETS))('%s is at most %d bytes with gzip', (script, budget) => {
  const { length } = gzipSync(readFileSync(path.join(DIST, script)), { level: 9 });
  expect(length).toBeLessThanOrEqual(budget);
});

/**
 * What React 19 has no more, as it would stand in a bundle (https://react.dev/blog/2024/04/25/react-19-upgrade-guide). The last is the form
 * of elements of a copy of React 18, which React 19 refuses to draw.
 */
const GONE = [
  '__SECRET_INTERNALS_DO_NOT_USE_OR_YOU_WILL_BE_FIRED',
  'findDOMNode',
  'unmountComponentAtNode',
  'unstable_renderSubtreeIntoContainer',
  'createFactory',
  'react.element',
];

test.each(Object.keys(BUDGETS))('%s has nothing that is gone in React 19', (script) => {
  const text = readFileSync(path.join(DIST, script), 'utf8');
  expect(GONE.filter((name) => text.includes(name))).toEqual([]);
});
