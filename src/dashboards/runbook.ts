/** The uid of the dashboard that has a panel for each alert rule with what to do about it. */
export const RUNBOOKS_UID = 'streamlens-runbooks';

/** Returns the id of the panel about an alert rule, which is the same whatever rules there are beside it: old messages link it. */
export function runbookPanel(uid: string): number {
  return [...uid].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
}

/** Returns the address of that panel, in Grafana's template language. */
export function runbookAddress(uid: string): string {
  return `{{ externalURL }}d/${RUNBOOKS_UID}?orgId=1&viewPanel=panel-${runbookPanel(uid)}`;
}
