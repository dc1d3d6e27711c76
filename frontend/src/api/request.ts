import { asProblem, problemOf } from './problem';
import { sessionStore } from './session-store';

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * Asks the API, and throws a Problem for everything but success. A session that has ended
 * becomes known to the whole page, which then asks to sign in without losing what is open.
 */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const init: RequestInit = {
    method: options.method ?? 'GET',
    headers: { Accept: 'application/json', ...options.headers },
    credentials: 'same-origin',
  };
  if (options.signal) {
    init.signal = options.signal;
  }
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { ...init.headers, 'Content-Type': 'application/json' };
  }
  if (options.text !== undefined) {
    init.body = options.text;
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (options.signal?.aborted) {
      throw error;
    }
    throw asProblem(error);
  }
  if (response.ok) {
    return response;
  }
  const problem = await problemOf(response);
  if (response.status === 401) {
    sessionStore.getState().ended();
  }
  throw problem;
}

/** Asks the API for JSON. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) {
    return undefined as T;
  }
  return (await response.json()) as T;
}

/** A path with each part escaped: path`/api/v1/services/${namespace}/${name}`. */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((text, part, i) => text + encodeURIComponent(values[i - 1] ?? '') + part);
}
