import { Chain } from '../chain';
import type { PublisherStats } from '../events';
import type { BeaconSession, CommonOptions } from '../options';
import { StateSession } from '../statesession';

/** How often the connection is asked how it is, ms. */
const lookInterval = 200;
/** How often it is asked for what it has sent, ms. */
const statsInterval = 500;

/** What a connection has sent until a moment. */
interface Sent {
  /** ms */
  at: number;
  /** Bytes, headers left out. */
  video?: number;
  audio?: number;
  roundTripTime?: number;
  /** Packets that the receiver has missed, and those it was to get. */
  lost: number;
  packets: number;
}

/** The members of RTCStats that are read: outbound-rtp, remote-inbound-rtp (W3C, "Identifiers for WebRTC's Statistics API"). */
interface RtpStats {
  type: string;
  kind?: string;
  timestamp: number;
  bytesSent?: number;
  packetsSent?: number;
  retransmittedPacketsSent?: number;
  packetsLost?: number;
  roundTripTime?: number;
}

/**
 * Observes what a peer connection publishes, from now on. A broadcast starts when the connection is made and the first
 * bytes are out, and ends when it is closed or has failed; if it is made again that is another broadcast.
 */
export function observePeerConnection(connection: RTCPeerConnection, options: CommonOptions): BeaconSession {
  const chain = new Chain<StateSession>(options);
  return chain.connect(() => {
    let reported: Sent | undefined;
    let latest: Sent | undefined;
    const measure = (): PublisherStats => {
      const stats = latest ? between(reported ?? latest, latest) : {};
      reported = latest;
      return stats;
    };
    const begin = () => {
      reported = latest = undefined;
      const description = { client: { kind: 'webcaster' }, protocol: 'webrtc' };
      chain.open({ describe: () => description, begin: (context) => new StateSession(context, measure) });
    };
    let askedAt = 0;
    const look = () => {
      const state = connection.connectionState;
      if (state === 'closed') {
        chain.stop('normal');
      } else if (state === 'failed') {
        chain.status('connectionfailed', true);
        chain.end('connectionclose');
      } else {
        chain.recording?.enter(state === 'connected' ? 'playing' : 'buffering');
        const now = performance.now();
        // Until the start every look counts, so that it is found soon.
        if (state === 'connected' && (now - askedAt >= statsInterval || !chain.recording?.hasStarted)) {
          askedAt = now;
          connection.getStats().then((report) => chain.guard.safely(() => learn(report)), chain.guard.warn);
        }
      }
    };
    const learn = (report: RTCStatsReport) => {
      latest = sent(report);
      if ((latest.video ?? 0) + (latest.audio ?? 0) > 0) {
        reported ??= latest;
        chain.recording?.start();
      }
    };
    begin();
    look();
    chain.listen(connection, {
      connectionstatechange: () => {
        if (!chain.isRunning && connection.connectionState === 'connected') {
          begin();
        }
        look();
      },
    });
    const timer = setInterval(() => chain.guard.safely(look), lookInterval);
    chain.onOver(() => clearInterval(timer));
  });
}

function sent(report: RTCStatsReport): Sent {
  const sum: Sent = { at: 0, lost: 0, packets: 0 };
  report.forEach(({ type, kind, timestamp, ...stats }: RtpStats) => {
    if (type === 'outbound-rtp' && (kind === 'video' || kind === 'audio')) {
      sum.at = timestamp;
      sum[kind] = (sum[kind] ?? 0) + (stats.bytesSent ?? 0);
      sum.packets += (stats.packetsSent ?? 0) - (stats.retransmittedPacketsSent ?? 0);
    } else if (type === 'remote-inbound-rtp') {
      sum.lost += stats.packetsLost ?? 0;
      // Of several streams over one way, the slowest answer.
      if (stats.roundTripTime !== undefined) {
        sum.roundTripTime = Math.max(sum.roundTripTime ?? 0, stats.roundTripTime);
      }
    }
  });
  return sum;
}

function between(from: Sent, to: Sent): PublisherStats {
  const seconds = (to.at - from.at) / 1000;
  const bitrate = (kind: 'video' | 'audio') => {
    const bytes = (to[kind] ?? NaN) - (from[kind] ?? 0);
    return seconds > 0 ? Math.round((bytes * 8) / seconds) : undefined;
  };
  const packets = to.packets - from.packets;
  return {
    videoBitrate: bitrate('video'),
    audioBitrate: bitrate('audio'),
    roundTripTime: to.roundTripTime,
    packetLoss: packets > 0 ? Math.min(Math.max((to.lost - from.lost) / packets, 0), 1) : undefined,
  };
}
