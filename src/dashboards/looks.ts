import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';

interface Look {
  /** What the column is called in legends, tiles and headers. */
  name: string;
  /** A colour of Grafana's palette, which follows the theme; none for names. */
  color?: string;
  /** Pixels of the column in a table, where its texts cannot be wrapped or are short; else columns share the room. */
  width?: number;
}

/** How a column looks wherever it is shown, by the column's name. */
export const LOOKS: Record<string, Look> = {
  playout: { name: 'Delivered', color: 'blue' },
  sent: { name: 'Delivered', color: 'blue' },
  ingest: { name: 'Received', color: 'orange' },
  received: { name: 'Received', color: 'orange' },
  total: { name: 'Total', color: 'text' },
  viewers: { name: 'Peak viewers', color: 'green' },
  peakViewers: { name: 'Peak viewers', color: 'green' },
  averageViewers: { name: 'Average viewers', color: 'green' },
  serverViewers: { name: 'Server viewers', color: 'semi-dark-blue' },
  plays: { name: 'Plays', color: 'purple' },
  loads: { name: 'Loads', color: 'purple' },
  attempts: { name: 'Attempts', color: 'purple' },
  exits: { name: 'Exits', color: 'orange' },
  playbackFailures: { name: 'Playback failures', color: 'dark-red' },
  good: { name: 'Good', color: 'green' },
  fair: { name: 'Fair', color: 'yellow' },
  bad: { name: 'Bad', color: 'red' },
  slowStarts: { name: 'Slow starts', color: 'blue' },
  buffering: { name: 'Buffering', color: 'red' },
  bitrate: { name: 'Bitrate', color: 'blue' },
  known: { name: 'Known', color: 'text', width: 64 },
  perHour: { name: 'Per hour', color: 'orange' },
  stalls: { name: 'Stalls', color: 'red' },
  watched: { name: 'Watched', color: 'text' },
  watchedPerPlay: { name: 'Watched per play', color: 'text' },
  shareWatched: { name: 'Share watched', color: 'blue' },
  length: { name: 'Length', color: 'text' },
  retained: { name: 'Retained', color: 'blue' },
  seconds: { name: 'Played longer than', color: 'text' },
  played: { name: 'Played' },
  successScore: { name: 'Success', color: 'green' },
  startupScore: { name: 'Startup', color: 'blue' },
  smoothnessScore: { name: 'Smoothness', color: 'purple' },
  goodPlays: { name: 'Good plays', color: 'text' },
  joins: { name: 'Joins', color: 'green' },
  leaves: { name: 'Leaves', color: 'orange' },
  joinsPerMinute: { name: 'Joins per minute', color: 'green' },
  leavesPerMinute: { name: 'Leaves per minute', color: 'orange' },
  playtime: { name: 'Playing time', color: 'blue' },
  up: { name: 'Up', color: 'green' },
  down: { name: 'Down', color: 'orange' },
  failed: { name: 'Failed', color: 'red' },
  dropped: { name: 'Dropped', color: 'red' },
  frames: { name: 'Frames', color: 'text' },
  playingTime: { name: 'Playing time', color: 'blue' },
  state: { name: 'State', width: 110 },
  publishers: { name: 'Publishers', color: 'green' },
  publishes: { name: 'Publishes', color: 'orange' },
  roundTripTime: { name: 'Round trip', color: 'purple' },
  packetLoss: { name: 'Loss', color: 'red' },
  failures: { name: 'Failures', color: 'red' },
  ratio: { name: 'Ratio', color: 'red' },
  // Not that of a limit's line.
  value: { name: 'value', color: 'blue' },
  bufferingRatio: { name: 'Buffering', color: 'red' },
  startFailures: { name: 'Start failures', color: 'red' },
  startTime: { name: 'Start time', color: 'blue' },
  latency: { name: 'Latency', color: 'purple' },
  errors: { name: 'Fatal errors', color: 'red' },
  stops: { name: 'Stops', color: 'yellow' },
  count: { name: 'Events', color: 'yellow' },
  fatal: { name: 'Fatal', color: 'red' },
  median: { name: 'Median', color: 'green' },
  p95: { name: '95th percentile', color: 'dark-red' },
  p99: { name: '99th percentile', color: 'light-yellow' },
  average: { name: 'Average', color: 'purple' },
  change: { name: 'Change', color: 'text' },
  share: { name: 'Share', color: 'text', width: 64 },
  rank: { name: 'Rank', color: 'text', width: 60 },
  weight: { name: 'Weight', color: 'text' },
  period: { name: 'Period' },
  country: { name: 'Country' },
  stream: { name: 'Stream' },
  tag: { name: 'Tag' },
  referrer: { name: 'Referrer' },
  ip: { name: 'IP', width: 320 },
  reason: { name: 'Reason' },
  outcome: { name: 'Outcome', width: 190 },
  direction: { name: 'Kind', width: 100 },
  segment: { name: 'In common' },
  others: { name: 'All others', color: 'text' },
  impact: { name: 'Share of all trouble', color: 'red' },
  playing: { name: 'Playing time', color: 'blue' },
  mostAtOnce: { name: 'At once', color: 'red' },
  addresses: { name: 'Addresses', color: 'text' },
  countries: { name: 'Countries', color: 'text' },
  returning: { name: 'Returning', color: 'blue' },
  height: { name: 'Height' },
  code: { name: 'Code', width: 150 },
  start: { name: 'Start', width: 170 },
  end: { name: 'End', width: 170 },
  duration: { name: 'Duration', color: 'green' },
  user: { name: 'User' },
  operator: { name: 'Operator' },
  device: { name: 'Device' },
  os: { name: 'Operating system' },
  browser: { name: 'Browser' },
  version: { name: 'Player version' },
  protocol: { name: 'Protocol' },
  cdn: { name: 'CDN' },
  region: { name: 'Region' },
  event: { name: 'Event' },
  condition: { name: 'Condition' },
  and: { name: 'And' },
  droppedFrames: { name: 'Dropped frames', color: 'red' },
  startTimeP95: { name: 'Start time, 95th percentile', color: 'blue' },
  player: { name: 'Player' },
  quality: { name: 'Quality' },
  bufferLength: { name: 'Buffer', color: 'green' },
  longestStall: { name: 'Longest stall', color: 'red' },
  stop: { name: 'Stop' },
  session: { name: 'Session' },
  fact: { name: 'Fact', width: 150 },
  block: { name: 'Block', width: 640 },
  kind: { name: 'Kind', width: 90 },
  by: { name: 'By' },
  since: { name: 'Since', width: 170 },
  until: { name: 'Until', width: 170 },
  remove: { name: 'Take off', width: 480 },
};

