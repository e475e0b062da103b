/** The job by which collectors are scraped. */
export const JOB = 'streamlens';

const PREFIX = 'streamlens_collector_';

/** The collectors' metrics; docs/operations.md says what they are. */
export const METRIC = {
  accepted: `${PREFIX}accepted_total`,
  repeated: `${PREFIX}repeated_total`,
  late: `${PREFIX}late_total`,
  refused: `${PREFIX}refused_total`,
  logLines: `${PREFIX}log_lines_total`,
  folded: `${PREFIX}folded_total`,
  sessions: `${PREFIX}sessions`,
  series: `${PREFIX}series`,
  waiting: `${PREFIX}waiting_samples`,
  waitingSeconds: `${PREFIX}waiting_seconds`,
  backlog: `${PREFIX}backlog_bytes`,
  journal: `${PREFIX}journal_bytes`,
  maxData: `${PREFIX}max_data_bytes`,
  sync: `${PREFIX}journal_sync_seconds`,
  written: `${PREFIX}written_samples_total`,
  failures: `${PREFIX}write_failures_total`,
  delay: `${PREFIX}delay_seconds`,
  userAgents: `${PREFIX}user_agents_waited_total`,
  ready: `${PREFIX}ready`,
  databaseBuilt: `${PREFIX}geoip_database_build_timestamp_seconds`,
  databaseRefused: `${PREFIX}geoip_database_refused`,
  serverUp: `${PREFIX}server_up`,
  serverLastPoll: `${PREFIX}server_last_poll_timestamp_seconds`,
  serverPollSeconds: `${PREFIX}server_poll_seconds`,
  serverFailures: `${PREFIX}server_poll_failures_total`,
  serverConnections: `${PREFIX}server_connections`,
  serverStreams: `${PREFIX}server_streams`,
  serverLeftOut: `${PREFIX}server_left_out_bytes_total`,
  serverHooks: `${PREFIX}server_refused_hooks_total`,
  reads: `${PREFIX}reads_total`,
  readsRefused: `${PREFIX}reads_refused_total`,
  playsWaiting: `${PREFIX}plays_waiting`,
  playsBacklog: `${PREFIX}plays_backlog_bytes`,
  playsWritten: `${PREFIX}plays_written_total`,
  playsFound: `${PREFIX}plays_found_total`,
  playsFailures: `${PREFIX}plays_failures_total`,
  playsDropped: `${PREFIX}plays_dropped_total`,
  playsRepaired: `${PREFIX}plays_repaired_total`,
  playsRepairFailures: `${PREFIX}plays_repair_failures_total`,
  playsRunningWritten: `${PREFIX}plays_running_written_total`,
  playsRunningDropped: `${PREFIX}plays_running_dropped_total`,
};

/** Reasons to refuse what strangers send, who could wake somebody by them. */
export const NOISE = [
  'connections',
  'encoding',
  'guesses',
  'http',
  'media_type',
  'not_found',
  'origin',
  'unauthorized',
];

/** Reasons to refuse what is beyond a limit of an organisation, which is what the limit is for. */
export const LIMITED = ['rate', 'rate_account', 'rate_address', 'streams', 'sessions'];

/** Returns how much a counter grows in a second. Grafana's interval is none for alerts, which give their own. */
export function rate(metric: string, selector: string, interval = '$__rate_interval'): string {
  return `rate(${metric}{${selector}}[${interval}])`;
}

/** Returns 1 for each collector that is ready and 0 for each other, also for one that does not answer. */
export function readiness(selector = ''): string {
  return `min by (instance) (${METRIC.ready}{${selector}} or up{${[`job="${JOB}"`, selector].filter(Boolean).join(',')}})`;
}

/** Returns the share of what is refused over 5 minutes, without what strangers send and what is beyond limits. */
export function refusedShare(selector = ''): string {
  const reasons = [`reason!~"${[...NOISE, ...LIMITED].join('|')}"`, selector].filter(Boolean).join(',');
  const refused = `(sum(${rate(METRIC.refused, reasons, '5m')}) or vector(0))`;
  return `${refused} / (${refused} + sum(${rate(METRIC.accepted, selector, '5m')}) > 0)`;
}
