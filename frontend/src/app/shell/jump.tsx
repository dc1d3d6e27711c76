import { Modal, ModalBody, ModalHeader } from '@patternfly/react-core';
import { Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useAppTexts } from '../texts';

const JumpList = lazy(() => import('./jump-list').then((m) => ({ default: m.JumpList })));

/** The field in the masthead, and the palette that it or Ctrl-K opens. */
export function Jump() {
  const t = useAppTexts();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setOpen((now) => !now);
      }
    };
    addEventListener('keydown', key);
    return () => removeEventListener('keydown', key);
  }, []);
  return (
    <>
      <button
        type="button"
        className="jump"
        onClick={() => setOpen(true)}
        aria-label={t('jump')}
        aria-keyshortcuts="Control+K Meta+K"
      >
        <Search size={13} strokeWidth={1.8} aria-hidden />
        <span>{t('jump')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      {open && (
        <Modal
          isOpen
          variant="small"
          position="top"
          onClose={() => setOpen(false)}
          aria-labelledby="jump-title"
          className="jump-box"
        >
          <ModalHeader title={t('jump.title')} labelId="jump-title" />
          <ModalBody>
            <Suspense fallback={null}>
              <JumpList close={() => setOpen(false)} />
            </Suspense>
          </ModalBody>
        </Modal>
      )}
    </>
  );
}
