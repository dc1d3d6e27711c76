import { useMutation, useQuery } from '@tanstack/react-query';
import type { ChangeOutputBody, HistoryChange, PreviewEntry, Previewed, Ref } from '../../api/generated/types.gen';
import { asProblem } from '../../api/problem';
import { request } from '../../api/request';
import { plain, rate } from '../../lib/format';
import { fullName, placeName } from '../../lib/kinds';
import { applyCommand } from '../../parts/preview/command';
import { Confirm } from '../../ui/confirm';
import { CopyButton } from '../../ui/copy-button';
import { FindingText } from '../../ui/finding-text';
import { SeverityGlyph } from '../../ui/glyph';
import { useProblemWords } from '../../ui/problem-words';
import { Banner, Failed, Loading } from '../../ui/states';
import { useRulesTexts } from './texts';

interface DeleteRuleProps {
  target: Ref;
  etag: string;
  onDeleted: (change: HistoryChange | undefined) => void;
  onClose: () => void;
}

/** Asks before an object is deleted: who needs it, and how many requests it concerns. */
export function DeleteRule({ target, etag, onDeleted, onClose }: DeleteRuleProps) {
  const t = useRulesTexts();
  const words = useProblemWords();
  const entries: PreviewEntry[] = [{ ref: target, etag, delete: true }];
  const preview = useQuery({
    queryKey: ['preview of deletion', target, etag],
    queryFn: ({ signal }) => request<Previewed>('/api/v1/preview', { method: 'POST', body: { entries }, signal }),
    staleTime: 0,
    gcTime: 0,
  });
  const removal = useMutation({
    mutationFn: (force: boolean) =>
      request<ChangeOutputBody>('/api/v1/changes', { method: 'PUT', body: { entries, ...(force ? { force } : {}) } }),
    onSuccess: (answer) => onDeleted(answer.change),
  });
  const effect = preview.data;
  const rps = effect?.requests?.rps ?? 0;
  // Where the figures cannot be read, traffic is taken for granted.
  const flows = effect !== undefined && (rps > 0 || !effect.requests);
  const added = effect?.findings.added ?? [];
  const proxies = (effect?.groups ?? []).reduce((n, g) => n + (g.proxies?.length ?? 0), 0);
  const breaks = effect?.blocked === true;
  return (
    <Confirm
      title={t('delete.title', { name: fullName(target) })}
      action={t(breaks ? 'delete.anyway' : 'delete.action')}
      danger
      {...(flows || breaks || !effect ? { typed: target.name } : {})}
      onConfirm={() => effect && !removal.isPending && removal.mutate(breaks)}
      onClose={onClose}
    >
      {preview.isPending && <Loading lines={3} />}
      {preview.isError && (
        <Failed title={t('delete.failed')} error={asProblem(preview.error)} retry={() => void preview.refetch()} />
      )}
      {effect && (
        <div className="ru-del">
          <p>
            {effect.requests
              ? t('delete.requests', { rate: plain(rate(rps)), name: placeName(target) })
              : t('delete.requestsUnknown')}
          </p>
          <p>{proxies > 0 ? t('delete.proxies', { count: proxies }) : t('delete.noProxies')}</p>
          {added.length > 0 && (
            <>
              <h3>{t('delete.refers', { count: added.length })}</h3>
              <ul>
                {added.map((f, i) => (
                  <li key={`${f.code} ${i}`}>
                    <SeverityGlyph severity={f.severity === 'error' ? 'error' : 'warning'} size={13} />
                    <span>
                      <b>{fullName(f.ref)}</b> <FindingText finding={f} />
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )}
          <p className="dim">{t('delete.undo')}</p>
          <p>
            <CopyButton text={applyCommand(effect.written ?? [])}>{t('delete.copy')}</CopyButton>
          </p>
        </div>
      )}
      {removal.isError && (
        <div role="alert">
          <Banner tone="failing" lead={t('delete.notDone')}>
            {words(asProblem(removal.error))}
          </Banner>
        </div>
      )}
    </Confirm>
  );
}
