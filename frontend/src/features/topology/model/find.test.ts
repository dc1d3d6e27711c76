import { describe, expect, it } from 'vitest';
import { type Findable, parseFind } from './find';

const reviews: Findable = {
  name: 'reviews',
  namespace: 'default',
  rate: 96,
  errorShare: 0.016,
  p95: 412,
  versions: ['v1', 'v2', 'v3'],
  state: 'degraded',
  protocols: ['http'],
};
const mongodb: Findable = {
  name: 'mongodb',
  namespace: 'default',
  rate: 0,
  errorShare: 0,
  versions: [],
  state: 'healthy',
  protocols: ['tcp'],
};

describe('parseFind', () => {
  it.each([
    ['', true],
    ['rate > 10', true],
    ['rate > 96', false],
    ['rate >= 96 rps', true],
    ['error > 1%', true],
    ['error > 2', false],
    ['error>1 %', true],
    ['p95 > 0.4s', true],
    ['p95 < 400ms', false],
    ['name ~ REV', true],
    ['name !~ rev', false],
    ['name = review', false],
    ['version = v2', true],
    ['version != v2', false],
    ['version = "v2"', true],
    ['ns = default and health = degraded', true],
    ['rev', true],
    ['rev, rate > 100', false],
    ['rev, ', true],
  ])('%j finds reviews: %s', (text, found) => {
    expect(parseFind(text).test?.(reviews)).toBe(found);
  });

  it('does not find by a figure that is not measured', () => {
    expect(parseFind('p95 < 1000').test?.(mongodb)).toBe(false);
    expect(parseFind('p95 > 0').test?.(mongodb)).toBe(false);
  });

  it.each([
    ['speed > 10', 'field', 'speed'],
    ['rate ~ 10', 'operator', '~'],
    ['name > 10', 'operator', '>'],
    ['rate > much', 'number', 'much'],
    ['rate > 10 ms', 'number', '10 ms'],
    ['rate >', 'value', 'rate >'],
    ['> 10', 'operator', '> 10'],
  ])('says what is wrong with %j', (text, code, about) => {
    expect(parseFind(text).problem).toEqual({ code, text: about });
  });
});
