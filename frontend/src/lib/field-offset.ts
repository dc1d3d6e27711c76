import { isMap, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';

type Step = string | number;

/** The steps of a field's path as findings write it: `spec.http[0].headers["x.y"]`. */
export function pathSteps(path: string): Step[] {
  const steps: Step[] = [];
  for (const [, name, index, quoted] of path.matchAll(/([\w-]+)(?=[.[]|$)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    steps.push(name ?? (index === undefined ? String(JSON.parse(quoted ?? '""')) : Number(index)));
  }
  return steps;
}

/**
 * Where a field stands in the text of an object: the beginning of its name, or of the item of a
 * list. A field that is not written leads to the nearest one around it.
 */
export function fieldOffset(text: string, path: string): number | undefined {
  let node: unknown = parseAllDocuments(text)[0]?.contents;
  let found: number | undefined;
  for (const step of pathSteps(path)) {
    if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      found = start(node) ?? found;
    } else if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
      node = pair?.value;
      found = start(pair?.key) ?? found;
    } else {
      break;
    }
  }
  return found;
}

function start(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | undefined)?.range;
  return range?.[0];
}
