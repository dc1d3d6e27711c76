import { useQuery } from '@tanstack/react-query';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { useId, useState } from 'react';
import type {
  EnvoyDiffOutputBody,
  PreviewEntry,
  Previewed,
  PreviewGroup,
  PreviewResourceDiff,
} from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { request } from '../../api/request';
import { bytes, plain, rate } from '../../lib/format';
import { HealthGlyph } from '../../ui/glyph';
import { Failed, Loading } from '../../ui/states';
import { usePreviewTexts } from './texts';
import { typeName } from './type-name';
import './preview.css';

const sum = (list: readonly PreviewGroup[], of: (g: PreviewGroup) => number) => list.reduce((n, g) => n + of(g), 0);
const changes = (g: PreviewGroup) => g.resources.added + g.resources.changed + g.resources.removed;

/** "1 RDS" for what changes of a type; several types stand beside each other. */
const typeWords = (g: PreviewGroup) =>
  (g.types ?? []).map((x) => `${x.added + x.changed + x.removed} ${typeName(x.type)}`).join(' · ');

/** Who is told: first those with traffic on it, equal effects together, with what Envoy gets. */
export function Told({ preview, entries }: { preview: Previewed; entries: readonly PreviewEntry[] }) {
  const t = usePreviewTexts();
  const groups = preview.groups ?? [];
  const proxies = sum(groups, (g) => (g.proxies ?? []).length);
  const most = Math.max(0, ...groups.map(changes));
  const size = sum(groups, (g) => g.bytes * (g.proxies ?? []).length);
  // The answer of the server may leave it out: without metrics nobody knows.
  const requests = preview.requests as Previewed['requests'] | null;
  return (
    <section className="pv-s">
      <h3>
        {t('told')}{' '}
        <span className="dim num">
          {proxies === 0
            ? t('told.nobody')
            : `${t('told.proxies', { count: proxies })}${t('and')}${t('told.resources', { count: most })}${t('and')}${plain(bytes(size))}`}
        </span>
      </h3>
      {requests && requests.rps > 0 && (
        <p className="pv-note dim">{t('told.requests', { rate: plain(rate(requests.rps, t('rps'))) })}</p>
      )}
      {groups.map((group, i) => (
        <Group key={group.id} group={group} entries={entries} first={i === 0} />
      ))}
    </section>
  );
}

const shown = 5;

function Group({ group, entries, first }: { group: PreviewGroup; entries: readonly PreviewEntry[]; first: boolean }) {
  const t = usePreviewTexts();
  const id = useId();
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const proxies = group.proxies ?? [];
  const busy = proxies.filter((p) => p.rps > 0 || p.refusing);
  const listed = all ? proxies : (busy.length > 0 ? busy : proxies).slice(0, shown);
  const rest = proxies.length - listed.length;
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <div className="pv-g">
      <ul className="pv-px" aria-label={t('told.group', { count: proxies.length })}>
        {listed.map((p) => (
          <li key={p.uid}>
            {p.refusing ? (
              <HealthGlyph health="failing" size={12} label={t('told.rejected')} />
            ) : (
              <HealthGlyph health="healthy" size={12} label={t('told.inSync')} />
            )}
            <span className="mono cut" data-ellipsis title={p.id}>
              {p.id}
            </span>
            <span className={p.refusing ? 'k-failing' : 'dim num'}>
              {p.refusing
                ? t('told.lastRejected')
                : p.rps > 0
                  ? t('told.sends', { rate: plain(rate(p.rps, t('rps'))) })
                  : t('told.idle')}
            </span>
            <span className="pv-type num">{typeWords(group)}</span>
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <button type="button" className="pv-more" onClick={() => setAll(true)}>
          {t('told.more', { count: rest })}
        </button>
      )}
      <button
        type="button"
        className="pv-more"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen((is) => !is)}
      >
        <Chevron size={13} strokeWidth={1.7} aria-hidden />
        {first ? t('envoy') : t('envoy.group')}
      </button>
      <div id={id}>{open && <EnvoyDiff entries={entries} group={group.id} />}</div>
    </div>
  );
}

function EnvoyDiff({ entries, group }: { entries: readonly PreviewEntry[]; group: string }) {
  const t = usePreviewTexts();
  const { data, error, refetch } = useQuery({
    queryKey: ['preview', 'envoy', group, JSON.stringify(entries)],
    queryFn: ({ signal }) =>
      request<EnvoyDiffOutputBody>('/api/v1/preview/envoy', { method: 'POST', body: { entries, group }, signal }),
    gcTime: 0,
  });
  if (error) {
    return <Failed title={t('envoy.failed')} error={asProblem(error)} retry={() => void refetch()} />;
  }
  if (!data) {
    return <Loading lines={4} />;
  }
  return (
    <>
      {(data.resources ?? []).map((r) => (
        <ResourceDiff key={`${r.type} ${r.name}`} resource={r} />
      ))}
    </>
  );
}

/** Lines as the server compared them: a space, + or −, and heads of hunks. */
function ResourceDiff({ resource: r }: { resource: PreviewResourceDiff }) {
  const t = usePreviewTexts();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by keyboard
    // biome-ignore lint/a11y/useSemanticElements: no fieldset
    <div className="diff mono" role="group" aria-label={t('envoy.label', { name: r.name })} tabIndex={0}>
      <div className="d-skip">
        {typeName(r.type)} {r.name}
      </div>
      {r.diff
        .replace(/\n$/, '')
        .split('\n')
        .map((line, i) => {
          const kind = line[0] === '+' ? 'add' : line[0] === '-' ? 'del' : 'same';
          return line.startsWith('@@') ? (
            <div key={i} className="d-skip">
              ···
            </div>
          ) : (
            <div key={i} className={`d-${kind}`}>
              <span className="d-k">{kind === 'add' ? '+' : kind === 'del' ? '−' : ''}</span>
              <span>{line.slice(1) || ' '}</span>
            </div>
          );
        })}
      {r.cut && <div className="d-skip">{t('envoy.cut')}</div>}
    </div>
  );
}
