import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';

/** A port of loopback behind which something else answers, until it is cut. */
export class Relay {
  private server: Server | undefined;
  private readonly open = new Set<Socket>();
  private readonly to: NetConnectOpts;
  private at = 0;

  constructor(to: NetConnectOpts) {
    this.to = to;
  }

  get address(): string {
    return `127.0.0.1:${this.at}`;
  }

  /** Passes connections on, at the same port as before; nothing happens to one that is whole. */
  async mend(): Promise<this> {
    if (this.server) {
      return this;
    }
    const server = createServer((near) => {
      const far = connect(this.to);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.open.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => this.open.delete(one));
        one.pipe(other);
      }
    });
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(this.at, '127.0.0.1', done);
    });
    this.at = (server.address() as AddressInfo).port;
    this.server = server;
    return this;
  }

  /** Ends every connection, and refuses new ones. */
  async cut(): Promise<void> {
    const { server } = this;
    if (!server) {
      return;
    }
    this.server = undefined;
    const closed = new Promise<void>((done) => server.close(() => done()));
    for (const socket of this.open) {
      socket.destroy();
    }
    await closed;
  }
}
