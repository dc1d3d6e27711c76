import type { GraphLiveEdge } from '../../../api/generated/types.gen';
import { plain, share } from '../../../lib/format';
import { useHealthWords } from '../../../ui/health-words';
import { answersOf } from '../model/answers';
import { useTopologyTexts } from '../texts';

/** How requests end: a bar, and a list with Envoy's flags in words. */
export function Answers({ edges, peer }: { edges: readonly GraphLiveEdge[]; peer: string }) {
  const t = useTopologyTexts();
  const words = useHealthWords();
  const answers = answersOf(edges);
  if (answers.length === 0) {
    return null;
  }
  return (
    <>
      <h3>{t('answers')}</h3>
      <div className="codes" aria-hidden="true">
        {answers.map((a) => (
          <i
            key={`${a.code} ${a.flags}`}
            className={a.wrong ? 'bad' : ''}
            style={{ flexGrow: Math.max(a.share, 0.02) }}
          />
        ))}
      </div>
      <ul className="tp-answers num">
        {answers.map((a) => (
          <li key={`${a.code} ${a.flags}`}>
            <b className={a.wrong ? 'k-failing' : ''}>{a.code || t('answer.none')}</b>
            <span>{plain(share(a.share))}</span>
            <span className="dim">{words.flags(a.flags, peer)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
