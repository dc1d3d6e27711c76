import { Button, Switch, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { count } from '../../lib/format';
import { FilterField } from '../../ui/filter-field';
import { Sheet } from '../../ui/page';
import { Failed, Loading } from '../../ui/states';
import { linesWith } from './model/log-lines';
import { useServicesTexts } from './texts';
import { useAddress } from './use-address';
import { useLog } from './use-log';

/** What the application or the proxy of a pod writes, as it is written. */
export function Logs({ namespace, pod, meshed }: { namespace: string; pod: string; meshed: boolean }) {
  const t = useServicesTexts();
  const [search, change] = useAddress();
  const container = meshed && search.container === 'proxy' ? 'proxy' : '';
  const [follow, setFollow] = useState(true);
  const [again, setAgain] = useState(0);
  const { log, state, problem } = useLog({ namespace, pod, container, follow, again });
  const wanted = search.log ?? '';
  const lines = useMemo(() => linesWith(log, wanted), [log, wanted]);
  const all = log.lines.length;
  const readAgain = () => setAgain((n) => n + 1);
  return (
    <Sheet
      title={t('pods.logs.of', { pod })}
      facts={
        wanted === ''
          ? t('logs.lines', { count: all })
          : t('logs.some', { shown: count(lines.length), count: count(all) })
      }
    >
      <div className="sv-bar sv-logbar">
        {meshed && (
          <ToggleGroup aria-label={t('logs.container')} isCompact>
            <ToggleGroupItem
              text={t('logs.app')}
              isSelected={container === ''}
              onChange={() => change({ container: '' })}
            />
            <ToggleGroupItem
              text={t('logs.proxy')}
              isSelected={container === 'proxy'}
              onChange={() => change({ container: 'proxy' })}
            />
          </ToggleGroup>
        )}
        <FilterField label={t('logs.filter')} value={wanted} onChange={(text) => change({ log: text })} />
        <span className="fill" />
        {state === 'ended' && !problem && (
          <>
            <span className="dim">{t('logs.ended')}</span>
            <Button variant="secondary" size="sm" onClick={readAgain}>
              {t('logs.again')}
            </Button>
          </>
        )}
        <Switch id="sv-follow" label={t('logs.follow')} isChecked={follow} onChange={(_, on) => setFollow(on)} />
      </div>
      {problem && all === 0 ? (
        <Failed title={t('logs.failed')} error={problem} retry={readAgain} />
      ) : state === 'reading' && all === 0 && !follow ? (
        <Loading />
      ) : lines.length === 0 ? (
        <p className="sv-none">{all === 0 ? t('logs.none') : t('logs.nothing', { text: wanted })}</p>
      ) : (
        <Tail label={t('pods.logs.of', { pod })} lines={lines} />
      )}
    </Sheet>
  );
}

/** How near to the end counts as being there. */
const near = 40;

/** The lines; whoever reads at the end stays at the end. */
function Tail({ label, lines }: { label: string; lines: ReturnType<typeof linesWith> }) {
  const box = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines move the end
  useEffect(() => {
    if (box.current && atEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [lines]);
  return (
    <section
      ref={box}
      className="sv-log"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: e }) => {
        atEnd.current = e.scrollHeight - e.scrollTop - e.clientHeight < near;
      }}
    >
      {lines.map((line) => (
        <div key={line.number}>{line.text || '\u00a0'}</div>
      ))}
    </section>
  );
}
