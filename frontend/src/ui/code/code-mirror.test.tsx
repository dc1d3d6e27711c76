import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test, vi } from 'vitest';
import { CodeMirror } from './code-mirror';
import type { CodeNote } from './code-note';

const text = 'hosts: [reviws]\nweight: 90\n';
const notes: CodeNote[] = [
  {
    id: 'a',
    from: 8,
    to: 14,
    severity: 'error',
    code: 'HDL1101',
    text: 'reviws does not exist.',
    fix: { label: 'Use reviews', splices: [{ from: 8, to: 14, insert: 'reviews' }] },
  },
];

test('a finding stands below its line, and its fix is one click', async () => {
  const onChange = vi.fn();
  render(<CodeMirror label="YAML" value={text} notes={notes} onChange={onChange} />);
  await screen.findByText('reviws does not exist.', { exact: false });
  screen.getByText('HDL1101');
  screen.getAllByRole('img', { name: 'Error' });
  await userEvent.click(screen.getByRole('button', { name: 'Use reviews' }));
  expect(onChange).toHaveBeenLastCalledWith('hosts: [reviews]\nweight: 90\n');
  // The text is another one now: until the next check nothing is offered that could hit another place.
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Use reviews' })).toBeNull());
});

test("other ways out are the page's, and gone once the text is another one", async () => {
  const onPick = vi.fn();
  const action = { label: 'Add v3 to DestinationRule shop/reviews', key: 'a', onPick };
  const [note] = notes;
  render(
    <CodeMirror label="YAML" value={text} notes={note ? [{ ...note, actions: [action] }] : []} onChange={vi.fn()} />,
  );
  await userEvent.click(await screen.findByRole('button', { name: action.label }));
  expect(onPick).toHaveBeenCalledOnce();
  await userEvent.click(screen.getByRole('button', { name: 'Use reviews' }));
  await waitFor(() => expect(screen.queryByRole('button', { name: action.label })).toBeNull());
});

test('what is only shown offers no fix', async () => {
  render(<CodeMirror label="YAML" value={text} notes={notes} />);
  await screen.findByText('reviws does not exist.', { exact: false });
  expect(screen.queryByRole('button', { name: 'Use reviews' })).toBeNull();
});

function Page() {
  const [value, setValue] = useState(text);
  return (
    <>
      <CodeMirror label="YAML" value={value} onChange={setValue} />
      <button type="button" onClick={() => setValue('hosts: [ratings]\n')}>
        other
      </button>
      <output>{value}</output>
    </>
  );
}

test('the text follows from outside', async () => {
  render(<Page />);
  await userEvent.click(screen.getByRole('button', { name: 'other' }));
  await waitFor(() => expect(screen.getByRole('textbox', { name: 'YAML' }).textContent).toContain('ratings'));
  expect(screen.getByRole('status').textContent).toBe('hosts: [ratings]\n');
});
