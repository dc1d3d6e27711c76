import { Agent, get, type IncomingHttpHeaders, request } from 'node:http';
import { mesh } from './mesh';

/** What answered a visitor: the version of reviews, or what went wrong. */
type Answer = { version: string } | { failure: string };

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** Asks for the reviews of a book through the gateway; the pod that wrote them names its version. */
function visit(): Promise<Answer> {
  return new Promise((done) => {
    const request = get(`${mesh.gateway()}/api/v1/products/0/reviews`, { agent, timeout: 10_000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => {
        body += part;
      });
      answer.on('end', () => {
        const version = /"podname":\s*"reviews-(v\d+)/.exec(body)?.[1];
        done(
          answer.statusCode === 200 && version
            ? { version }
            : { failure: `${answer.statusCode}: ${body.slice(0, 200)}` },
        );
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 10 s')));
    request.on('error', (problem) => done({ failure: String(problem) }));
  });
}

/** Sends so many requests and counts which version of reviews wrote the answers. */
export async function countVersions(requests: number): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  let left = requests;
  const visitor = async () => {
    while (left > 0) {
      left--;
      const answer = await visit();
      const key = 'version' in answer ? answer.version : 'failed';
      counted[key] = (counted[key] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 10 }, visitor));
  return counted;
}

/** Visitors at a steady rate, until stop() gives how many there were and what failed. */
export function visitors(rate: number): { stop: () => Promise<{ sent: number; failed: string[] }> } {
  const under: Promise<void>[] = [];
  const failed: string[] = [];
  const timer = setInterval(() => {
    under.push(
      visit().then((answer) => {
        if ('failure' in answer) {
          failed.push(answer.failure);
        }
      }),
    );
  }, 1000 / rate);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(under);
      return { sent: under.length, failed };
    },
  };
}

/** What the gateway said to one request. */
export interface Said {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  milliseconds: number;
}

interface Asked {
  method?: string;
  path?: string;
  host?: string;
  headers?: Record<string, string>;
}

/** Asks the gateway once, as a visitor from outside would; redirects are not followed. */
export function ask({ method = 'GET', path = '/', host, headers = {} }: Asked): Promise<Said> {
  return new Promise((done, fail) => {
    const began = performance.now();
    const asked = request(
      `${mesh.gateway()}${path}`,
      { agent, method, timeout: 10_000, headers: { ...headers, ...(host ? { host } : {}) } },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (part) => {
          body += part;
        });
        answer.on('end', () =>
          done({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body,
            milliseconds: performance.now() - began,
          }),
        );
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer in 10 s')));
    asked.on('error', fail);
    asked.end();
  });
}

/** Asks the same so many times, ten at a time. */
export async function askOften(times: number, asked: Asked): Promise<Said[]> {
  const said: Said[] = [];
  let left = times;
  const visitor = async () => {
    while (left > 0) {
      left--;
      said.push(await ask(asked));
    }
  };
  await Promise.all(Array.from({ length: 10 }, visitor));
  return said;
}
