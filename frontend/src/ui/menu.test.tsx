import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test } from 'vitest';
import { ManyMenu } from './menu';

function Page() {
  const [values, setValues] = useState<readonly string[]>([]);
  const options = ['pear', 'apple'].map((value) => ({ value, text: value }));
  return (
    <>
      <ManyMenu label="Fruit" values={values} any="Any fruit" options={options} onPick={setValues} />
      <output>{values.join(' ')}</output>
    </>
  );
}

test('an item is chosen by its label and by itself, once each time', async () => {
  render(<Page />);
  await userEvent.click(screen.getByRole('button', { name: 'Fruit: Any fruit' }));
  const menu = within(await screen.findByRole('menu', { name: 'Fruit' }));
  const chosen = () => screen.getByRole('status').textContent;
  await userEvent.click(menu.getByText('pear'));
  expect(chosen()).toBe('pear');
  await userEvent.click(menu.getByRole('menuitem', { name: 'apple' }));
  expect(chosen()).toBe('apple pear');
  await userEvent.click(menu.getByRole('menuitem', { name: 'pear' }));
  expect(chosen()).toBe('apple');
  await userEvent.click(menu.getByRole('checkbox', { name: 'apple' }));
  expect(chosen()).toBe('');
  await userEvent.click(menu.getByText('pear'));
  await userEvent.click(menu.getByRole('menuitem', { name: 'Any fruit' }));
  expect(chosen()).toBe('');
});
