import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// A loaded machine is slow, not wrong.
configure({ asyncUtilTimeout: 20_000 });

// A browser tells of a selection that changed, once, in a task of its own. Here each call that sets
// one would tell of it at once, in the middle of an editor's work.
const dispatch = document.dispatchEvent.bind(document);
let told: readonly unknown[] = [];
let telling = false;
document.dispatchEvent = (event) => {
  if (event.type !== 'selectionchange') {
    return dispatch(event);
  }
  if (!telling) {
    telling = true;
    setTimeout(() => {
      telling = false;
      const now = document.getSelection();
      const place = [now?.anchorNode, now?.anchorOffset, now?.focusNode, now?.focusOffset];
      if (place.some((part, i) => part !== told[i])) {
        told = place;
        dispatch(event);
      }
    });
  }
  return true;
};

afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});
