import type { BeaconOptions, BeaconSession } from '@streamlens/beacon';
import { observeDash } from '@streamlens/beacon/dashjs';
import { observeHls } from '@streamlens/beacon/hlsjs';
import { observeShaka } from '@streamlens/beacon/shaka';
import { observeVideojs } from '@streamlens/beacon/videojs';
import { MediaPlayer } from 'dashjs';
import Hls from 'hls.js';
import shaka from 'shaka-player';
import videojs from 'video.js';
import type { CmcdOptions } from '../players/main';

/** What a player is created with. */
interface Settings {
  video: HTMLVideoElement;
  beacon: BeaconOptions;
  /** Video.js has no CMCD. */
  cmcd: CmcdOptions;
  /** URL of the video, without the ending of the playlist's or manifest's name. */
  source: string;
}

/** Seconds of media that the players keep ahead, so that what the line does is soon seen. */
const bufferGoal = 4;

/** dash.js sends only the keys that are named. */
const enabledKeys = ['sid', 'cid', 'v', 'sta', 'sn', 'ts', 'e', 'ec', 'bl', 'br', 'msd', 'sf', 'st'];

/** Creates each player, but for its buffer as its maker ships it, and lets it play. */
const create = {
  hlsjs({ video, beacon, cmcd, source }: Settings): BeaconSession {
    const { url, contentId, interval } = cmcd;
    const hls = new Hls({
      maxBufferLength: bufferGoal,
      maxMaxBufferLength: bufferGoal,
      cmcd: { version: 2, contentId, eventTargets: [{ url, events: ['ps', 'e', 't'], interval }] },
    });
    const session = observeHls(hls, beacon);
    hls.attachMedia(video);
    hls.loadSource(`${source}.m3u8`);
    return session;
  },
  dashjs({ video, beacon, cmcd, source }: Settings): BeaconSession {
    const { url, contentId, interval } = cmcd;
    const player = MediaPlayer().create();
    player.updateSettings({
      streaming: {
        buffer: {
          bufferTimeDefault: bufferGoal,
          bufferTimeAtTopQuality: bufferGoal,
          bufferTimeAtTopQualityLongForm: bufferGoal,
        },
        cmcd: {
          enabled: true,
          version: 2,
          cid: contentId,
          enabledKeys,
          eventTargets: [{ enabled: true, url, events: ['ps', 'e', 't'], interval, enabledKeys }],
        },
      },
    });
    const session = observeDash(player, beacon);
    player.initialize(video, `${source}.mpd`, true);
    return session;
  },
  shaka({ video, beacon, cmcd, source }: Settings): BeaconSession {
    const { url, contentId, interval } = cmcd;
    const player = new shaka.Player();
    player.configure({
      streaming: { bufferingGoal: bufferGoal },
      cmcd: {
        enabled: true,
        version: 2,
        contentId,
        eventTargets: [
          { enabled: true, mode: 'event', url, events: ['ps', 'e', 't'], interval, includeKeys: [], useHeaders: false },
        ],
      },
    });
    const session = observeShaka(player, beacon);
    void player.attach(video).then(() => player.load(`${source}.mpd`).catch(() => {}));
    return session;
  },
  videojs({ video, beacon, source }: Settings): BeaconSession {
    const player = videojs(video, { html5: { vhs: { overrideNative: true } } });
    const { Vhs } = videojs as unknown as { Vhs: Record<'GOAL_BUFFER_LENGTH' | 'MAX_GOAL_BUFFER_LENGTH', number> };
    Object.assign(Vhs, { GOAL_BUFFER_LENGTH: bufferGoal, MAX_GOAL_BUFFER_LENGTH: bufferGoal });
    const session = observeVideojs(player, beacon);
    player.src(`${source}.m3u8`);
    return session;
  },
};

export type PlayerKind = keyof typeof create;

/** What the page saw of the pictures, whatever the player says. */
export interface Pictures {
  /** Time between pictures that followed each other within half a second, by their height, ms. */
  shown: Record<number, number>;
  /** Heights in the order in which they were shown. */
  heights: number[];
}

/** What the page plays: what its address has behind the #, as JSON. A test that calls a function of the page counts as a click. */
export type How = Omit<Settings, 'video'> & {
  kind: PlayerKind;
  muted: boolean;
  /** Milliseconds from the beginning of the attempt until the page goes elsewhere, if it does. */
  leavesAfter?: number;
};

/** Pictures that are further apart belong to a stall, ms. */
const longestPicture = 500;

const pictures: Pictures = { shown: {}, heights: [] };

function watch(video: HTMLVideoElement): void {
  let last: { at: number; height: number } | undefined;
  const frame: VideoFrameRequestCallback = (at, { height }) => {
    if (last && at - last.at <= longestPicture) {
      pictures.shown[last.height] = (pictures.shown[last.height] ?? 0) + at - last.at;
    }
    if (height !== last?.height) {
      pictures.heights.push(height);
    }
    last = { at, height };
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
}

const { kind, muted, source, leavesAfter, ...reporting } = JSON.parse(
  decodeURIComponent(location.hash.slice(1))
) as How;
const video = document.body.appendChild(document.createElement('video'));
Object.assign(video, { muted, autoplay: true, playsInline: true, width: 320, height: 180 });
watch(video);
const session = create[kind]({ video, source: new URL(source, location.href).href, ...reporting });
Object.assign(window, { pictures });
if (leavesAfter) {
  const timer = setInterval(() => {
    if (session.id) {
      clearInterval(timer);
      setTimeout(() => location.replace('about:blank'), leavesAfter);
    }
  }, 10);
}
