import { expect, test } from 'vitest';
import { versionColor } from './version-color';

test('the stable version and the newest keep their colours however many there are', () => {
  expect([0, 1, 2, 3].map((i) => versionColor(i, 4))).toEqual(['--hd-s1', '--hd-s4', '--hd-s3', '--hd-s2']);
  expect(versionColor(0, 1)).toBe('--hd-s1');
});
