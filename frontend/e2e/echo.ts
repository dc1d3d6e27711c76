import { resolve } from 'node:path';
import { type Api, expect, heddle } from './mesh';
import { isThere, removeRule, ruleRef, writeRule } from './rule';
import { ask, type Said } from './visitors';

const manifest = resolve(import.meta.dirname, 'manifests/echo.yaml');

/** The host that the gateway serves echo under. */
export const echoHost = 'echo.test';

export const echoRef = ruleRef('echo');

/** What echo says of a request: who answered, and what arrived there. */
export interface Arrived {
  name: string;
  method: string;
  path: string;
  host: string;
  headers: Record<string, string[]>;
}

export const arrived = (said: Said): Arrived => JSON.parse(said.body) as Arrived;

/** Lets echo run in the mesh, behind the gateway by this rule. */
export async function startEcho(api: Api, rule: string): Promise<void> {
  await heddle(['apply', '-f', manifest]);
  await writeEcho(api, rule);
  const seen = new Set<string>();
  await expect
    .poll(
      async () => {
        const said = await ask({ host: echoHost });
        if (said.status === 200) {
          seen.add(arrived(said).name);
        }
        return seen.size;
      },
      { timeout: 30_000 },
    )
    .toBe(2);
}

export async function stopEcho(api: Api): Promise<void> {
  try {
    await removeRule(api, 'echo');
  } finally {
    await heddle(['delete', '-f', manifest]);
  }
}

export async function writeEcho(api: Api, rule: string): Promise<void> {
  await writeRule(api, 'echo', { ...((await isThere(api, 'echo')) ? { etag: '*' } : {}), yaml: rule });
}
