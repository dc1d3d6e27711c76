import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { type ReactNode, useId } from 'react';
import type { Problem } from '../../api/problem';
import { useProblemWords } from '../../ui/problem-words';
import { Banner } from '../../ui/states';
import { useSettingsTexts } from './texts';

interface DialogProps {
  readonly title: string;
  /** The verb on the button. */
  readonly action: string;
  readonly ready: boolean;
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A short form over the page; what the server refuses is said in it. */
export function Dialog({ title, action, ready, busy, problem, onSubmit, onClose, children }: DialogProps) {
  const t = useSettingsTexts();
  const id = useId();
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby={`${id}-title`}>
      <ModalHeader title={title} labelId={`${id}-title`} />
      <ModalBody>
        <Form
          id={`${id}-form`}
          onSubmit={(event) => {
            event.preventDefault();
            if (ready && !busy) {
              onSubmit();
            }
          }}
        >
          {problem && <Refused problem={problem} />}
          {children}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form={`${id}-form`} variant="primary" isDisabled={!ready || busy}>
          {action}
        </Button>
        <Button variant="link" onClick={onClose}>
          {t('cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** Why something was not done. */
export function Refused({ problem }: { problem: Problem }) {
  const words = useProblemWords();
  return (
    <div role="alert">
      <Banner tone="failing">
        {words(problem)}
        {problem.fields.map((field) => (
          <span key={field.location + field.message}> {field.message}</span>
        ))}
      </Banner>
    </div>
  );
}
