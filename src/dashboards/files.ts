import { adaptive } from './adaptive';
import { breakdown } from './breakdown';
import { event } from './event';
import { h5live } from './h5live';
import { home } from './home';
import { allPlays } from './allplays';
import { live } from './live';
import { onePlay } from './oneplay';
import { operations } from './operations';
import { dashboard } from './page';
import { reports } from './reports';
import { runbooks } from './runbooks';
import { webcaster } from './webcaster';
import { worldMap } from './worldmap';

/** Returns the dashboards as JSON, by the name of the file under dashboards/. */
export function dashboardFiles(): Map<string, string> {
  return new Map([
    ['home.json', dashboard(home)],
    ['live.json', dashboard(live)],
    ['breakdown.json', dashboard(breakdown)],
    ['worldmap.json', dashboard(worldMap)],
    ['h5live.json', dashboard(h5live)],
    ['adaptive.json', dashboard(adaptive)],
    ['webcaster.json', dashboard(webcaster)],
    ['event.json', dashboard(event)],
    ['reports.json', dashboard(reports)],
    ['plays.json', dashboard(allPlays)],
    ['play.json', dashboard(onePlay)],
    ['operations.json', operations()],
    ['runbooks.json', runbooks()],
  ]);
}
