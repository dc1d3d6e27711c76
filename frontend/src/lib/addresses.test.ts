import { expect, test } from 'vitest';
import { changeAddress, proxyAddress, ruleAddress, serviceAddress, workloadAddress } from './addresses';

test('names are escaped, and what has no namespace has an underscore', () => {
  expect(serviceAddress({ namespace: 'bookinfo', name: 'reviews' })).toBe('/services/bookinfo/reviews');
  expect(workloadAddress({ namespace: 'a/b', name: 'c d' })).toBe('/workloads/a%2Fb/c%20d');
  expect(ruleAddress({ kind: 'Namespace', name: 'x' })).toBe('/rules/Namespace/_/x');
  expect(proxyAddress('pod.ns')).toBe('/proxies/pod.ns');
  expect(changeAddress('17')).toBe('/changes/17');
});
