import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';

import { pie } from './panels';

interface Place {
  id: number;
  width: number;
  title: string;
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
