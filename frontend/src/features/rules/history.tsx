import { Button } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { objectHistoryOptions } from '../../api/generated/@tanstack/react-query.gen';
import type { HistoryRevision } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { changeAddress } from '../../lib/addresses';
import { instant } from '../../lib/format';
import { apiKind } from '../../lib/kinds';
import { useChangeWords } from '../../ui/change-words';
import { Diff } from '../../ui/diff';
import { Empty, Failed, Loading } from '../../ui/states';
import { useNow } from '../../ui/use-now';
import { useRulesTexts } from './texts';

interface HistoryProps {
  at: { kind: string; namespace: string; name: string };
  /** The etag of what is written: asks again when it changes. */
  etag: string;
  text: string;
  /** Puts an earlier text into the editor; absent for who may not write. */
  onRestore?: ((text: string) => void) | undefined;
}

/** The texts that an object had, and what brings one back. */
export function History({ at, etag, text, onRestore }: HistoryProps) {
  const t = useRulesTexts();
  const words = useChangeWords();
  const now = useNow();
  const options = objectHistoryOptions({ path: { ...at, kind: apiKind(at.kind) } });
  const history = useQuery({ ...options, queryKey: [...options.queryKey, etag] as never });
  const [chosen, setChosen] = useState<string>();
  if (history.isPending) {
    return <Loading lines={6} />;
  }
  if (history.isError) {
    return <Failed title={t('history.failed')} error={asProblem(history.error)} retry={() => void history.refetch()} />;
  }
  const items: HistoryRevision[] = history.data.items ?? [];
  const revision = items.find((r) => r.change === chosen) ?? items[0];
  if (!revision) {
    return <Empty title={t('history.none')}>{t('history.none.text')}</Empty>;
  }
  return (
    <div className="ru-h">
      <ul className="ru-h-l" aria-label={t('view.history')}>
        {items.map((r) => (
          <li key={r.change}>
            <button
              type="button"
              className={r === revision ? 'on' : ''}
              aria-pressed={r === revision}
              onClick={() => setChosen(r.change)}
            >
              <b className="num">{instant(r.at, now)}</b>
              <span>{t(`history.${r.op}`)}</span>
              <span className="dim">{words.who(r.actor, r.via)}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="ru-h-d">
        <p>
          <Link to={changeAddress(revision.change)}>{t('history.follow')}</Link>
        </p>
        {revision.text === null ? (
          <p className="dim">{t('history.noText')}</p>
        ) : (
          <>
            <p className="dim">{t('history.compare', { time: instant(revision.at, now) })}</p>
            <Diff
              before={text}
              after={revision.text}
              label={t('history.compare', { time: instant(revision.at, now) })}
            />
            {onRestore && revision.text !== text && (
              <Button variant="secondary" onClick={() => onRestore(revision.text ?? '')}>
                {t('history.restore')}
              </Button>
            )}
          </>
        )}
      </div>
    </div>
  );
}
