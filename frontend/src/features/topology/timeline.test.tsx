import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { hourOf } from './model/timeline';
import { Timeline } from './timeline';
import { TimelineBars } from './timeline-bars';

const start = Date.parse('2026-11-21T13:00:00Z');
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const change = (id: string, seconds: number) => ({
  id,
  at: at(seconds),
  actor: 'lena',
  via: 'console',
  undoable: true,
  entries: null,
  summary: { code: 'changed', params: { kind: 'VirtualService', name: `rule-${id}` } },
});

beforeEach(() => {
  signedIn('operator');
  fakeLive();
  fakeApi({
    'GET /api/v1/timeline': {
      step: 30,
      bars: Array.from({ length: 120 }, (_, i) => ({ at: at((i + 1) * 30), errorShare: 0, rps: 10 })),
      incidents: [
        { at: at(3595), type: 'service', node: 'service/ratings', name: 'ratings', from: 'healthy', to: 'failing' },
      ],
    },
    'GET /api/v1/changes': { items: [change('one', 3585), change('two', 3540), change('three', 3535)] },
  });
});
afterEach(() => vi.unstubAllGlobals());

function show() {
  const selected: string[] = [];
  const page = renderPage(
    () => <Timeline paused={false} at={undefined} onPause={() => {}} onSelect={(n) => selected.push(n)} />,
    {
      path: '/topology',
    },
  );
  return { ...page, selected };
}
const bars = () => screen.findByRole('slider', { name: /Error share of the last hour/ });

test('Enter on a bar with one change opens it', async () => {
  const { address } = show();
  const plot = await bars();
  await waitFor(() => expect(plot.getAttribute('aria-valuetext')).toMatch(/1 change$/));
  plot.focus();
  fireEvent.keyDown(plot, { key: 'Enter' });
  await waitFor(() => expect(address()).toContain('/changes/one'));
});

test('several changes of one instant are shown, by arrow keys too', async () => {
  const user = userEvent.setup();
  const { address } = show();
  const plot = await bars();
  await waitFor(() => expect(plot.getAttribute('aria-valuetext')).toMatch(/1 change$/));
  plot.focus();
  await user.keyboard('{ArrowLeft}{ArrowLeft}');
  expect(plot.getAttribute('aria-valuetext')).toMatch(/2 changes$/);
  await user.keyboard('{Enter}');
  const box = await screen.findByRole('dialog');
  expect(
    within(box)
      .getAllByRole('link')
      .map((l) => l.getAttribute('href')),
  ).toEqual(['/changes/two', '/changes/three']);
  await user.keyboard('{Escape}');
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(document.activeElement).toBe(plot);
  expect(address()).not.toContain('/changes');
});

test('a click on a bar without change says what was measured', async () => {
  show();
  const plot = await bars();
  plot.getBoundingClientRect = () => ({ left: 0, width: 1200 }) as DOMRect;
  fireEvent.click(plot, { clientX: 5 });
  expect(await screen.findByText('No change was made in these 30 seconds.')).toBeTruthy();
  fireEvent.pointerDown(document.body);
  await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
});

function Shrinking() {
  const [count, setCount] = useState(3);
  const hour = hourOf(
    Array.from({ length: count }, (_, i) => ({ at: at((i + 1) * 30), errorShare: 0, rps: 10 })),
    30,
  );
  return (
    <>
      <button type="button" onClick={() => setCount(2)}>
        fewer
      </button>
      <TimelineBars hour={hour} changes={[]} incidents={[]} summary="hour" onSelect={() => {}} />
    </>
  );
}

test('an hour that becomes shorter under the pointer says nothing of what it had', async () => {
  renderPage(Shrinking, { path: '/topology' });
  const plot = await screen.findByRole('slider', { name: 'hour' });
  plot.getBoundingClientRect = () => ({ left: 0, width: 300 }) as DOMRect;
  fireEvent.pointerMove(plot, { clientX: 299 });
  expect(plot.title).not.toBe('');
  fireEvent.click(screen.getByRole('button', { name: 'fewer' }));
  expect(plot.title).toBe('');
});
