import type { BeaconEvent } from './events';

/** Events of one session that the collector has not acknowledged. */
export interface Undelivered {
  /** When they were put aside, ms since 1970. */
  at: number;
  endpoint: string;
  /** What every request of the session says beside its events. */
  envelope: { sessionId: string };
  events: BeaconEvent[];
}

/** Key of localStorage. */
export const storageKey = 'streamlens-beacon';

/** The collector recognises a repeated event for 24 h; what is sent later might count twice. */
const longestWait = 23 * 3600 * 1000;
const mostSessions = 20;
/** Characters that all of them may take. */
const mostText = 256 * 1024;

/** Returns what earlier pages of this site could not deliver. */
export function undelivered(): Undelivered[] {
  try {
    const records = JSON.parse(localStorage.getItem(storageKey) ?? '[]') as Undelivered[];
    return records.filter(({ at }) => Math.abs(Date.now() - at) < longestWait);
  } catch {
    // The browser allows no storage, or it is not ours.
    return [];
  }
}

/** Puts a session's undelivered events aside in place of earlier ones; without events it only forgets those. */
export function putAside(record: Undelivered): void {
  const records = undelivered().filter(({ envelope }) => envelope.sessionId !== record.envelope.sessionId);
  if (record.events.length > 0) {
    records.push(record);
  }
  let rest = records.slice(-mostSessions);
  let text = JSON.stringify(rest);
  while (text.length > mostText) {
    rest = rest.slice(1);
    text = JSON.stringify(rest);
  }
  try {
    if (rest.length > 0) {
      localStorage.setItem(storageKey, text);
    } else {
      localStorage.removeItem(storageKey);
    }
  } catch {
    // Then they are lost if the page closes now.
  }
}
