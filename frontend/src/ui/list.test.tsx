import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test } from 'vitest';
import { List } from './list';

const fruit = ['apple', 'pear', 'plum'];

function Page() {
  const [q, setQ] = useState<string>();
  const [first, setFirst] = useState<string>();
  const rows = fruit.filter((f) => f.includes(q ?? '') && (!first || f.startsWith(first)));
  return (
    <>
      <List
        find={{ label: 'Find', value: q }}
        onFind={setQ}
        filters={[
          {
            label: 'Letter',
            value: first,
            options: [
              { value: '', text: 'Any letter' },
              { value: 'p', text: 'P' },
            ],
            onPick: setFirst,
          },
        ]}
        table={{ label: 'Fruit', columns: [{ id: 'n', title: 'Name', cell: (r) => r }], rows, rowKey: (r) => r }}
        noMatch={{ title: 'No fruit', text: '3 were looked at.', action: 'Show all' }}
        onShowAll={() => {
          setQ(undefined);
          setFirst(undefined);
        }}
      />
      <output>{JSON.stringify([q, first])}</output>
    </>
  );
}

test('a list is filtered by words and by menus, and shows all again', async () => {
  render(<Page />);
  expect(screen.getAllByRole('row')).toHaveLength(4);
  await userEvent.click(screen.getByRole('button', { name: 'Letter: Any letter' }));
  await userEvent.click(await screen.findByRole('option', { name: 'P' }));
  await waitFor(() => expect(screen.getAllByRole('row')).toHaveLength(3));
  await userEvent.type(screen.getByRole('textbox', { name: 'Find' }), 'apple');
  await screen.findByText('3 were looked at.');
  expect(screen.queryByRole('table')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Show all' }));
  await waitFor(() => expect(screen.getAllByRole('row')).toHaveLength(4));
  // Nothing is left in the address.
  expect(screen.getByRole('status').textContent).toBe('[null,null]');
});
