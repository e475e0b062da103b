import type { BeaconSession, CommonOptions } from '@streamlens/beacon';
import { observePeerConnection } from '@streamlens/beacon/webrtc';

/** What the page itself found out about its broadcast. */
export interface PublisherFigures {
  /** From the first moment in which the connection was made until now, ms. */
  duration: number;
  /** Bytes sent and the time in which they were, ms, from the first to the last look that had any. */
  video: { bytes: number; ms: number };
  audio: { bytes: number; ms: number };
  /** Average of what the receiver's reports made known, s. */
  roundTripTime: number;
  /** Average over spans of 2 s of the share of the packets that the receiver misses. */
  packetLoss: number;
}

/** A broadcast of the camera, under way. */
export interface Publication {
  session: BeaconSession;
  connection: RTCPeerConnection;
  figures(): PublisherFigures;
}

/** One look at the connection's statistics. */
interface Look {
  at: number;
  video: number;
  audio: number;
  roundTripTime?: number;
  lost: number;
  packets: number;
}

const lookInterval = 250;
/** Looks in a span for which loss is measured. */
const lossSpan = 8;

/**
 * Publishes the camera to a receiver in the same page, observed by the beacon.
 *
 * @param reroute changes the receiver's description on its way to the sender, to lead what is sent through something
 */
export async function publish(beacon: CommonOptions, reroute: (sdp: string) => Promise<string>): Promise<Publication> {
  const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 }, audio: true });
  const connection = new RTCPeerConnection();
  const receiver = new RTCPeerConnection();
  camera.getTracks().forEach((track) => connection.addTrack(track, camera));
  const session = observePeerConnection(connection, beacon);

  const looks: Look[] = [];
  let connectedAt = 0;
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'connected') {
      connectedAt ||= performance.now();
    }
  });
  const timer = setInterval(() => {
    if (connection.connectionState === 'connected') {
      connection.getStats().then((report) => looks.push(look(report)));
    } else if (connection.connectionState === 'closed') {
      clearInterval(timer);
    }
  }, lookInterval);

  await connection.setLocalDescription();
  await gathered(connection);
  // Without the sender's candidates the receiver can only answer where the sender's packets come from.
  const offer = connection.localDescription!.sdp.replace(/^a=candidate:.*\r\n/gm, '');
  await receiver.setRemoteDescription({ type: 'offer', sdp: offer });
  await receiver.setLocalDescription();
  await gathered(receiver);
  await connection.setRemoteDescription({ type: 'answer', sdp: await reroute(receiver.localDescription!.sdp) });
  return { session, connection, figures: () => figures(looks, performance.now() - connectedAt) };
}

function gathered(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const check = () => connection.iceGatheringState === 'complete' && resolve();
    connection.addEventListener('icegatheringstatechange', check);
    check();
  });
}

function look(report: RTCStatsReport): Look {
  const look: Look = { at: performance.now(), video: 0, audio: 0, lost: 0, packets: 0 };
  const roundTripTimes: number[] = [];
  for (const stats of report.values()) {
    if (stats.type === 'outbound-rtp') {
      look[stats.kind as 'video' | 'audio'] += stats.bytesSent;
      look.packets += stats.packetsSent - stats.retransmittedPacketsSent;
      look.at = performance.now() - (Date.now() - stats.timestamp);
    } else if (stats.type === 'remote-inbound-rtp') {
      look.lost += stats.packetsLost;
      if (stats.roundTripTime !== undefined) {
        roundTripTimes.push(stats.roundTripTime);
      }
    }
  }
  return { ...look, roundTripTime: roundTripTimes.length > 0 ? Math.max(...roundTripTimes) : undefined };
}

function figures(looks: Look[], duration: number): PublisherFigures {
  const sent = looks.filter(({ video, audio }) => video + audio > 0);
  const [first, last] = [sent[0]!, sent.at(-1)!];
  const ms = last.at - first.at;
  const roundTripTimes = looks.flatMap(({ roundTripTime }) => roundTripTime ?? []);
  const losses = sent
    .slice(lossSpan)
    .map(({ lost, packets }, i) => (lost - sent[i]!.lost) / (packets - sent[i]!.packets));
  return {
    duration,
    video: { bytes: last.video - first.video, ms },
    audio: { bytes: last.audio - first.audio, ms },
    roundTripTime: average(roundTripTimes),
    packetLoss: average(losses),
  };
}

function average(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
