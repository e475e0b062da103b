import { observe, type BeaconOptions, type BeaconSession } from '@streamlens/beacon';
import { observeDash } from '@streamlens/beacon/dashjs';
import { observeHls } from '@streamlens/beacon/hlsjs';
import { observeShaka } from '@streamlens/beacon/shaka';
import { observeVideojs } from '@streamlens/beacon/videojs';
import { MediaPlayer } from 'dashjs';
import Hls from 'hls.js';
import shaka from 'shaka-player';
import videojs from 'video.js';
import { Recorder, type Figures } from '../measure';
import { publish, type Publication } from './publisher';

/** A player that its adapter observes. */
interface ObservedPlayer {
  session: BeaconSession;
  load(source: string): void;
  destroy(): void;
}

type Create = (video: HTMLVideoElement, beacon: BeaconOptions) => ObservedPlayer;

const create: Record<'hlsjs' | 'dashjs' | 'shaka' | 'videojs' | 'html5', Create> = {
  hlsjs(video, beacon) {
    const hls = new Hls({ maxBufferLength: 2, maxMaxBufferLength: 2 });
    const session = observeHls(hls, beacon);
    hls.attachMedia(video);
    return { session, load: (source) => hls.loadSource(source), destroy: () => hls.destroy() };
  },
  dashjs(video, beacon) {
    const player = MediaPlayer().create();
    const session = observeDash(player, beacon);
    player.initialize(video, undefined, true);
    return { session, load: (source) => player.attachSource(source), destroy: () => player.destroy() };
  },
  shaka(video, beacon) {
    const player = new shaka.Player();
    const session = observeShaka(player, beacon);
    const attached = player.attach(video);
    return {
      session,
      load: (source) => attached.then(() => player.load(source)).catch(() => {}),
      destroy: () => void player.destroy(),
    };
  },
  videojs(video, beacon) {
    const player = videojs(video);
    const session = observeVideojs(player, beacon);
    return { session, load: (source) => player.src(source), destroy: () => player.dispose() };
  },
  html5(video, beacon) {
    return { session: observe(video, beacon), load: (source) => (video.src = source), destroy: () => video.remove() };
  },
};

/** Kind of a player. */
export type PlayerKind = keyof typeof create;

/** What a test does with the page. */
export interface AdaptersPage {
  /** Adds a player with an element of its own; it is known by its number from then on. */
  add(kind: PlayerKind, beacon: BeaconOptions): void;
  players: ObservedPlayer[];
  videos: HTMLVideoElement[];
  /** What the page itself measures of the element of that number, from now on. */
  record(player: number): void;
  figures(player: number): Figures;
  publish: typeof publish;
  publication?: Publication;
}

const recorders: Recorder[] = [];

const page: AdaptersPage = {
  players: [],
  videos: [],
  add(kind, beacon) {
    const video = document.body.appendChild(document.createElement('video'));
    Object.assign(video, { muted: true, autoplay: true, playsInline: true, width: 320, height: 180 });
    page.videos.push(video);
    page.players.push(create[kind](video, beacon));
  },
  record(player) {
    recorders[player] = new Recorder(page.videos[player]!);
  },
  figures(player) {
    recorders[player]!.finish();
    return recorders[player]!.figures();
  },
  publish,
};

Object.assign(window, { page });
