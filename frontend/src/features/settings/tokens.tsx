import { Button } from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  createTokenMutation,
  revokeTokenMutation,
  tokensOptions,
  tokensQueryKey,
} from '../../api/generated/@tanstack/react-query.gen';
import type { AuthTokenInfo, NewToken } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { useCan, useSession } from '../../api/session-store';
import { age, instant, lasting } from '../../lib/format';
import { Confirm } from '../../ui/confirm';
import { CopyButton } from '../../ui/copy-button';
import { type Column, DataTable } from '../../ui/data-table';
import { Sheet } from '../../ui/page';
import { Banner, Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { Dialog, Refused } from './dialog';
import { Choice, Field } from './field';
import { type Role, upTo } from './roles';
import { useSettingsTexts } from './texts';

/** How long a token may live, in hours. */
const lives = ['24', '168', '720', '2160', '8760'] as const;

/** Tokens for programs: one's own, or all for an administrator. A new one is shown once. */
export function Tokens() {
  const t = useSettingsTexts();
  const all = useCan('admin');
  const now = useNow();
  const client = useQueryClient();
  const tokens = useQuery(tokensOptions());
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<NewToken>();
  const [revoking, setRevoking] = useState<AuthTokenInfo>();
  const again = () => client.invalidateQueries({ queryKey: tokensQueryKey() });
  const revoke = useMutation({ ...revokeTokenMutation(), onSettled: again });

  const columns: Column<AuthTokenInfo>[] = [
    { id: 'name', title: t('col.name'), by: (k) => k.name, cell: (k) => <b className="se-name">{k.name}</b> },
    { id: 'role', title: t('col.role'), cell: (k) => t(`role.${k.role}`) },
    ...(all ? [{ id: 'owner', title: t('col.owner'), cell: (k: AuthTokenInfo) => k.owner }] : []),
    { id: 'created', title: t('col.created'), align: 'number', cell: (k) => instant(k.created, now) },
    {
      id: 'used',
      title: t('col.used'),
      align: 'number',
      cell: (k) => (k.lastUsed ? age(k.lastUsed, now, t.language) : t('never')),
    },
    {
      id: 'expires',
      title: t('col.expires'),
      align: 'number',
      cell: (k) => {
        const left = (Date.parse(k.expires) - now) / 1000;
        return left > 0 ? lasting(left, t.language) : <span className="k-degraded">{t('over')}</span>;
      },
    },
    {
      id: 'act',
      title: t('col.actions'),
      align: 'number',
      cell: (k) => (
        <Button
          variant="link"
          isInline
          size="sm"
          aria-label={t('token.revoke.of', { name: k.name })}
          onClick={() => setRevoking(k)}
        >
          {t('token.revoke')}
        </Button>
      ),
    },
  ];

  return (
    <Sheet
      title={t('tokens')}
      end={
        <Button variant="secondary" size="sm" onClick={() => setMaking(true)}>
          {t('token.new')}
        </Button>
      }
    >
      {made && <Made token={made} onDone={() => setMade(undefined)} />}
      {revoke.isError && <Refused problem={asProblem(revoke.error)} />}
      {tokens.isPending ? (
        <Loading />
      ) : tokens.isError ? (
        <Failed title={t('tokens.failed')} error={asProblem(tokens.error)} retry={() => void tokens.refetch()} />
      ) : (tokens.data ?? []).length === 0 ? (
        <div className="se-empty">
          <Empty title={t('tokens.none')}>{t('tokens.none.text')}</Empty>
        </div>
      ) : (
        <DataTable label={t('tokens')} columns={columns} rows={tokens.data ?? []} rowKey={(k) => k.id} />
      )}
      {making && (
        <NewTokenDialog
          onMade={(token) => {
            setMaking(false);
            setMade(token);
            void again();
          }}
          onClose={() => setMaking(false)}
        />
      )}
      {revoking && (
        <Confirm
          title={t('token.revoke.title', { name: revoking.name })}
          action={t('token.revoke')}
          danger
          onConfirm={() => {
            revoke.mutate({ path: { id: revoking.id } });
            setRevoking(undefined);
          }}
          onClose={() => setRevoking(undefined)}
        >
          {t('token.revoke.text')}
        </Confirm>
      )}
    </Sheet>
  );
}

function Made({ token, onDone }: { token: NewToken; onDone: () => void }) {
  const t = useSettingsTexts();
  return (
    <div className="se-made" role="status">
      <Banner
        tone="plain"
        lead={t('token.made', { name: token.name })}
        action={
          <Button variant="link" size="sm" isInline onClick={onDone}>
            {t('token.done')}
          </Button>
        }
      >
        {t('token.once')}
        <div className="se-secret">
          <code>{token.token}</code>
          <CopyButton text={token.token} />
        </div>
      </Banner>
    </div>
  );
}

function NewTokenDialog({ onMade, onClose }: { onMade: (token: NewToken) => void; onClose: () => void }) {
  const t = useSettingsTexts();
  const session = useSession();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [hours, setHours] = useState<(typeof lives)[number]>('720');
  const make = useMutation({ ...createTokenMutation(), onSuccess: onMade });
  return (
    <Dialog
      title={t('token.new')}
      action={t('token.make')}
      ready={name.trim() !== ''}
      busy={make.isPending}
      problem={make.isError ? asProblem(make.error) : undefined}
      onSubmit={() => make.mutate({ body: { name: name.trim(), role, expires: `${hours}h` } })}
      onClose={onClose}
    >
      <Field label={t('col.name')} value={name} onChange={setName} help={t('token.name.help')} />
      <Choice
        label={t('col.role')}
        value={role}
        options={upTo(session?.user.role).map((r) => ({ value: r, text: t(`role.${r}`) }))}
        onChange={setRole}
      />
      <Choice
        label={t('token.life')}
        value={hours}
        options={lives.map((h) => ({ value: h, text: lasting(Number(h) * 3600, t.language) }))}
        onChange={setHours}
      />
    </Dialog>
  );
}
