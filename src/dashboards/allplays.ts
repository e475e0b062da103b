import { TextBoxVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard';

import { HEIGHT } from './looks';
import { choice, linkTo, only, type Page } from './page';
import { bars, tiles } from './panels';

/** The page of the list of plays, and that of one of them. */
const PLAYS_UID = 'streamlens-plays';
export const PLAY_UID = 'streamlens-play';

/** Called as the widgets call them. */
const OUTCOMES = [
  { text: 'Played', value: 'outcome=played' },
  { text: 'Playback failure', value: 'outcome=playbackfailure' },
  { text: 'Start failure', value: 'outcome=startfailure' },
  { text: 'May not watch', value: 'outcome=startbusiness' },
  { text: 'Blocked by the browser', value: 'outcome=blocked' },
  { text: 'Exit before the start', value: 'outcome=exit' },
  { text: 'Exit within a second', value: 'outcome=exitearly' },
];

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

const TROUBLES = [
  { text: 'Buffering', value: 'buffering' },
  { text: 'Bad plays', value: 'bad' },
  { text: 'Failed starts', value: 'startFailures' },
  { text: 'Failures', value: 'playbackFailures' },
  { text: 'Exits before the start', value: 'exits' },
];

/** Conditions that one can write, or that a click on what plays have in common writes. */
const CONDITIONS = [
  { name: 'condition', label: 'Condition', description: 'On any column of plays, such as operator=Example Net, device!=tv or startTime>=2. Empty: all.' },
  { name: 'and', label: 'And', description: 'Another condition that must be met, too. Empty: all.' },
];

/** Texts that one can search for, by the column that must be equal. */
const SEARCHES = [
  { name: 'user', label: 'User', description: 'Id of a user, exactly as the player sends it. Empty: all. There are users only with plays.users.' },
  { name: 'ip', label: 'IP', description: 'Address in the form in which it is stored. Empty: all.' },
  { name: 'session', label: 'Session', description: 'Id of a session. Empty: all.' },
  { name: 'code', label: 'Code', description: 'Code of the last error of a play. Empty: all.' },
];

/** What is chosen at the top of the page, but for the outcome, and with it. */
const CHOSEN = [...SEARCHES.map(({ name }) => `${name}=$${name}`), ...CONDITIONS.map(({ name }) => `$${name}`)];
const WHERE = ['$outcome', ...CHOSEN];

/** Columns that there is no room for. */
const HIDDEN = ['event', 'region', 'os', 'browser', 'protocol', 'cdn', 'referrer', 'height', 'droppedFrames', 'roundTripTime', 'packetLoss', 'stalls', 'smoothnessScore'];

/** What the lists of plays that ended and of those that run have in common; to is where the page of a play ends. */
const list = (to: string) => ({
  barsOf: [],
  hidden: HIDDEN,
  links: {
    start: [
      {
        ...linkTo('What happened', {
          on: PLAYS_UID,
          page: PLAY_UID,
          set: 'stream',
          values: { session: '${__data.fields.session:percentencode}' },
          range: ['${__data.fields.start.numeric}', to],
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
});

/** Every play, and the search for some. */
export const allPlays: Page = {
  uid: PLAYS_UID,
  title: 'Plays',
  description:
    'Each play and each broadcast that ended in the time range, or that still runs: who, with what, how it went. It needs the store of plays.',
  from: 'now-1h',
  switches: [
    choice('order', 'Order', 'Which plays are listed, as there is room for 100.', ORDERS),
    choice('outcome', 'Outcome', 'How the attempt to play went.', [
      { text: 'All', value: 'outcome=' },
      ...OUTCOMES,
    ]),
    choice('trouble', 'Trouble', 'What the plays in trouble have in common is looked for by.', TROUBLES),
    ...[...SEARCHES, ...CONDITIONS].map(({ name, label, description }) =>
      new TextBoxVariableBuilder(name).label(label).description(description).defaultValue('')
    ),
  ],
  panels: [
    bars({
      id: 2,
      title: 'Common to plays in trouble',
      description:
        'Operators, devices, players and so on, or two of them together, that have so much more trouble than all other plays that it is no chance, and how much of all trouble would vanish if they were like the rest. Click one to see its plays below. The range is at most 7 days.',
      width: 16,
      query: { queryType: 'worstSegments', metric: '$trouble', where: WHERE },
      height: HEIGHT.rows,
      barsOf: [],
      hidden: ['condition', 'and'],
      links: {
        segment: [
          {
            ...linkTo('Its plays', {
              on: PLAYS_UID,
              page: PLAYS_UID,
              set: 'condition',
              values: { and: '${__data.fields.and:percentencode}' },
            }),
            oneClick: true,
          },
        ],
      },
    }),
    tiles({
      id: 3,
      title: 'Unique viewers',
      description:
        'Different viewers of the plays that ended in the time range, and those of them who were there in the time just before, too. The note of the panel says whether they are users, addresses or sessions.',
      width: 8,
      query: { queryType: 'uniqueViewers', where: WHERE },
      names: { viewers: 'Viewers' },
    }),
    bars({
      id: 6,
      title: 'Plays that still run',
      description:
        'Plays and broadcasts that run, as they were a minute ago at most, in the order chosen at the top of the page. Its outcome and the start of the time range do not matter; the range must reach up to now. It needs plays.running.',
      width: 24,
      query: {
        queryType: 'plays',
        where: ['outcome=running', ...CHOSEN],
        sort: '$order',
      },
      height: HEIGHT.panel,
      ...list('now'),
      hidden: [...HIDDEN, 'outcome', 'quality', 'stop'],
    }),
    bars({
      id: 1,
      title: 'Plays',
      description:
        'Plays and broadcasts that ended in the time range, 100 at most, in the order chosen at the top of the page. Of a range of more than 24 hours choose a user, an address or a session. Click a start to see what happened in the play, a value to see only it.',
      width: 24,
      query: {
        queryType: 'plays',
        where: WHERE,
        sort: '$order',
      },
      height: HEIGHT.map,
      ...list('${__data.fields.end.numeric}'),
    }),
    bars({
      id: 4,
      title: 'Quality by network',
      description:
        'How the plays went of each network, those that are chosen at the top of the page. The data source has the same by device, player, region, user, address and so on. Click a network to see its plays.',
      width: 24,
      query: { queryType: 'playQuality', breakdown: 'operator', where: WHERE },
      height: HEIGHT.table,
      barsOf: ['plays'],
      sums: false,
      hidden: ['startTimeP95', 'errors', 'successScore', 'startupScore'],
      links: {
        operator: [
          {
            ...linkTo('Its plays', {
              on: PLAYS_UID,
              page: PLAYS_UID,
              values: { condition: 'operator%3D${__data.fields.operator:percentencode}' },
            }),
            oneClick: true,
          },
        ],
      },
    }),
    bars({
      id: 5,
      title: 'Shared access',
      description:
        'Users with more than one play at once, address or country: who shares an account. There are users only with plays.users; the data source has the same by address. The last column is the command that blocks one for a week, to be run where the collector runs and as its user.',
      width: 24,
      query: { queryType: 'sharedAccess', where: WHERE },
      height: HEIGHT.panel,
      barsOf: [],
      links: { user: [only(PLAYS_UID, 'user')] },
    }),
    bars({
      id: 7,
      title: 'Block list',
      description:
        'Addresses, networks, users and sites that may not watch, whatever is chosen at the top of the page. The last column is the command that takes one off, to be run where the collector runs and as its user. The data source needs the URL of the collector and a block list token.',
      width: 24,
      query: { queryType: 'blockList' },
      names: { value: 'Who' },
      height: HEIGHT.panel,
      barsOf: [],
      explained: 'blocking.md',
    }),
  ],
};
