import { type Document, isMap, isSeq, type Node, visit } from 'yaml';

/** A field of a document, from its root. */
export type At = readonly (string | number)[];

/** What other readers of YAML take for a truth value, a number or nothing, where we mean a text. */
const ambiguous = /^(y|yes|n|no|on|off|true|false|null|~)$|^[-+]?[\d_.:]+(e[-+]?\d+)?$/i;

/** A node for a value, with quotes wherever a reader might not see a text. */
export function node(doc: Document, value: unknown): Node {
  const made = doc.createNode(value);
  visit(made, {
    Scalar(key, scalar) {
      if (key !== 'key' && typeof scalar.value === 'string' && ambiguous.test(scalar.value)) {
        scalar.type = 'QUOTE_DOUBLE';
      }
    },
  });
  return made;
}

/** The value of a field, without how it is written. */
export function plain(doc: Document, at: At): unknown {
  const found = doc.getIn(at);
  return isMap(found) || isSeq(found) ? found.toJS(doc) : found;
}

/** Sets a field, or takes it away; a value that is there already keeps its looks. */
export function put(doc: Document, at: At, value: unknown): void {
  if (value === undefined) {
    if (doc.hasIn(at)) {
      doc.deleteIn(at);
    }
    return;
  }
  if (doc.hasIn(at) && JSON.stringify(plain(doc, at)) === JSON.stringify(value)) {
    return;
  }
  doc.setIn(at, node(doc, value));
}

/** Sets a field to a text or number that was typed; what reads the same already stays as it is. */
export function putTyped(doc: Document, at: At, typed: string, value: unknown = typed): void {
  const now = plain(doc, at);
  if ((typeof now === 'string' || typeof now === 'number') && String(now) === typed) {
    return;
  }
  put(doc, at, typed === '' ? undefined : value);
}

/** Takes a map or list away once nothing is left in it. */
export function tidy(doc: Document, at: At): void {
  const found = doc.getIn(at);
  if ((isMap(found) || isSeq(found)) && found.items.length === 0) {
    doc.deleteIn(at);
  }
}
