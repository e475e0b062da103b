import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server on a port of this machine. */
export class LocalServer {
  private constructor(private readonly server: Server) {}

  /** @param port any free one unless given */
  static async start(listener: RequestListener, port = 0): Promise<LocalServer> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new LocalServer(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Returns a port that is free now. */
export async function freePort(): Promise<number> {
  const server = await LocalServer.start(() => {});
  const port = Number(new URL(server.origin).port);
  await server.stop();
  return port;
}
