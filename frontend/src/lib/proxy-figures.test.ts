import { expect, test } from 'vitest';
import { answerTime, certificatesOf, isOlder, mostFrequent, newest, oldestFirst } from './proxy-figures';

const answered = (ms: number, nonce = '1') => ({
  types: [
    {
      sent: { at: '2026-11-21T13:50:00.000Z', nonce: '1' },
      acked: { at: new Date(Date.parse('2026-11-21T13:50:00Z') + ms).toISOString(), nonce },
    },
  ] as never,
});

test('the time in which 99 of 100 answers came', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => answered(i + 1));
  expect(answerTime(hundred, 99)).toBe(99);
  expect(answerTime(hundred, 50)).toBe(50);
  expect(answerTime([answered(120), answered(380), answered(900, '0')], 99)).toBe(380);
  expect(answerTime([answered(-5)], 99)).toBe(0);
  expect(answerTime([{ types: null }], 99)).toBeUndefined();
});

const now = Date.parse('2026-11-21T12:00:00Z');
const hour = 3_600_000;
const certificate = (endsIn: number, renewsIn: number) => ({
  certificateEnds: new Date(now + endsIn * hour).toISOString(),
  certificateRenews: new Date(now + renewsIn * hour).toISOString(),
});

test('the certificate that ends next, those that are over and those that are late', () => {
  expect(certificatesOf([{}], now)).toBeUndefined();
  expect(certificatesOf([certificate(20, 8), {}, certificate(13, 1)], now)).toEqual({
    ends: now + 13 * hour,
    renews: now + hour,
    ended: 0,
    overdue: 0,
  });
  expect(certificatesOf([certificate(-1, -13), certificate(5, -7), certificate(12, 0)], now)).toMatchObject({
    ended: 1,
    overdue: 1,
  });
});

test('versions', () => {
  expect(isOlder('1.38.3', '1.40.0')).toBe(true);
  expect(isOlder('1.40.0', '1.40.0')).toBe(false);
  expect(isOlder('2.0.0', '1.40.0')).toBe(false);
  expect(oldestFirst(['1.40.0', '1.9.2', '2.0.0', '1.9.2', '1.10.0'])).toEqual(['1.9.2', '1.10.0', '1.40.0', '2.0.0']);
  expect(newest(['1.9.4', undefined, '1.40.0', '1.38.3'])).toBe('1.40.0');
  expect(newest([undefined])).toBe('');
});

test('what most have', () => {
  expect(mostFrequent(['b', 'a', '', '', '', 'b'])).toBe('b');
  expect(mostFrequent([''])).toBe('');
});
