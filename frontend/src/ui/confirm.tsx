import { Button, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from '@patternfly/react-core';
import { type ReactNode, useId, useState } from 'react';
import { useUiTexts } from './texts';

interface ConfirmProps {
  title: string;
  /** What will happen, with its consequences. */
  children: ReactNode;
  /** The verb on the button: "Delete". */
  action: string;
  danger?: boolean;
  /** A name that must be typed first, where traffic flows. */
  typed?: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before what cannot be taken back by itself. */
export function Confirm({ title, children, action, danger = false, typed, onConfirm, onClose }: ConfirmProps) {
  const t = useUiTexts();
  const id = useId();
  const [text, setText] = useState('');
  const allowed = typed === undefined || text === typed;
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby={`${id}-title`} aria-describedby={`${id}-body`}>
      <ModalHeader title={title} labelId={`${id}-title`} />
      <ModalBody id={`${id}-body`}>
        {children}
        {typed !== undefined && (
          <FormGroup label={t('confirm.type', { name: typed })} fieldId={`${id}-name`} className="confirm-name">
            <TextInput id={`${id}-name`} value={text} onChange={(_, v) => setText(v)} autoComplete="off" autoFocus />
          </FormGroup>
        )}
      </ModalBody>
      <ModalFooter>
        <Button variant={danger ? 'danger' : 'primary'} isDisabled={!allowed} onClick={onConfirm}>
          {action}
        </Button>
        <Button variant="link" onClick={onClose}>
          {t('cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
