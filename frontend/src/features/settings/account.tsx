import { Button, Form } from '@patternfly/react-core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { changePasswordMutation } from '../../api/generated/@tanstack/react-query.gen';
import { asProblem } from '../../api/problem';
import { loadSession } from '../../api/session';
import { useSession } from '../../api/session-store';
import { instant } from '../../lib/format';
import { Sheet } from '../../ui/page';
import { Banner } from '../../ui/states';
import { Refused } from './dialog';
import { Field } from './field';
import { NewPassword } from './new-password';
import { useSettingsTexts } from './texts';

/** Who is signed in, and the own password. */
export function Account() {
  const t = useSettingsTexts();
  const session = useSession();
  if (!session) {
    return null;
  }
  return (
    <div className="se-two">
      <Sheet title={t('account.who')}>
        <div className="kv">
          <span>{t('about.user')}</span>
          <b>{session.user.name}</b>
        </div>
        <div className="kv">
          <span>{t('col.role')}</span>
          <b>{t.maybe(`role.${session.user.role}`) ?? session.user.role}</b>
        </div>
        {session.absoluteExpires && (
          <div className="kv">
            <span>{t('about.expires')}</span>
            <b className="num">{instant(session.absoluteExpires, Date.now())}</b>
          </div>
        )}
        <p className="se-note">{t.maybe(`role.${session.user.role}.may`)}</p>
      </Sheet>
      <Sheet title={t('password')}>
        <OwnPassword />
      </Sheet>
    </div>
  );
}

function OwnPassword() {
  const t = useSettingsTexts();
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const change = useMutation({
    ...changePasswordMutation(),
    onSuccess: async () => {
      setOld('');
      setNext('');
      setAgain('');
      // All sessions ended, and this one got a new cookie.
      await loadSession();
    },
  });
  const differs = again !== '' && again !== next;
  return (
    <Form
      className="se-form"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate({ body: { old, new: next } });
      }}
    >
      {change.isError && <Refused problem={asProblem(change.error)} />}
      {change.isSuccess && old === '' && (
        <div role="status">
          <Banner tone="plain">{t('password.changed')}</Banner>
        </div>
      )}
      <Field
        label={t('password.old')}
        type="password"
        autoComplete="current-password"
        value={old}
        onChange={setOld}
        wrong={change.isError && asProblem(change.error).code === 'wrongPassword'}
      />
      <NewPassword value={next} onChange={setNext} />
      <Field
        label={t('password.again')}
        type="password"
        autoComplete="new-password"
        value={again}
        onChange={setAgain}
        wrong={differs}
        help={differs ? t('password.differs') : undefined}
      />
      <div>
        <Button type="submit" isDisabled={!old || !next || next !== again || change.isPending}>
          {t('password.change')}
        </Button>
      </div>
    </Form>
  );
}
