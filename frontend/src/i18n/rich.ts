import { createElement, Fragment, type ReactNode } from 'react';

/**
 * Puts elements in the places that a text names with {{name}}, so that a sentence stays one
 * entry of the catalogue in every language. A name without an element stays as it is.
 */
export function rich(text: string, parts: Record<string, ReactNode>): ReactNode {
  const pieces = text.split(/\{\{\s*(\w+)\s*\}\}/);
  return createElement(
    Fragment,
    null,
    ...pieces.map((piece, i) => (i % 2 === 1 ? (piece in parts ? parts[piece] : `{{${piece}}}`) : piece)),
  );
}
