import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = path.resolve(__dirname, '../dist');

/**
 * Bytes with gzip that each script of the plugin may have: all that Grafana loads before it shows the first panel. Whoever needs more
 * raises a number here, and says in the commit what for.
 */
const BUDGETS: Record<string, number> = {
  'module.js': 12_500,
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
