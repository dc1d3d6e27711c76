import { isSeq, parseDocument } from 'yaml';
import type { Context } from './form';
import { keepLines } from './keep-lines';
import { node } from './yaml-edit';

/** The subsets that a rule names and no DestinationRule has yet, as a new or widened one. */
export function withSubsets(
  yaml: string | undefined,
  versions: readonly string[],
  context: Context,
): string | undefined {
  const missing = context.versions.filter((v) => v.subset === '' && versions.includes(v.version));
  if (missing.length === 0) {
    return undefined;
  }
  const subsets = missing.map((v) => ({ name: v.version, labels: { ...v.labels } }));
  if (yaml === undefined) {
    const doc = parseDocument(
      `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: ${context.name}\n  namespace: ${context.namespace}\nspec:\n  host: ${context.name}\n`,
    );
    doc.setIn(['spec', 'subsets'], node(doc, subsets));
    return String(doc);
  }
  const doc = parseDocument(yaml);
  if (!isSeq(doc.getIn(['spec', 'subsets']))) {
    doc.setIn(['spec', 'subsets'], node(doc, []));
  }
  for (const subset of subsets) {
    doc.addIn(['spec', 'subsets'], node(doc, subset));
  }
  return keepLines(yaml, doc);
}
