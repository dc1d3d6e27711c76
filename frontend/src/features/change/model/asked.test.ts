import { expect, test } from 'vitest';
import { places, question, readHeaders } from './asked';

test('a header a line, whatever its value holds', () => {
  expect(readHeaders('X-Team: blue, green\n\nauthorization:Bearer a:b\nx-flag')).toEqual({
    'x-team': 'blue, green',
    authorization: 'Bearer a:b',
    'x-flag': '',
  });
  expect(readHeaders('cookie: a=b\nCookie: c=d\naccept: x\naccept: y')).toEqual({
    cookie: 'a=b; c=d',
    accept: 'x, y',
  });
});

const port = (number: number, protocol: string) => ({ number, protocol, endpoints: 1, ready: 1 });
const service = { host: 'cart.shop.svc.cluster.local', ports: [port(5432, 'TCP'), port(80, 'HTTP'), port(81, 'GRPC')] };

test('where the service can be asked for, the usual place first', () => {
  const audience = { gateway: false, hosts: ['cart', 'cart.example.test'] };
  expect(places(service, audience, false)).toEqual([
    'cart.shop.svc.cluster.local:80',
    'cart.shop.svc.cluster.local:81',
    'cart.example.test',
  ]);
  expect(places({ ...service, ports: [port(5432, 'TCP')] }, { gateway: false, hosts: [] }, false)).toEqual([
    'cart.shop.svc.cluster.local:5432',
  ]);
  expect(places(service, { gateway: true, hosts: ['a.test', 'b.test'] }, true)).toEqual([
    'a.test',
    'b.test',
    'cart.shop.svc.cluster.local',
  ]);
});

test('the address of a question', () => {
  const asked = { method: 'GET', path: 'a?b=c', host: ' a.test:81', headers: '', from: 'web-1' };
  expect(question(asked, []).url).toBe('http://a.test:81/a?b=c');
});
