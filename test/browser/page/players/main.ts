import type { BeaconOptions, BeaconSession } from '@streamlens/beacon';
import { Recorder, type Figures } from '../measure';
import { createDashjs } from './dashjs';
import { createHlsjs } from './hlsjs';
import { createShaka, createShakaDebug } from './shaka';

/** Where and as what a player reports with CMCD. */
export interface CmcdOptions {
  /** URL of the collector for this player. */
  url: string;
  /** Name of the stream. */
  contentId: string;
  /** Seconds between two reports. */
  interval: number;
}

/** What each player is created with. */
export interface PlayerOptions {
  video: HTMLVideoElement;
  /** URL of the video, without the ending of the playlist's or manifest's name. */
  source: string;
  cmcd: CmcdOptions;
  /** Is called with the code of each error. */
  onError: (code: number | string, fatal: boolean) => void;
}

/** A player that waits for its start. */
export interface CreatedPlayer {
  observe(beacon: BeaconOptions): BeaconSession;
  start(): void;
  destroy(): void;
}

/** Seconds of media that the players keep ahead, so that a withheld segment soon becomes a stall. */
export const bufferGoal = 2;

/** A player that is destroyed sooner after its error does not get to report it, ms. */
const farewell = 500;

const players = { hlsjs: createHlsjs, dashjs: createDashjs, shaka: createShaka, 'shaka-debug': createShakaDebug };

/** A player, or one of its builds. */
export type PlayerKind = keyof typeof players;

/** What a test does with the page. */
export interface PlayersPage {
  /** Starts a play of a source with one of the players, which reports with CMCD and is observed by the beacon. */
  play(how: { kind: PlayerKind; source: string; cmcd: CmcdOptions; beacon: BeaconOptions }): Promise<void>;
  /** The player gave up, and the page has destroyed it. */
  hasFailed: boolean;
  video: HTMLVideoElement;
  figures(): PlayFigures;
}

/** What the page found out about a play and its player. */
export interface PlayFigures extends Figures {
  /** Codes of the player's errors. */
  codes: string[];
}

const video = document.querySelector('video')!;
const codes: string[] = [];
let recorder: Recorder;

const page: PlayersPage = {
  hasFailed: false,
  video,
  async play({ kind, source, cmcd, beacon }) {
    let end: number | undefined;
    const onError = (code: number | string, fatal: boolean) => {
      if (page.hasFailed) {
        return;
      }
      codes.push(String(code));
      if (fatal) {
        end ??= window.setTimeout(() => {
          recorder.finish();
          page.hasFailed = true;
          player.destroy();
        }, farewell);
      }
    };
    const player = await players[kind]({ video, source: new URL(source, location.href).href, cmcd, onError });
    player.observe(beacon);
    recorder = new Recorder(video);
    player.start();
  },
  figures: () => ({ ...recorder.figures(), codes }),
};

addEventListener('pagehide', () => {
  recorder.finish();
  navigator.sendBeacon('/figures', JSON.stringify(page.figures()));
});

Object.assign(window, { page });
