import { Button } from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  addUserMutation,
  changeUserMutation,
  removeUserMutation,
  usersOptions,
  usersQueryKey,
} from '../../api/generated/@tanstack/react-query.gen';
import type { AuthUser } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { age, instant } from '../../lib/format';
import { Confirm } from '../../ui/confirm';
import { type Column, DataTable } from '../../ui/data-table';
import { Menu } from '../../ui/menu';
import { Sheet } from '../../ui/page';
import { Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { Dialog, Refused } from './dialog';
import { Choice, Field } from './field';
import { NewPassword } from './new-password';
import { type Role, roles } from './roles';
import { useSettingsTexts } from './texts';

type Open = { what: 'add' } | { what: 'password' | 'remove'; user: AuthUser } | undefined;

/** Who may sign in, and as what. Every change ends the sessions of that user. */
export function Users() {
  const t = useSettingsTexts();
  const now = useNow();
  const client = useQueryClient();
  const users = useQuery(usersOptions());
  const [open, setOpen] = useState<Open>();
  const again = () => client.invalidateQueries({ queryKey: usersQueryKey() });
  const close = () => setOpen(undefined);
  const change = useMutation({ ...changeUserMutation(), onSettled: again });
  const remove = useMutation({ ...removeUserMutation(), onSettled: again });
  const refused = change.error ?? remove.error;

  const columns: Column<AuthUser>[] = [
    { id: 'name', title: t('col.name'), cell: (u) => <b className="se-name">{u.name}</b> },
    {
      id: 'role',
      title: t('col.role'),
      cell: (u) => (
        <Menu
          label={t('user.role.of', { name: u.name })}
          value={u.role}
          options={roles.map((r) => ({ value: r, text: t(`role.${r}`) }))}
          onPick={(role) => role !== u.role && change.mutate({ path: { name: u.name }, body: { role: role as Role } })}
        />
      ),
    },
    { id: 'state', title: t('col.state'), cell: (u) => t(u.disabled ? 'user.disabled' : 'user.enabled') },
    { id: 'created', title: t('col.created'), align: 'number', cell: (u) => instant(u.created, now) },
    {
      id: 'seen',
      title: t('col.seen'),
      align: 'number',
      cell: (u) => (u.lastSignIn ? age(u.lastSignIn, now, t.language) : t('never')),
    },
    {
      id: 'act',
      title: t('col.actions'),
      align: 'number',
      cell: (user) => (
        <span className="se-acts">
          <Button variant="link" isInline size="sm" onClick={() => setOpen({ what: 'password', user })}>
            {t('user.password')}
          </Button>
          <Button
            variant="link"
            isInline
            size="sm"
            onClick={() => change.mutate({ path: { name: user.name }, body: { disabled: !user.disabled } })}
          >
            {t(user.disabled ? 'user.enable' : 'user.disable')}
          </Button>
          <Button variant="link" isInline size="sm" onClick={() => setOpen({ what: 'remove', user })}>
            {t('user.remove')}
          </Button>
        </span>
      ),
    },
  ];

  return (
    <Sheet
      title={t('users')}
      end={
        <Button variant="secondary" size="sm" onClick={() => setOpen({ what: 'add' })}>
          {t('user.add')}
        </Button>
      }
    >
      {refused && <Refused problem={asProblem(refused)} />}
      {users.isPending ? (
        <Loading />
      ) : users.isError ? (
        <Failed title={t('users.failed')} error={asProblem(users.error)} retry={() => void users.refetch()} />
      ) : (
        <DataTable label={t('users')} columns={columns} rows={users.data ?? []} rowKey={(u) => u.name} />
      )}
      {open?.what === 'add' && <AddUser onDone={() => void again().then(close)} onClose={close} />}
      {open?.what === 'password' && <SetPassword name={open.user.name} onClose={close} />}
      {open?.what === 'remove' && (
        <Confirm
          title={t('user.remove.title', { name: open.user.name })}
          action={t('user.remove')}
          danger
          typed={open.user.name}
          onConfirm={() => {
            remove.mutate({ path: { name: open.user.name } });
            close();
          }}
          onClose={close}
        >
          {t('user.remove.text')}
        </Confirm>
      )}
    </Sheet>
  );
}

function AddUser({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const t = useSettingsTexts();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const add = useMutation({ ...addUserMutation(), onSuccess: onDone });
  return (
    <Dialog
      title={t('user.add')}
      action={t('user.add')}
      ready={name !== '' && password !== ''}
      busy={add.isPending}
      problem={add.isError ? asProblem(add.error) : undefined}
      onSubmit={() => add.mutate({ body: { name, password, role } })}
      onClose={onClose}
    >
      <Field label={t('col.name')} value={name} onChange={setName} />
      <Choice
        label={t('col.role')}
        value={role}
        options={roles.map((r) => ({ value: r, text: t(`role.${r}`) }))}
        onChange={setRole}
      />
      <p className="se-help">{t(`role.${role}.may`)}</p>
      <NewPassword label={t('user.password.first')} value={password} onChange={setPassword} />
    </Dialog>
  );
}

function SetPassword({ name, onClose }: { name: string; onClose: () => void }) {
  const t = useSettingsTexts();
  const [password, setPassword] = useState('');
  const set = useMutation({ ...changeUserMutation(), onSuccess: onClose });
  return (
    <Dialog
      title={t('user.password.title', { name })}
      action={t('user.password.set')}
      ready={password !== ''}
      busy={set.isPending}
      problem={set.isError ? asProblem(set.error) : undefined}
      onSubmit={() => set.mutate({ path: { name }, body: { password } })}
      onClose={onClose}
    >
      <NewPassword value={password} onChange={setPassword} />
    </Dialog>
  );
}
