// Serves the built console to one page, with a live socket that tells whatever graph the
// benchmark wants. It is no part of the product.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** What the pages ask besides the live socket. */
const answers = {
  '/api/v1/session': {
    user: { name: 'bench', role: 'operator' },
    capabilities: ['view', 'editTraffic'],
    idleExpires: '2099-01-01T00:00:00Z',
    absoluteExpires: '2099-01-01T00:00:00Z',
    version: 'bench',
  },
  '/api/v1/changes': { items: [] },
  '/api/v1/timeline': { step: 30, bars: [], incidents: [] },
  '/api/v1/kinds': [],
  '/api/v1/services': [],
  '/api/v1/workloads': [],
};

/** One message as a frame of the websocket protocol. */
function frame(text) {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126
      ? Buffer.from([0x81, payload.length])
      : payload.length < 65536
        ? Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255])
        : Buffer.concat([
            Buffer.from([0x81, 127, 0, 0, 0, 0]),
            Buffer.from(new Uint32Array([payload.length]).buffer).swap32(),
          ]);
  return Buffer.concat([head, payload]);
}

/** The texts in what a client sent: masked frames of less than 64 KiB, which is all that the console sends. */
function* unframe(buffer) {
  let rest = buffer;
  while (rest.length >= 6) {
    const short = rest[1] & 127;
    const at = short === 126 ? 4 : 2;
    const length = short === 126 ? rest.readUInt16BE(2) : short;
    if (rest.length < at + 4 + length) {
      break;
    }
    if ((rest[0] & 15) === 1) {
      const mask = rest.subarray(at, at + 4);
      yield rest
        .subarray(at + 4, at + 4 + length)
        .map((byte, i) => byte ^ mask[i % 4])
        .toString();
    }
    rest = rest.subarray(at + 4 + length);
  }
  return rest;
}

/**
 * Starts it on a free port. `show` says which elements the graph topic has from now on: whole to
 * who subscribes, and `patch` changes to who has.
 */
export async function serve(dist) {
  let shown = {};
  let seq = 0;
  const pages = new Map(); // socket → id of its subscription to the graph
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://bench');
    if (pathname.startsWith('/api/')) {
      const answer = answers[pathname];
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? { status: 404, title: 'not part of the benchmark' }));
      return;
    }
    const file = extname(pathname) ? normalize(pathname) : '/index.html';
    try {
      const body = await readFile(join(dist, file));
      response.writeHead(200, {
        'content-type': types[extname(file)] ?? 'application/octet-stream',
        'cache-control': file.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache',
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.on('upgrade', (request, socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const say = (message) => socket.write(frame(JSON.stringify(message)));
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => pages.delete(socket));
    socket.on('data', (chunk) => {
      const texts = unframe(Buffer.concat([pending, chunk]));
      let next = texts.next();
      for (; !next.done; next = texts.next()) {
        const { subscribe } = JSON.parse(next.value);
        if (subscribe?.topic === 'events') {
          say({ id: subscribe.id, epoch: 'bench', seq: 0, events: [] });
        } else if (subscribe) {
          const put = subscribe.topic === 'graph' ? shown : {};
          say({ id: subscribe.id, epoch: 'bench', seq: ++seq, whole: true, put, del: [] });
          if (subscribe.topic === 'graph') {
            pages.set(socket, { id: subscribe.id, say });
          }
        }
      }
      pending = next.value;
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    show: (elements) => {
      shown = elements;
    },
    patch: (put) => {
      shown = { ...shown, ...put };
      for (const { id, say } of pages.values()) {
        say({ id, epoch: 'bench', seq: ++seq, put, del: [] });
      }
    },
    close: () => {
      for (const socket of pages.keys()) {
        socket.destroy();
      }
      server.closeAllConnections();
      server.close();
    },
  };
}
