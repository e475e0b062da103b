import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A way for UDP packets between two ends that is slow and loses media packets on the way there. */
export class LossyLink {
  /** RTP packets that came from the near end, and those of them that were lost. */
  packets = 0;
  lost = 0;

  private readonly sockets: Socket[] = [];

  /**
   * @param far where the link leads to
   * @param delay of each direction, ms
   * @param losesEvery one of so many RTP packets
   */
  constructor(
    private readonly far: { address: string; port: number },
    private delay: number,
    private losesEvery: number
  ) {}

  /** Opens the link and returns the port to send to. */
  async open(): Promise<number> {
    const [near, away] = [createSocket('udp4'), createSocket('udp4')];
    this.sockets.push(near, away);
    let from: { address: string; port: number } | undefined;
    near.on('message', (packet, sender) => {
      from = sender;
      if (isRtp(packet) && ++this.packets % this.losesEvery === 0) {
        this.lost++;
        return;
      }
      setTimeout(() => this.send(away, packet, this.far), this.delay);
    });
    away.on('message', (packet) => setTimeout(() => from && this.send(near, packet, from), this.delay));
    for (const socket of this.sockets) {
      socket.bind(0);
      await once(socket, 'listening');
    }
    return (near.address() as AddressInfo).port;
  }

  /** Loses nothing more, without delay. */
  heal(): void {
    this.delay = 0;
    this.losesEvery = Infinity;
  }

  close(): void {
    this.sockets.splice(0).forEach((socket) => socket.close());
  }

  private send(socket: Socket, packet: Buffer, to: { address: string; port: number }): void {
    if (this.sockets.includes(socket)) {
      socket.send(packet, to.port, to.address);
    }
  }
}

/** Tells RTP, which may be lost, from RTCP, DTLS and STUN on the same port (RFC 7983; RTCP's types, RFC 5761). */
function isRtp(packet: Buffer): boolean {
  const [first = 0, second = 0] = packet;
  return first >= 128 && first < 192 && (second < 192 || second > 223);
}
