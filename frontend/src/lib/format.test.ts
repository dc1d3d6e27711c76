import { describe, expect, test } from 'vitest';
import { age, byteRate, bytes, clock, duration, instant, lasting, number, plain, points, rate, share } from './format';

const at = (iso: string) => new Date(iso);

describe('figures', () => {
  test.each([
    [0, '0'],
    [0.001, '<\u00a00.01'],
    [0.02, '0.02'],
    [0.3, '0.3'],
    [4.31, '4.3'],
    [41.24, '41.2'],
    [99.94, '99.9'],
    [99.96, '100'],
    [141.4, '141'],
    [1290, '1,290'],
    [12_345, '12,300'],
    [Number.NaN, '–'],
  ])('number %d', (v, want) => expect(number(v)).toBe(want));

  test.each([
    [0, '0'],
    [0.0002, '<\u00a00.1'],
    [0.0016, '0.2'],
    [0.016, '1.6'],
    [0.246, '24.6'],
    [0.49, '49.0'],
    [0.9999, '>\u00a099.9'],
    [1, '100'],
  ])('share %d', (v, want) => expect(share(v).value).toBe(want));

  test.each([
    [0, '0\u00a0ms'],
    [0.4, '0.4\u00a0ms'],
    [9, '9.0\u00a0ms'],
    [44, '44\u00a0ms'],
    [412, '412\u00a0ms'],
    [999.6, '1.00\u00a0s'],
    [1024, '1.02\u00a0s'],
    [12_340, '12.3\u00a0s'],
    [120_000, '120\u00a0s'],
  ])('duration %d', (v, want) => expect(plain(duration(v))).toBe(want));

  test('points carry their sign', () => {
    expect(plain(points(0.079))).toBe('+7.9\u00a0pp');
    expect(plain(points(-0.079))).toBe('−7.9\u00a0pp');
    expect(plain(points(0.0001))).toBe('±0\u00a0pp');
  });

  test('bytes are decimal', () => {
    expect(plain(bytes(212_000))).toBe('212\u00a0kB');
    expect(plain(bytes(4_120_000))).toBe('4.1\u00a0MB');
    expect(plain(bytes(96))).toBe('96\u00a0B');
    expect(plain(byteRate(41_000))).toBe('41\u00a0kB/s');
  });

  test('a rate has its unit', () => expect(plain(rate(96))).toBe('96.0\u00a0rps'));
});

describe('times', () => {
  const now = at('2026-11-20T14:08:12Z');

  test.each([
    ['2026-11-20T14:08:09Z', '3\u00a0s ago', '3\u00a0秒前'],
    ['2026-11-20T14:02:12Z', '6\u00a0min ago', '6\u00a0分钟前'],
    ['2026-11-20T12:08:00Z', '2\u00a0h ago', '2\u00a0小时前'],
    ['2026-11-17T12:00:00Z', '3\u00a0d ago', '3\u00a0天前'],
    ['2026-11-20T14:09:00Z', '0\u00a0s ago', '0\u00a0秒前'],
  ])('age of %s', (iso, en, zh) => {
    expect(age(iso, now, 'en')).toBe(en);
    expect(age(iso, now, 'zh')).toBe(zh);
  });

  test('how long', () => expect(lasting(26 * 60 + 5, 'en')).toBe('26\u00a0min'));

  test('instants say no more than needed', () => {
    const local = new Date(2026, 10, 20, 14, 7, 58, 104);
    expect(clock(local, 'millisecond')).toBe('14:07:58.104');
    expect(clock(local)).toBe('14:07:58');
    expect(instant(local, new Date(2026, 10, 20, 18))).toBe('14:07');
    expect(instant(local, new Date(2026, 10, 21))).toBe('11-20 14:07');
    expect(instant(local, new Date(2027, 0, 1))).toBe('2026-11-20 14:07');
  });
});
