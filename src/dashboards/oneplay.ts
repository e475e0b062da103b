import { TextBoxVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { PLAY_UID } from './allplays';
import { HEIGHT } from './looks';
import type { Page } from './page';
import { factsOf, linesOf, momentsOf, statesOf, steps } from './panels';

const PLAY = { queryType: 'play', session: '$session' };

/** What happened in one play. */
export const onePlay: Page = {
  uid: PLAY_UID,
  title: 'Play',
  description:
    'What happened in one play or broadcast, which the session at the top of the page names, and the broadcast of its stream beside it. The address of this page can be shared.',
  from: 'now-1h',
  switches: [
    new TextBoxVariableBuilder('session')
      .label('Session')
      .description('Id of the session. The time range must contain its end, or reach up to now if it still runs.')
      .defaultValue(''),
  ],
  panels: [
    statesOf({
      id: 1,
      title: 'What the player did',
      description:
        'Starting, playing, stalled or paused. Of a report that has several, playing comes first, then the stall, then the pause: the order within it is not known. Players that name their states are shown with these.',
      width: 24,
      query: { ...PLAY, metric: 'states' },
    }),
    factsOf({
      id: 2,
      title: 'Facts',
      description: 'What is known of the play.',
      width: 8,
      query: { ...PLAY, metric: 'facts' },
      names: { value: 'Value' },
      height: HEIGHT.panel,
      barsOf: [],
    }),
    linesOf({
      id: 3,
      title: 'Bitrate',
      description: 'Bitrate of the video and height of the picture, as each report told them.',
      width: 16,
      query: { ...PLAY, metric: 'bitrate' },
      columns: ['bitrate', 'height'],
    }),
    linesOf({
      id: 4,
      title: 'Latency and buffer',
      description: 'Delay behind live and length of the buffer, as each report told them.',
      width: 12,
      query: { ...PLAY, metric: 'latency' },
      columns: ['latency', 'bufferLength'],
    }),
    linesOf({
      id: 5,
      title: 'Buffering',
      description: 'Share of the time stalled in the time stalled and played of each report.',
      width: 12,
      query: { ...PLAY, metric: 'buffering' },
      columns: ['bufferingRatio'],
    }),
    steps({
      id: 6,
      title: 'The broadcast',
      description:
        'Bitrate of the video that the publishers of the stream reported in the time range, by minute. None where no publisher reports.',
      width: 24,
      query: { queryType: 'videoBitrate' },
    }),
    momentsOf({
      id: 7,
      title: 'What happened when',
      description: 'Begin, first frame, codes, named states and the stop. Of very many the first 48 are kept.',
      width: 24,
      query: { ...PLAY, metric: 'moments' },
      height: HEIGHT.table,
      barsOf: [],
    }),
  ],
};
