import { h5live } from './h5live';
import { home } from './home';
import { dashboard } from './page';

/** Returns the dashboards as JSON, by the name of the file under dashboards/. */
export function dashboardFiles(): Map<string, string> {
  return new Map([
    ['home.json', dashboard(home)],
    ['h5live.json', dashboard(h5live)],
  ]);
}
