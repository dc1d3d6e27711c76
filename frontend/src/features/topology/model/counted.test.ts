import { expect, test } from 'vitest';
import { counted } from './counted';

test('a caller that is no service is counted apart', () => {
  const kinds = { reviews: 'service', ratings: 'service', 'traffic-generator': 'workload' } as const;
  const node = (id: string) => (id in kinds ? { kind: kinds[id as keyof typeof kinds] } : undefined);
  expect(counted(Object.keys(kinds), 'service', node)).toEqual({ of: 2, more: 1 });
  expect(counted(['reviews'], 'service', node)).toEqual({ of: 1, more: 0 });
  expect(counted(['traffic-generator'], 'workload', node)).toEqual({ of: 1, more: 0 });
});
