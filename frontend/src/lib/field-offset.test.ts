import { expect, test } from 'vitest';
import { fieldOffset, pathSteps } from './field-offset';

test('steps of a path', () => {
  expect(pathSteps('spec.http[0].match[1].headers["x.y"].exact')).toEqual([
    'spec',
    'http',
    0,
    'match',
    1,
    'headers',
    'x.y',
    'exact',
  ]);
  expect(pathSteps('metadata.labels["a\\"b"]')).toEqual(['metadata', 'labels', 'a"b']);
  expect(pathSteps('')).toEqual([]);
});

const text = `# the split
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, labels: {"a.b/c": x}}
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: {host: reviews, subset: v1}
          weight: 90
    - timeout: 2s # slow
`;
const at = (path: string) => text.slice(fieldOffset(text, path)).split(/[\n:]/)[0];

test.each([
  ['spec.http[0].route[0].weight', 'weight'],
  ['spec.http[0].route[0].destination.subset', 'subset'],
  ['spec.http[1].timeout', 'timeout'],
  ['spec.http[1]', 'timeout'],
  ['spec.hosts[0]', 'reviews]'],
  ['metadata.labels["a.b/c"]', '"a.b/c"'],
  // What is not written: the nearest field around it.
  ['spec.http[0].route[0].weight.more', 'weight'],
  ['spec.http[7].route', 'http'],
  ['spec.exportTo', 'spec'],
])('%s stands at %s', (path, begin) => expect(at(path)).toBe(begin));

test('a path that leads nowhere, a text that is no document', () => {
  expect(fieldOffset(text, 'status.loadBalancer')).toBeUndefined();
  expect(fieldOffset('', 'spec')).toBeUndefined();
  expect(fieldOffset('[half', 'spec')).toBeUndefined();
});
