import { parseDocument } from 'yaml';

/**
 * What a text of YAML holds; undefined where it cannot be read. A name that stands for nothing, or
 * for ever more of itself, shows only when it is followed, and must not end the page.
 */
export function content(yaml: string): unknown {
  const doc = parseDocument(yaml);
  if (doc.errors.length > 0) {
    return undefined;
  }
  try {
    return doc.toJS();
  } catch {
    return undefined;
  }
}
