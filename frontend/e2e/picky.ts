import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Api, expect, heddle } from './mesh';

const root = resolve(import.meta.dirname, '../..');

interface Picky {
  /** What holds this text is rejected … */
  text: string;
  /** … in these words. */
  words: string;
}

/**
 * A pod that brings its own proxy: test/picky, in the place of Envoy. The pod's agent starts it and
 * speaks for it, as for any other.
 */
const manifest = ({ text, words }: Picky) => {
  const envoy = realpathSync(process.env.HEDDLE_ENVOY ?? resolve(root, '.heddle/envoy/envoy'));
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: picky, namespace: default}
data:
  envoy: |
    #!/bin/sh
    exec '${resolve(root, 'bin/picky')}' '${text}' '${words}' "$@"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: picky, namespace: default}
spec:
  selector: {matchLabels: {app: picky}}
  template:
    metadata: {labels: {app: picky, version: v1}}
    spec:
      containers:
        - name: app
          command: [heddle-samples]
          args: [details, --version=v1]
          volumeMounts: [{name: proxy, mountPath: "${envoy}", subPath: envoy}]
      volumes: [{name: proxy, configMap: {name: picky, defaultMode: 493}}]
`;
};

/** The proxy of the pod as the mesh knows it; none as long as it is not connected. */
async function known(api: Api) {
  const proxies = await api.json<{ id: string; settled: boolean }[]>('/proxies');
  return proxies.find((p) => p.id.startsWith('picky-'));
}

/** Lets it join the mesh for as long as the work takes, which is told its name. */
export async function withPicky(api: Api, how: Picky, work: (id: string) => Promise<void>): Promise<void> {
  const file = manifest(how);
  await heddle(['apply', '-f', '-'], file);
  try {
    await expect.poll(async () => (await known(api))?.settled, { timeout: 30_000 }).toBe(true);
    await work((await known(api))?.id ?? '');
  } finally {
    await heddle(['delete', '-f', '-'], file);
  }
  await expect.poll(() => known(api), { timeout: 30_000 }).toBeUndefined();
}
