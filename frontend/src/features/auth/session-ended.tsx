import { Alert, Button, Form, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from '@patternfly/react-core';
import { type FormEvent, useState } from 'react';
import { signOut } from '../../api/session';
import { useEndedAt, useSession, useSessionStatus } from '../../api/session-store';
import { drafts } from '../../lib/drafts';
import { clock } from '../../lib/format';
import './session-ended.css';
import { useAuthTexts } from './texts';
import { useSignIn } from './use-sign-in';

/** Asks to sign in over the page, which stays as it is: what is being edited is not lost. */
export function SessionEnded() {
  const t = useAuthTexts();
  const status = useSessionStatus();
  const endedAt = useEndedAt();
  const name = useSession()?.user.name ?? '';
  const [password, setPassword] = useState('');
  const { attempt, busy, waiting, failure } = useSignIn();

  if (status !== 'ended') {
    return null;
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await attempt(name, password);
    setPassword('');
  };
  const texts = [...drafts().values()];
  return (
    <Modal isOpen variant="small" aria-labelledby="session-ended-title" aria-describedby="session-ended-text">
      <ModalHeader title={t('ended.title')} labelId="session-ended-title" />
      <ModalBody className="si-again">
        <Form id="session-ended" onSubmit={submit} noValidate>
          <p id="session-ended-text">{t('ended.text', { time: clock(endedAt ?? Date.now(), 'minute') })}</p>
          <div aria-live="assertive" className="si-said">
            {failure && (
              <Alert variant="danger" isInline isPlain component="p" variantLabel={t('errorLabel')} title={failure} />
            )}
          </div>
          <input type="text" autoComplete="username" value={name} readOnly hidden />
          <TextInput
            type="password"
            aria-label={t('ended.password', { name })}
            placeholder={t('ended.password', { name })}
            value={password}
            onChange={(_, v) => setPassword(v)}
            autoComplete="current-password"
            autoFocus
          />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button variant="primary" type="submit" form="session-ended" isDisabled={busy || waiting || !password}>
          {t('ended.submit')}
        </Button>
        {texts.length > 0 && (
          <Button variant="link" onClick={() => void navigator.clipboard.writeText(texts.join('\n---\n'))}>
            {t('ended.copy')}
          </Button>
        )}
        <Button variant="link" onClick={() => void signOut()}>
          {t('ended.other')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