/** How the states of a player look: those that are made of its reports, and those that players name. Neighbours differ for the colour-blind, too. */
export const STATES: Record<string, { text: string; color: string }> = {
  preparing: { text: 'Preparing', color: 'yellow' },
  starting: { text: 'Starting', color: 'yellow' },
  playing: { text: 'Playing', color: 'blue' },
  stalled: { text: 'Stalled', color: 'red' },
  rebuffering: { text: 'Stalled', color: 'red' },
  seeking: { text: 'Seeking', color: 'purple' },
  paused: { text: 'Paused', color: 'light-blue' },
  failed: { text: 'Failed', color: 'dark-red' },
  ended: { text: 'Ended', color: 'transparent' },
};

/** Returns the options that give a column its name, or the one that the panel has for it, and its looks. */
export function lookOf(column: string, name?: string): DynamicConfigValue[] {
  const look: Look = LOOKS[column] ?? { name: column, color: 'yellow' };
  const options: DynamicConfigValue[] = [{ id: 'displayName', value: name ?? look.name }];
  if (look.color) {
    options.push({ id: 'color', value: { mode: 'fixed', fixedColor: look.color } });
  }
  if (look.width) {
    options.push({ id: 'custom.width', value: look.width });
  }
  return options;
}

/** Heights in rows of Grafana's grid; a row is 38 px. On a phone panels keep their height and take the full width. */
export const HEIGHT = { tiles: 4, numbers: 7, panel: 9, rows: 6, months: 8, table: 13, map: 16 };
