import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test } from 'vitest';
import type { Found } from '../../lib/found';
import { YamlEditor } from './yaml-editor';

const text = 'hosts: [reviws]\nweight: 90\n';
const finding = {
  code: 'HDL1101',
  severity: 'error',
  message: 'reviws does not exist.',
  line: 1,
  documentLine: 1,
  fix: [{ op: 'set', path: 'hosts[0]', value: 'reviews' }],
  splices: [{ from: 8, to: 14, insert: 'reviews' }],
} as unknown as Found;

/** As a page has it that filters what was found at each drawing. */
function Page({ begun = text }: { begun?: string }) {
  const [value, setValue] = useState(begun);
  const [, again] = useState(0);
  return (
    <>
      <YamlEditor
        label="YAML"
        value={value}
        onChange={setValue}
        findings={[finding].filter(() => true)}
        checked={text}
        schemaOf={() => undefined}
      />
      <button type="button" onClick={() => setValue(`# new\n${text}`)}>
        other text
      </button>
      <button type="button" onClick={() => again((n) => n + 1)}>
        draw
      </button>
    </>
  );
}

const fix = () => screen.queryByRole('button', { name: /reviews/ });

test('a fix of what was checked does not come back over another text, however often it is drawn', async () => {
  render(<Page />);
  await waitFor(() => expect(fix()).not.toBeNull());
  await userEvent.click(screen.getByRole('button', { name: 'draw' }));
  expect(fix()).not.toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'other text' }));
  await waitFor(() => expect(fix()).toBeNull());
  await userEvent.click(screen.getByRole('button', { name: 'draw' }));
  expect(fix()).toBeNull();
  screen.getByText('HDL1101');
});

test('an editor that opens on a text that was not checked yet offers no fix of the former', async () => {
  render(<Page begun={`# new\n${text}`} />);
  await screen.findByText('HDL1101');
  expect(fix()).toBeNull();
});
