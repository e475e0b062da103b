import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './server';

const program = process.env.NGINX ?? '/usr/sbin/nginx';

/** A real nginx on a free port of this machine, which logs each request twice: in the combined format and as JSON. */
export class Nginx {
  private constructor(
    private readonly directory: string,
    private readonly process: ChildProcess,
    readonly origin: string
  ) {}

  /** Says that nginx is not installed, or nothing. */
  static missing(): string {
    return existsSync(program) ? '' : `${program} is not installed`;
  }

  /** Serves folders under names; clients are whom X-Forwarded-For says. */
  static async start(folders: Record<string, string>): Promise<Nginx> {
    const directory = mkdtempSync(join(tmpdir(), 'streamlens-nginx-'));
    const port = await freePort();
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const locations = Object.entries(folders).map(([name, folder]) => `location /${name}/ { alias ${folder}/; }`);
    writeFileSync(
      join(directory, 'nginx.conf'),
      `daemon off;
      master_process off;
      pid nginx.pid;
      events {}
      http {
        ${temporary.map((name) => `${name}_temp_path ${name};`).join('\n')}
        types {
          application/vnd.apple.mpegurl m3u8;
          video/mp2t ts;
          video/iso.segment m4s;
        }
        log_format json escape=json '{"time_iso8601":"$time_iso8601","remote_addr":"$remote_addr","request":"$request",'
          '"status":$status,"body_bytes_sent":$body_bytes_sent,"http_referer":"$http_referer",'
          '"http_user_agent":"$http_user_agent"}';
        access_log access.log combined;
        access_log access.json json;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        server {
          listen 127.0.0.1:${port};
          add_header Access-Control-Allow-Origin *;
          ${locations.join('\n')}
        }
      }`
    );
    const args = ['-p', directory, '-c', 'nginx.conf', '-e', 'error.log'];
    const nginx = new Nginx(directory, spawn(program, args, { stdio: 'inherit' }), `http://127.0.0.1:${port}`);
    for (const deadline = Date.now() + 10_000; ;) {
      if (await fetch(nginx.origin).catch(() => undefined)) {
        return nginx;
      }
      if (Date.now() > deadline) {
        await nginx.remove();
        throw new Error('nginx does not answer');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** File of the combined log. */
  get combinedLog(): string {
    return join(this.directory, 'access.log');
  }

  /** What stands in the JSON log. */
  get jsonLog(): string {
    return readFileSync(join(this.directory, 'access.json'), 'utf8');
  }

  /** Ends nginx; its logs stay. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill();
      await once(this.process, 'exit');
    }
  }

  /** Ends nginx and removes its logs. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true });
  }
}
