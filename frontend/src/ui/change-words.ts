import { useUiTexts } from './texts';

/** What a change set says of itself: a code, and what to put into the sentence. */
export interface ChangeSummary {
  readonly code: 'created' | 'changed' | 'deleted' | 'weights' | 'several';
  readonly params: Readonly<Record<string, string>>;
}

export interface ChangeWords {
  /** "VirtualService reviews: v3 0 → 20 %, v1 90 → 70 %". */
  summary(summary: ChangeSummary): string;
  /** "lena, console". */
  who(actor: string, via: string): string;
  /** "command line": where changes are made from. */
  via(via: string): string;
}

/** The versions whose share changed, those that got more first: "v3 0 → 20 %". */
export function moved(params: Readonly<Record<string, string>>): { label: string; from: number; to: number }[] {
  const numbers = (text: string | undefined) => (text ?? '').split('/').map(Number);
  const [from, to] = [numbers(params.from), numbers(params.to)];
  return (params.labels ?? '')
    .split('/')
    .map((label, i) => ({ label, from: from[i] ?? 0, to: to[i] ?? 0 }))
    .filter((m) => m.from !== m.to)
    .sort((a, b) => b.to - b.from - (a.to - a.from));
}

type Texts = ReturnType<typeof useUiTexts>;

export function changeWords(t: Texts): ChangeWords {
  const what = ({ code, params }: ChangeSummary): string => {
    const { kind = '', name = '' } = params;
    if (code === 'several') {
      const counts = (['created', 'changed', 'deleted'] as const)
        .map((op) => ({ op, count: Number(params[op] ?? 0) }))
        .filter((c) => c.count > 0);
      return counts.map(({ op, count }) => t(`change.several.${op}`, { count })).join(t('change.and'));
    }
    if (code === 'weights') {
      const all = moved(params).map((m) => t('change.moved', { version: m.label, from: m.from, to: m.to }));
      return t('change.weights', { kind, name, moved: all.join(t('change.and')) });
    }
    return t(`change.${code}`, { kind, name });
  };
  const via = (from: string) => t.maybe(`via.${from}`) ?? from;
  return {
    via,
    summary: (s) => (s.params.undoes ? t('change.undo', { what: what(s) }) : what(s)),
    who: (actor, from) => t('change.who', { actor, via: via(from) }),
  };
}

/** The words of changes in the page's language, which the component follows. */
export const useChangeWords = (): ChangeWords => changeWords(useUiTexts());
