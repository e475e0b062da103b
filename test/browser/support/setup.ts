import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './paths';

/** Seconds of the video that the tests play. */
export const videoLength = 40;

/** Builds the beacon and makes the HLS video in a temporary directory, named by the environment variable TEST_VIDEO. */
export default function setup(): () => void {
  execFileSync('npm', ['run', 'build', '--workspace', 'beacon'], { cwd: root, stdio: 'inherit' });

  const directory = mkdtempSync(join(tmpdir(), 'streamlens-video-'));
  process.env.TEST_VIDEO = directory;
  // prettier-ignore
  execFileSync('ffmpeg', [
    '-loglevel', 'error',
    '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25',
    '-f', 'lavfi', '-i', 'sine=frequency=440',
    '-t', String(videoLength),
    '-c:v', 'libx264', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p', '-g', '25', '-sc_threshold', '0',
    '-c:a', 'aac',
    '-f', 'hls', '-hls_time', '1', '-hls_playlist_type', 'vod',
    '-hls_segment_filename', join(directory, 'segment%03d.ts'),
    join(directory, 'stream.m3u8'),
  ], { stdio: 'inherit' });
  return () => rmSync(directory, { recursive: true });
}
