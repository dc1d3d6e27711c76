import type { LivePart } from '../../api/generated/types.gen';
import { liveStore, useConnection, useElements, useTopic } from '../../api/live/use-live';
import { clock } from '../../lib/format';
import { Banner, StaleBanner } from '../../ui/states';
import { useAppTexts } from '../texts';

/** What of the console is not of now, since when, and why: across every page. */
export function MeshBanner() {
  const t = useAppTexts();
  const connection = useConnection();
  const parts = useElements<LivePart>(useTopic('parts'));
  if (connection.state === 'stale') {
    return (
      <div className="mesh-banner" role="status">
        <StaleBanner since={connection.since} retry={liveStore.retry}>
          {t('connection.lost')}
        </StaleBanner>
      </div>
    );
  }
  const wrong = [...parts].filter(([, part]) => part.state !== 'ok');
  if (wrong.length === 0) {
    return null;
  }
  return (
    <div className="mesh-banner" role="status">
      {wrong.map(([id, part]) => {
        const values = { ...part.params, part: t.maybe(`part.${id}`) ?? id, time: clock(part.since) };
        return (
          <Banner key={id} tone="degraded" lead={t.maybe(`part.${part.code}`, values) ?? t('part.away', values)}>
            {t.maybe(`part.${id}.${part.state}`)} {part.detail && <q className="said">{part.detail}</q>}
          </Banner>
        );
      })}
    </div>
  );
}
