import { renderHook } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import openapi from '../../openapi.json';
import { setLanguage } from '../i18n/i18n';
import { type ProblemLike, useProblemWords } from './problem-words';
import en from './ui.texts.en.json';
import zh from './ui.texts.zh.json';

afterEach(() => setLanguage('en'));

const words = (problem: ProblemLike) => renderHook(useProblemWords).result.current(problem);

const { Problem, LiveProblem } = openapi.components.schemas;
const codes = [...Problem.properties.code.enum, ...LiveProblem.properties.code.enum];

test.each([
  ['en', en],
  ['zh', zh],
])('each code that the server may send has words, and no other: %s', (_, catalogue) => {
  const keys = Object.keys(catalogue).flatMap((key) => /^problem\.(.*)/.exec(key)?.[1] ?? []);
  expect(codes.length).toBeGreaterThan(20);
  expect(keys.sort()).toEqual([...new Set(codes)].sort());
});

test('the server is busy: when to try again, in the language of the page', async () => {
  const busy = { status: 503, code: 'busy', detail: 'others keep the server busy', params: { seconds: 3 } };
  expect(words(busy)).toBe('The server is busy with other checks; try again in 3 s.');
  await setLanguage('zh');
  expect(words(busy)).toBe('服务器正忙于其他检查，请在 3 秒后重试。');
});

test('what says more than its code is quoted', async () => {
  const invalid = { status: 422, code: 'invalid', title: 'Unprocessable Entity', detail: 'step must be 5s or more' };
  expect(words(invalid)).toBe('step must be 5s or more');
  await setLanguage('zh');
  expect(words(invalid)).toBe('内容无效：“step must be 5s or more”');
});

test.each<[string, ProblemLike, string]>([
  ['no answer', { status: 0, title: 'x' }, 'The server does not answer. Everything that was loaded stays.'],
  ['a value that the text needs was not sent', { code: 'throttled', detail: 'slow down' }, 'slow down'],
  ['a code of tomorrow', { code: 'new', title: 'Something new' }, 'Something new'],
  ['no code at all', { message: 'x is undefined' }, 'x is undefined'],
])('the words that there are: %s', (_, problem, said) => {
  expect(words(problem)).toBe(said);
});
