import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './paths';

/** Seconds of the video that the tests play. */
export const videoLength = 40;

/**
 * Builds the beacon and makes the video in a temporary directory, named by the environment variable TEST_VIDEO: once as
 * HLS of MPEG-TS, and in players/ as HLS and DASH that share their fMP4 segments.
 */
export default function setup(): () => void {
  execFileSync('npm', ['run', 'build', '--workspace', 'beacon'], { cwd: root, stdio: 'inherit' });

  const directory = mkdtempSync(join(tmpdir(), 'streamlens-video-'));
  process.env.TEST_VIDEO = directory;
  encode([
    ...['-f', 'hls', '-hls_time', '1', '-hls_playlist_type', 'vod'],
    ...['-hls_segment_filename', join(directory, 'segment%03d.ts'), join(directory, 'stream.m3u8')],
  ]);
  mkdirSync(join(directory, 'players'));
  encode([
    ...['-f', 'dash', '-seg_duration', '1'],
    ...['-hls_playlist', '1', '-hls_master_name', 'stream.m3u8', join(directory, 'players/stream.mpd')],
  ]);
  return () => rmSync(directory, { recursive: true });
}

/** Makes the video; the arguments of ffmpeg say as what and where to. */
function encode(output: string[]): void {
  // prettier-ignore
  execFileSync('ffmpeg', [
    '-loglevel', 'error',
    '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25',
    '-f', 'lavfi', '-i', 'sine=frequency=440',
    '-t', String(videoLength),
    '-c:v', 'libx264', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-g', '25', '-sc_threshold', '0',
    '-c:a', 'aac',
    ...output,
  ], { stdio: 'inherit' });
}
