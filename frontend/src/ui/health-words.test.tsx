import { renderHook } from '@testing-library/react';
import { expect, test } from 'vitest';
import type { GraphHealth, GraphReason } from '../api/generated/types.gen';
import { clock } from '../lib/format';
import { useHealthWords } from './health-words';

const words = () => renderHook(() => useHealthWords()).result.current;
const spaces = (text: string) => text.replaceAll('\u00a0', ' ');

test.each<[GraphReason, string, string]>([
  [
    { code: 'http5xx', state: 'failing', share: 0.246, answer: '503', version: 'v-faulty', versionShare: 0.49 },
    'v-faulty answers 503 to 49.0 % of its requests',
    '24.6 % errors',
  ],
  [
    { code: 'http5xx', state: 'failing', share: 0.246, answer: '503' },
    'Answers 503 to 24.6 % of its requests',
    '24.6 % errors',
  ],
  [
    { code: 'grpc', state: 'degraded', share: 0.02, answer: 'grpc 13' },
    'Answers gRPC 13 to 2.0 % of its calls',
    '2.0 % errors',
  ],
  [{ code: 'noResponse', state: 'failing', share: 1 }, '100 % of its requests get no answer', '100 % errors'],
  [{ code: 'tcp', state: 'failing', share: 0.5 }, '50.0 % of its connections fail', '50.0 % errors'],
  [{ code: 'slow', state: 'degraded', p95: 412, usual: 46 }, 'p95 is 412 ms, usually 46 ms', 'p95 412 ms'],
  [{ code: 'noEndpoints', state: 'failing', share: 1 }, 'No pod of it is ready', 'no ready pod'],
])('%j in words', (reason, whole, short) => {
  expect(spaces(words().reason(reason))).toBe(whole);
  expect(spaces(words().short(reason))).toBe(short);
});

test('a cause is named with who did what', () => {
  const ref = (name: string) => ({ group: '', kind: 'VirtualService', namespace: 'default', name });
  const params = { share: 0.95, started: '2026-11-21T13:54:00Z', actor: 'lena' };
  const started = clock('2026-11-21T13:54:00Z', 'minute');
  expect(words().why({ rule: 'startedAfterChange', params: { ...params, refs: [ref('ratings')] } })).toBe(
    `Started ${started}, right after lena changed VirtualService ratings.`,
  );
  expect(words().why({ rule: 'startedAfterChange', params: { ...params, refs: [ref('a'), ref('b'), ref('c')] } })).toBe(
    `Started ${started}, right after lena changed VirtualService a and 2 more.`,
  );
  expect(spaces(words().why({ rule: 'failsBecauseOf', params: { share: 0.95, name: 'ratings' } }))).toBe(
    'Fails because of ratings: 95.0 % of its errors come from there.',
  );
  expect(words().why({ rule: 'waitsFor', params: { share: 1, name: 'ratings' } })).toBe(
    'Waits for ratings, which fails.',
  );
});

test('states are titles, and flags are explained', () => {
  const failing: GraphHealth = { state: 'failing', reasons: [{ code: 'noEndpoints', state: 'failing' }] };
  expect(words().title('ratings', failing)).toBe('ratings has no ready pod');
  expect(words().title('ratings', { state: 'failing', reasons: [{ code: 'tcp', state: 'failing' }] })).toBe(
    'ratings fails',
  );
  expect(words().title('ratings', { state: 'degraded', reasons: [{ code: 'slow', state: 'degraded' }] })).toBe(
    'ratings is slow',
  );
  expect(words().title('ratings', { state: 'healthy' })).toBe('ratings');
  expect(words().flags('UC,URX', 'ratings')).toBe('UC: ratings closed the connection, URX: all retries used up');
  expect(words().flags('XY', 'ratings')).toBe('XY');
  expect(words().flags('-', 'ratings')).toBe('');
  expect(words().since({ state: 'failing', since: '2026-11-21T13:54:00Z', atLeast: true })).toBe(
    `At least since ${clock('2026-11-21T13:54:00Z', 'minute')}.`,
  );
});
