import { expect, test } from 'vitest';
import { figuresFrom } from './use-old';

const since = '2026-11-21T14:06:20Z';

test('figures are of now, of when they were read last, or of no time', () => {
  const meta = { at: '2026-11-21T14:06:18Z', seconds: 15, revision: 'r' };
  expect(figuresFrom(undefined)).toBeUndefined();
  expect(figuresFrom(meta)).toBeUndefined();
  expect(figuresFrom({ ...meta, staleSince: since })).toBe(Date.parse(meta.at));
  expect(figuresFrom({ ...meta, at: '0001-01-01T00:00:00Z', staleSince: since })).toBe(Date.parse(since));
});
