import { expect, test } from 'vitest';
import { type FindingCatalogue, findingMessage } from './findings';

const catalogue: FindingCatalogue = {
  HDL1101: { message: '{host} 不存在于 {where}。', why: '', fix: '' },
  HDL1102: { message: '{host} is not known[; did you mean {near}?][ in {where}].', why: '', fix: '' },
  HDL0001: { message: '文本不是 YAML。', why: '', fix: '' },
  HDL1001: { message: 'The API refuses a value.', why: '', fix: '' },
  HDL1002: { message: 'The API takes a value, but warns of it.', why: '', fix: '' },
  HDL1003: { message: 'Kubernetes refuses a value.', why: '', fix: '' },
};
const finding = {
  code: 'HDL1101',
  message: 'reviws does not exist in shop.',
  params: { host: 'reviws', where: 'shop' },
};

test('the words of the catalogue, with the values of the finding', () => {
  expect(findingMessage(finding, catalogue)).toBe('reviws 不存在于 shop。');
});

test('the words of the server, where the catalogue cannot say it', () => {
  expect(findingMessage(finding, undefined)).toBe(finding.message);
  expect(findingMessage({ ...finding, params: { host: 'reviws' } }, catalogue)).toBe(finding.message);
  expect(findingMessage({ code: 'HDL9999', message: 'new' }, catalogue)).toBe('new');
  expect(findingMessage({ code: 'HDL0001', message: 'line 3: a tab' }, catalogue)).toBe('line 3: a tab');
  for (const code of ['HDL1001', 'HDL1002', 'HDL1003']) {
    expect(findingMessage({ code, message: 'give tcp or http' }, catalogue)).toBe('give tcp or http');
  }
});

test('a part in brackets goes with its values', () => {
  const of = (params: Record<string, string>) => findingMessage({ code: 'HDL1102', message: 'own', params }, catalogue);
  expect(of({ host: 'a', near: 'b', where: 'c' })).toBe('a is not known; did you mean b? in c.');
  expect(of({ host: 'a', near: '' })).toBe('a is not known.');
  expect(of({ near: 'b' })).toBe('own');
});
