import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import type { Manifest } from '../../api/generated/types.gen';
import { fakeLive } from '../../testing/live';
import { fakeApi, renderPage, signedIn } from '../../testing/render';
import { InputStep } from './input-step';

afterEach(() => vi.unstubAllGlobals());

let now: readonly Manifest[] = [];

function Step() {
  const [files, setFiles] = useState<readonly Manifest[]>([{ file: 'pasted.yaml', text: 'kind: A\n' }]);
  now = files;
  return <InputStep files={files} onFiles={setFiles} />;
}

test('files of one name neither hide each other nor what is pasted', async () => {
  signedIn('operator');
  fakeApi({});
  fakeLive();
  renderPage(Step, { path: '/check' });
  const input = await screen.findByLabelText('Choose files', { selector: 'input' });
  const file = (text: string, name: string) => new File([text], name);
  await userEvent.upload(input, [file('kind: B\n', 'x.yaml'), file('kind: C\n', 'x.yaml')]);
  await screen.findByText('x (2).yaml');
  await userEvent.upload(input, file('kind: D\n', 'pasted.yaml'));
  await screen.findByText('pasted (2).yaml');
  expect(now.map((f) => f.text)).toEqual(['kind: A\n', 'kind: B\n', 'kind: C\n', 'kind: D\n']);
  await userEvent.click(screen.getByRole('button', { name: 'Remove x.yaml' }));
  await waitFor(() => expect(now.map((f) => f.text)).toEqual(['kind: A\n', 'kind: C\n', 'kind: D\n']));
});
