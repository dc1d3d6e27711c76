import type { CreateClientConfig } from './generated/client.gen';
import { send } from './request';

/**
 * How the generated client asks: through `send`, which throws a Problem for everything but
 * success and notices when the session has ended.
 */
export const createClientConfig: CreateClientConfig = (config) => ({
  ...config,
  baseUrl: location.origin,
  fetch: async (input, init) => {
    const request = input instanceof Request ? input : new Request(input, init);
    const body = request.method === 'GET' || request.method === 'HEAD' ? undefined : await request.text();
    return send(request.url, {
      method: request.method as 'GET',
      headers: Object.fromEntries(request.headers),
      signal: request.signal,
      ...(body ? { text: body } : {}),
    });
  },
});
