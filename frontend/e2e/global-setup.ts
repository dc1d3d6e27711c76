import { freePorts, start } from './start';

/**
 * Starts bookinfo with `heddle up` in a folder of its own. What the specs need of it stands in the
 * environment; see mesh.ts. Gives what ends it.
 */
export default async function globalSetup(): Promise<() => Promise<void>> {
  const [gateway, gatewayTLS, grpc, http, query] = await freePorts(5);
  const running = await start({
    flags: ['--host-port', `80=${gateway}`, '--host-port', `443=${gatewayTLS}`],
    env: {
      HEDDLE_TRACES_OTLPGRPC: `127.0.0.1:${grpc}`,
      HEDDLE_TRACES_OTLPHTTP: `127.0.0.1:${http}`,
      HEDDLE_TRACES_QUERY: `127.0.0.1:${query}`,
    },
    manifests: ['deploy/samples/bookinfo'],
  });
  process.env.HEDDLE_UI_STATE = running.state;
  process.env.HEDDLE_UI_CONSOLE = running.console;
  process.env.HEDDLE_UI_GATEWAY = `http://127.0.0.1:${gateway}`;
  process.env.HEDDLE_UI_TRACES = String(query);
  process.env.HEDDLE_UI_PASSWORD = running.password;
  return running.stop;
}
