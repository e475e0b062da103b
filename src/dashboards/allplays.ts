import { TextBoxVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { HEIGHT } from './looks';
import { choice, linkTo, only, type Page } from './page';
import { bars } from './panels';

/** The page of the list of plays, and that of one of them. */
export const PLAYS_UID = 'streamlens-plays';
export const PLAY_UID = 'streamlens-play';

const OUTCOMES = ['played', 'playbackfailure', 'startfailure', 'startbusiness', 'blocked', 'exit', 'exitearly'];

const ORDERS = [
  { text: 'The last first', value: '-end' },
  { text: 'The most buffering first', value: '-bufferingRatio' },
  { text: 'The longest stall first', value: '-longestStall' },
  { text: 'The slowest start first', value: '-startTime' },
  { text: 'The highest latency first', value: '-latency' },
  { text: 'The lowest bitrate first', value: 'bitrate' },
  { text: 'The most errors first', value: '-errors' },
  { text: 'The longest first', value: '-duration' },
];

/** Texts that one can search for, by the column that must be equal. */
const SEARCHES = [
  { name: 'user', label: 'User', description: 'Id of a user, exactly as the player sends it. Empty: all. There are users only with plays.users.' },
  { name: 'ip', label: 'IP', description: 'Address in the form in which it is stored. Empty: all.' },
  { name: 'session', label: 'Session', description: 'Id of a session. Empty: all.' },
  { name: 'code', label: 'Code', description: 'Code of the last error of a play. Empty: all.' },
];

/** Every play, and the search for some. */
export const allPlays: Page = {
  uid: PLAYS_UID,
  title: 'Plays',
  description:
    'Each play and each broadcast that ended in the time range: who, with what, how it went. It needs the store of plays.',
  from: 'now-1h',
  switches: [
    choice('order', 'Order', 'Which plays are listed, as there is room for 100.', ORDERS),
    choice('outcome', 'Outcome', 'How the attempt to play went.', [
      { text: 'All', value: 'outcome=' },
      ...OUTCOMES.map((outcome) => ({ text: outcome, value: `outcome=${outcome}` })),
    ]),
    ...SEARCHES.map(({ name, label, description }) =>
      new TextBoxVariableBuilder(name).label(label).description(description).defaultValue('')
    ),
  ],
  panels: [
    bars({
      id: 1,
      title: 'Plays',
      description:
        'Plays and broadcasts that ended in the time range, 100 at most, in the order chosen at the top of the page. Of a range of more than 24 hours choose a user, an address or a session. Click a start to see what happened in the play, a value to see only it.',
      width: 24,
      query: {
        queryType: 'plays',
        where: ['$outcome', ...SEARCHES.map(({ name }) => `${name}=$${name}`)],
        sort: '$order',
      },
      height: HEIGHT.map,
      barsOf: [],
      hidden: ['direction', 'event', 'region', 'os', 'browser', 'protocol', 'referrer', 'height', 'droppedFrames', 'roundTripTime', 'packetLoss', 'stalls'],
      links: {
        start: [
          {
            ...linkTo('What happened', {
              on: PLAYS_UID,
              page: PLAY_UID,
              set: 'stream',
              values: { session: '${__data.fields.session:percentencode}' },
              range: ['${__data.fields.start.numeric}', '${__data.fields.end.numeric}'],
            }),
            oneClick: true,
          },
        ],
        stream: [only(PLAYS_UID, 'stream')],
        country: [only(PLAYS_UID, 'country')],
        user: [only(PLAYS_UID, 'user')],
        ip: [only(PLAYS_UID, 'ip')],
        code: [only(PLAYS_UID, 'code')],
      },
    }),
  ],
};
