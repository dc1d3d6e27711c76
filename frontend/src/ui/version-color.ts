const others = ['--hd-s4', '--hd-s3'] as const;

/** Colours of versions: the stable one s1, the newest s2, those between s4 and s3. Never those of health. */
export function versionColor(index: number, count: number): `--hd-${string}` {
  if (index === 0) {
    return '--hd-s1';
  }
  return index === count - 1 ? '--hd-s2' : (others[(index - 1) % 2] as `--hd-${string}`);
}
