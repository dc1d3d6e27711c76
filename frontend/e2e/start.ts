import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const heddle = join(root, 'bin/heddle');
const run = promisify(execFile);

/** TCP ports of loopback that nobody listens on. */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<number>((done, fail) => {
          const server = createServer();
          server.once('error', fail);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            server.close(() =>
              address && typeof address === 'object' ? done(address.port) : fail(new Error('no port')),
            );
          });
        }),
    ),
  );
}

/** A mesh that runs in a folder of its own. */
export interface Running {
  readonly state: string;
  readonly console: string;
  /** Of the user admin. */
  readonly password: string;
  /** Ends it as Ctrl-C does, and removes its folder. */
  stop(): Promise<void>;
}

interface Wanted {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files and folders of manifests, from the root of the repository. */
  readonly manifests: readonly string[];
}

/** Starts `heddle up` in a folder of its own and waits until every pod is ready. */
export async function start({ flags = [], env = {}, manifests }: Wanted): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-ui-'));
  const state = join(folder, 's');
  const [port] = await freePorts(1);
  const password = randomBytes(12).toString('base64url');
  let said = '';
  const up = spawn(
    heddle,
    [
      ...['up', '--state', state, '--console', `127.0.0.1:${port}`, ...flags],
      ...['--envoy', process.env.HEDDLE_ENVOY ?? join(root, '.heddle/envoy/envoy')],
      ...manifests.map((path) => join(root, path)),
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        PATH: `${join(root, 'bin')}:${process.env.PATH}`,
        HEDDLE_ADMIN_PASSWORD: password,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const note = (text: Buffer) => {
    said = (said + text).slice(-20_000);
  };
  up.stdout.on('data', note);
  up.stderr.on('data', note);
  const stop = async () => {
    await end(up);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(up, state);
  } catch (problem) {
    await stop();
    throw new Error(`heddle up did not get ready: ${problem}\n${said}`);
  }
  return { state, console: `http://127.0.0.1:${port}`, password, stop };
}

/** Ends the mesh as Ctrl-C does, and waits for it. */
function end(up: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (up.exitCode !== null || up.signalCode !== null) {
      done();
      return;
    }
    up.once('exit', () => done());
    up.kill('SIGINT');
  });
}

/** Resolves when `heddle status` says that every pod is ready; fails after a minute, or when the mesh ended. */
async function ready(up: ChildProcess, state: string): Promise<void> {
  const until = Date.now() + 60_000;
  let last = 'nothing was said yet';
  while (Date.now() < until) {
    if (up.exitCode !== null) {
      throw new Error(`it ended with exit status ${up.exitCode}`);
    }
    try {
      const { stdout } = await run(heddle, ['status', '--state', state, '-o', 'json']);
      const { pods } = JSON.parse(stdout) as { pods: { name: string; ready: boolean }[] };
      const waiting = pods.filter((pod) => !pod.ready).map((pod) => pod.name);
      if (pods.length > 0 && waiting.length === 0) {
        return;
      }
      last = `not ready: ${waiting.join(', ')}`;
    } catch (problem) {
      last = String(problem);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error(last);
}
