import { type Api, expect } from './mesh';

/** Names a rule for requests in the namespace of the samples. */
export const ruleRef = (name: string) => ({
  group: 'networking.istio.io',
  kind: 'VirtualService',
  namespace: 'default',
  name,
});

interface Entry {
  /** The version that was read, or * for whichever is there; none for a rule that is new. */
  etag?: string;
  yaml?: string;
  delete?: true;
}

/** Takes a rule away, whoever wrote it last. */
export const gone: Entry = { etag: '*', delete: true };

/** Writes a rule or takes it away, and gives the id of the change; none when it was so already. */
export async function writeRule(api: Api, name: string, entry: Entry): Promise<string | undefined> {
  const answer = await api.send('PUT', '/changes', { entries: [{ ref: ruleRef(name), ...entry }] });
  expect(answer.status(), await answer.text()).toBe(200);
  return ((await answer.json()) as { change?: { id: string } }).change?.id;
}

const address = (name: string) => `/config/VirtualService/default/${name}`;

export async function isThere(api: Api, name: string): Promise<boolean> {
  const status = (await api.get(address(name))).status();
  expect([200, 404]).toContain(status);
  return status === 200;
}

/** Takes away what a spec that failed half-way may have left. */
export async function removeRule(api: Api, name: string): Promise<void> {
  if (await isThere(api, name)) {
    await writeRule(api, name, gone);
  }
}

/** The text of a rule as the mesh has it. */
export const ruleText = async (api: Api, name: string): Promise<string> =>
  (await api.json<{ yaml: string }>(address(name))).yaml;
