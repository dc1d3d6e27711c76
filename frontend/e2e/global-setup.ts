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

/** A TCP port of loopback that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? done(address.port) : fail(new Error('no port'))));
    });
  });
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

/**
 * Starts bookinfo with `heddle up` in a folder of its own and waits until every pod is ready.
 * What the specs need of it stands in the environment; see mesh.ts. Gives what ends it.
 */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'heddle-ui-'));
  const state = join(folder, 's');
  const [console_, gateway, gatewayTLS, grpc, http, query] = await Promise.all(Array.from({ length: 6 }, freePort));
  const password = randomBytes(12).toString('base64url');
  let said = '';
  const up = spawn(
    heddle,
    [
      ...['up', '--state', state, '--console', `127.0.0.1:${console_}`],
      ...['--host-port', `80=${gateway}`, '--host-port', `443=${gatewayTLS}`],
      ...['--envoy', process.env.HEDDLE_ENVOY ?? join(root, '.heddle/envoy/envoy')],
      join(root, 'deploy/samples/bookinfo'),
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        PATH: `${join(root, 'bin')}:${process.env.PATH}`,
        HEDDLE_ADMIN_PASSWORD: password,
        HEDDLE_TRACES_OTLPGRPC: `127.0.0.1:${grpc}`,
        HEDDLE_TRACES_OTLPHTTP: `127.0.0.1:${http}`,
        HEDDLE_TRACES_QUERY: `127.0.0.1:${query}`,
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
  process.env.HEDDLE_UI_STATE = state;
  process.env.HEDDLE_UI_CONSOLE = `http://127.0.0.1:${console_}`;
  process.env.HEDDLE_UI_GATEWAY = `http://127.0.0.1:${gateway}`;
  process.env.HEDDLE_UI_PASSWORD = password;
  return stop;
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
