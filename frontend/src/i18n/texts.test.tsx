import { act, render, screen } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { setLanguage } from './i18n';
import { defineTexts } from './texts';

const useTexts = defineTexts(
  'test',
  { n_one: '{{count}} service', n_other: '{{count}} services', fails: '{{who}} fails since {{when}}' },
  { n_other: '{{count}} 个服务', fails: '{{who}} 自 {{when}} 故障' },
);

function Page() {
  const t = useTexts();
  return (
    <>
      <p>{t('n', { count: 1 })}</p>
      <p>{t('n', { count: 2 })}</p>
      <h1>{t.rich('fails', { who: <b>ratings</b> }, { when: '13:54' })}</h1>
      <p>{t.maybe('nothing') ?? 'none'}</p>
    </>
  );
}

afterEach(() => setLanguage('en'));

test('texts follow the language, with plurals and elements', async () => {
  render(<Page />);
  screen.getByText('1 service');
  screen.getByText('2 services');
  screen.getByText('none');
  expect(screen.getByRole('heading').innerHTML).toBe('<b>ratings</b> fails since 13:54');
  await act(() => setLanguage('zh'));
  screen.getByText('2 个服务');
  expect(screen.getByRole('heading').innerHTML).toBe('<b>ratings</b> 自 13:54 故障');
  expect(document.documentElement.lang).toBe('zh-CN');
});
