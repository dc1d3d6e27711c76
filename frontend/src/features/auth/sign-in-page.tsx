import { Alert, Button, Form, FormGroup, TextInput } from '@patternfly/react-core';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { Logo } from '../../ui/logo';
import { Shed } from './shed';
import './sign-in.css';
import { useAuthTexts } from './texts';
import { useSignIn } from './use-sign-in';

/** The page for who is not signed in. `choices` are theme and language, which the app owns. */
export function SignInPage({ choices }: { choices: ReactNode }) {
  const t = useAuthTexts();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { attempt, busy, waiting, failure } = useSignIn();
  const passwordField = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!(await attempt(name.trim(), password))) {
      setPassword('');
      passwordField.current?.focus();
    }
  };
  const invalid = failure && !waiting ? 'error' : 'default';
  return (
    <div className="si">
      <aside className="si-art" aria-label="Heddle">
        <Shed />
        <div className="si-brand">
          <Logo size={30} />
          Heddle
        </div>
        <p className="si-say">
          {t('say')}
          <span>{t('sayMore')}</span>
        </p>
      </aside>
      <main className="si-form" id="main">
        <div className="si-top">{choices}</div>
        <div className="si-mid">
          <h1>{t('title')}</h1>
          <p>{t.rich('to', { host: <span className="mono">{location.host}</span> })}</p>
          <Form onSubmit={submit} noValidate>
            <div aria-live="assertive" className="si-said">
              {failure && (
                <Alert variant="danger" isInline isPlain component="p" variantLabel={t('errorLabel')} title={failure} />
              )}
            </div>
            <FormGroup label={t('name')} fieldId="sign-in-name">
              <TextInput
                id="sign-in-name"
                value={name}
                onChange={(_, v) => setName(v)}
                autoComplete="username"
                autoCapitalize="none"
                autoFocus
                isRequired
              />
            </FormGroup>
            <FormGroup label={t('password')} fieldId="sign-in-password">
              <TextInput
                id="sign-in-password"
                ref={passwordField}
                type="password"
                value={password}
                onChange={(_, v) => setPassword(v)}
                autoComplete="current-password"
                validated={invalid}
                isRequired
              />
            </FormGroup>
            <Button variant="primary" type="submit" isBlock isDisabled={busy || waiting}>
              {t('submit')}
            </Button>
          </Form>
        </div>
        <div className="si-foot">
          <span>{t.rich('firstStart', { command: <span className="mono">heddle up</span> })}</span>
        </div>
      </main>
    </div>
  );
}
