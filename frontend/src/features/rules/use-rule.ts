import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { objectOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { LiveObject } from '../../api/generated/types.gen';
import { useElements, useTopic, useTopicStatus } from '../../api/live/use-live';
import { asProblem } from '../../api/problem';
import { useDraft } from '../../lib/drafts';
import { apiKind, isNamed } from '../../lib/kinds';

export interface RuleAt {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One object: what is written, what the person made of it, and what it does. */
export function useRule(at: RuleAt) {
  const objects = useTopic('objects');
  const ready = useTopicStatus(objects).state === 'ready';
  const live = [...useElements<LiveObject>(objects).values()].find((o) => isNamed(o.ref, at));
  const query = useQuery({ ...objectOptions({ path: { ...at, kind: apiKind(at.kind) } }), staleTime: 0 });
  const saved = query.data;
  const { refetch } = query;

  // The live socket is faster than any polling: another version there is a reason to read again.
  const told = ready ? (live?.etag ?? 'gone') : undefined;
  useEffect(() => {
    if (told && saved && told !== saved.etag) {
      void refetch();
    }
  }, [told, saved, refetch]);

  const name = `rule ${at.kind}/${at.namespace}/${at.name}`;
  const [text, setText, forgetText] = useDraft(name, saved?.yaml ?? '');
  // The version that the text was made from: a conflict is told by it, also after a reload.
  const [base, setBase, forgetBase] = useDraft(`base of ${name}`, saved?.etag ?? '');
  const edited = saved !== undefined && text !== saved.yaml;

  return {
    query,
    saved,
    live,
    /** It was there, and is not any more. */
    gone: saved !== undefined && query.error !== null && asProblem(query.error).status === 404,
    text,
    edited,
    /** The version to expect when it is written. */
    etag: edited ? base : (saved?.etag ?? ''),
    /** Somebody changed it after this text was begun. */
    overtaken: edited && saved !== undefined && base !== saved.etag,
    edit: (next: string) => {
      if (saved && !edited) {
        setBase(saved.etag);
      }
      setText(next);
      if (next === saved?.yaml) {
        forgetText();
        forgetBase();
      }
    },
    /** Takes a merge: the text, on top of a version. */
    rebase: (next: string, etag: string) => {
      setBase(etag);
      setText(next);
    },
    revert: () => {
      forgetText();
      forgetBase();
    },
  };
}
