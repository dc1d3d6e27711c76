import { Button } from '@patternfly/react-core';
import type { CanaryCandidate, LiveObject } from '../../api/generated/types.gen';
import { objectId } from '../../api/live/object-id';
import { useElement, useTopic } from '../../api/live/use-live';
import { clock } from '../../lib/format';
import { Banner } from '../../ui/states';
import type { Shares } from './split-math';
import { useCanaryTexts } from './texts';

interface ConflictProps {
  candidate: CanaryCandidate;
  opened: Shares;
  theirs: Shares;
  mine: Shares;
  versions: readonly string[];
  /** Undefined once it is merged by hand: the three values stay beside what is made of them. */
  onTheirs?: (() => void) | undefined;
  onMerge?: (() => void) | undefined;
}

/** The object changed underneath: three values, and which of them to go on from. */
export function Conflict({ candidate, opened, theirs, mine, versions, onTheirs, onMerge }: ConflictProps) {
  const t = useCanaryTexts();
  const object = useElement<LiveObject>(useTopic('objects'), candidate.ref ? objectId(candidate.ref) : '');
  // What is told of another version of the object is of somebody else's change.
  const by = object?.etag === candidate.etag ? object?.changed : undefined;
  const who = by?.actor && by.actor !== 'file' ? by.actor : undefined;
  const values: readonly [string, Shares][] = [
    [t('conflict.opened'), opened],
    [
      by ? t('conflict.at', { who: who ?? t('conflict.file'), time: clock(by.at, 'minute') }) : t('conflict.theirs'),
      theirs,
    ],
    [t('conflict.mine'), mine],
  ];
  return (
    <div className="cn-conflict">
      {onMerge ? (
        <Banner
          tone="failing"
          lead={
            who ? t('conflict.by', { who }) : by?.actor === 'file' ? t('conflict.byFile') : t('conflict.bySomebody')
          }
        >
          {t('conflict.text')}
        </Banner>
      ) : (
        <p className="dim">{t('conflict.merging')}</p>
      )}
      <div className="three">
        {values.map(([label, shares]) => (
          <div key={label}>
            {label}
            <b>{shares.join(' / ')}</b>
          </div>
        ))}
      </div>
      <p className="dim">{versions.join(' / ')}</p>
      {onMerge && (
        <div className="ph-act">
          <Button variant="primary" size="sm" onClick={onTheirs}>
            {who ? t('conflict.start', { who }) : t('conflict.startTheirs')}
          </Button>
          <Button variant="secondary" size="sm" onClick={onMerge}>
            {t('conflict.merge')}
          </Button>
        </div>
      )}
    </div>
  );
}
