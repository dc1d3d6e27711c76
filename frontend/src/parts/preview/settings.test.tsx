import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test, vi } from 'vitest';
import type { PreviewSettingChange } from '../../api/generated/types.gen';
import { renderPage } from '../../testing/render';
import { Settings } from './settings';

const reviews = { group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name: 'reviews' };
const split: PreviewSettingChange = {
  scope: 'service reviews.shop',
  setting: 'split',
  before: { value: 'v1 100, v2 0', from: [reviews], path: 'spec.http[0].route' },
  after: { value: 'v1 70, v2 30', from: [reviews], path: 'spec.http[0].route' },
};

afterEach(() => vi.unstubAllGlobals());

const show = (settings: PreviewSettingChange[]) =>
  renderPage(() => <Settings settings={settings} />, { path: '/', at: '/' });

test('what will be in force stands beside what is, with who decides it', async () => {
  show([
    split,
    { scope: 'service reviews.shop', setting: 'timeout', match: 'path /slow', after: { value: '5s', from: [] } },
  ]);
  const [, first, second] = await screen.findAllByRole('row');
  const cells = within(first as HTMLElement).getAllByRole('cell');
  expect(cells[0]?.textContent).toBe('v1 100, v2 0by VirtualService reviews');
  expect(
    within(cells[0] as HTMLElement)
      .getByRole('link')
      .getAttribute('href'),
  ).toContain('spec.http');
  expect(cells[1]?.textContent).toBe('v1 70, v2 30by VirtualService reviews');
  expect(second?.textContent).toContain('for path /slow');
  expect(second?.textContent).toContain('nothing');
  expect(second?.textContent).toContain("the mesh's own default");
});

test('many are folded', async () => {
  show(Array.from({ length: 9 }, (_, i) => ({ ...split, scope: `service s${i}.shop` })));
  expect(await screen.findAllByRole('row')).toHaveLength(7);
  await userEvent.click(screen.getByRole('button', { name: '3 more' }));
  expect(screen.getAllByRole('row')).toHaveLength(10);
});

test('nothing is said where no setting changes', () => {
  show([]);
  expect(screen.queryByRole('table')).toBeNull();
});
