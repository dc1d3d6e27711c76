import { duration, plain, rate, share } from '../../lib/format';
import { useGraphText } from './graph-store';
import type { Finding } from './model/find';
import { closest, findable } from './model/find-answer';
import { useTopologyTexts } from './texts';

/** What stands below the find field: what is wrong with the condition, or how much was found of what is there. */
export function useFindAnswer(
  find: string | undefined,
  finding: Finding,
  count: number | undefined,
  there: ReadonlySet<string>,
): { text: string; wrong: boolean } | undefined {
  const t = useTopologyTexts();
  const nothing = count === 0;
  const nearest = useGraphText((store) => {
    const best = nothing
      ? closest(
          store.nodes().filter((n) => there.has(n.id)),
          finding,
        )
      : undefined;
    if (!best) {
      return '';
    }
    const { rate: rps, errorShare, p95 } = findable(best.node);
    const most = {
      rate: plain(rate(rps, t('col.rps'))),
      error: plain(share(errorShare)),
      p95: plain(duration(p95 ?? 0)),
    };
    return t(`find.none.${best.field}`, { find: find ?? '', most: most[best.field], name: best.node.name });
  });
  if (!find) {
    return undefined;
  }
  if (finding.problem) {
    return { text: t(`find.${finding.problem.code}`, { text: finding.problem.text }), wrong: true };
  }
  if (nothing) {
    return { text: nearest || t('find.none', { find }), wrong: true };
  }
  return { text: t('find.some', { count: count ?? 0 }), wrong: false };
}
