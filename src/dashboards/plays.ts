import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';

import { HEIGHT } from './looks';
import { bars, pie } from './panels';

interface Place {
  id: number;
  width: number;
  title: string;
}

/** Makes the list of what plays were watched with, how many they were and how long they played. */
export function playsAndTime(
  place: Omit<Place, 'width'> & { description: string; query: { queryType: string } }
): Builder<Panel> {
  return bars({ ...place, width: 8, sortBy: 'plays', height: HEIGHT.panel, barsOf: ['plays', 'playingTime'] });
}

/** Makes the parts of the operating systems in all plays. */
export function playsByOS(place: Place): Builder<Panel> {
  return pie({
    ...place,
    description:
      'Plays whose first frame was shown in the time range, by the operating system that the browser names. Shares are of all plays.',
    query: { queryType: 'playsByOS', metric: 'plays' },
  });
}

/** Makes the parts of the players' versions in all plays. */
export function playsByVersion(place: Place): Builder<Panel> {
  return pie({
    ...place,
    description:
      'Plays whose first frame was shown in the time range, by kind and version of the player. Shares are of all plays.',
    query: { queryType: 'playsByVersion', metric: 'plays' },
  });
}
