import { FormSelect, FormSelectOption, Switch } from '@patternfly/react-core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { tracesOptions } from '../../api/generated/@tanstack/react-query.gen';
import { asProblem } from '../../api/problem';
import { traceAddress } from '../../lib/addresses';
import { clock, duration, plain } from '../../lib/format';
import { Figure } from '../../ui/figure';
import { HealthGlyph } from '../../ui/glyph';
import { Sheet } from '../../ui/page';
import { Failed, Loading } from '../../ui/states';
import type { Detail } from './detail';
import { tracedAs } from './model/traced';
import { useServicesTexts } from './texts';
import { useAddress } from './use-address';

const durations = [100, 500, 1000, 5000] as const;

/** The newest traces that it took part in. */
export function TracesTab({ subject, pods }: Detail) {
  const t = useServicesTexts();
  const [search, change] = useAddress();
  const services = tracedAs(subject, pods ?? []);
  const slow = durations.find((d) => String(d) === search.slow);
  const traces = useQuery({
    ...tracesOptions({
      query: {
        service: services,
        limit: 30,
        brief: true,
        ...(search.errors === 'only' ? { error: true } : {}),
        ...(slow ? { minDuration: `${slow}ms` } : {}),
      },
    }),
    enabled: pods !== undefined,
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
  return (
    <Sheet
      title={t('traces')}
      end={
        <Link to={'/traces' as string} search={{ service: services.join(',') } as never}>
          {t('traces.all')}
        </Link>
      }
    >
      <div className="sv-bar sv-logbar">
        <Switch
          id="sv-errors"
          label={t('traces.errors')}
          isChecked={search.errors === 'only'}
          onChange={(_, on) => change({ errors: on ? 'only' : '' })}
        />
        <span className="sv-fact">
          {t('traces.slow')}
          <FormSelect
            aria-label={t('traces.slow')}
            value={search.slow ?? ''}
            onChange={(_, value) => change({ slow: value })}
          >
            <FormSelectOption value="" label={t('traces.any')} />
            {durations.map((d) => (
              <FormSelectOption key={d} value={String(d)} label={plain(duration(d))} />
            ))}
          </FormSelect>
        </span>
      </div>
      {traces.isPending && <Loading />}
      {traces.isError && (
        <Failed title={t('traces.failed')} error={asProblem(traces.error)} retry={() => void traces.refetch()} />
      )}
      {traces.isSuccess &&
        ((traces.data ?? []).length === 0 ? (
          <p className="sv-none">{t('traces.none')}</p>
        ) : (
          <div className="sv-wrap">
            <table className="vt pad num sv-left">
              <thead>
                <tr>
                  <th scope="col">{t('traces.start')}</th>
                  <th scope="col">{t('traces.operation')}</th>
                  <th scope="col" className="is-n">
                    {t('traces.duration')}
                  </th>
                  <th scope="col" className="is-n">
                    {t('traces.spans')}
                  </th>
                  <th scope="col" className="is-n">
                    {t('traces.errorCount')}
                  </th>
                </tr>
              </thead>
              <tbody>
                {(traces.data ?? []).map((trace) => (
                  <tr key={trace.id}>
                    <th scope="row">
                      <Link to={traceAddress(trace.id)}>{clock(trace.start, 'millisecond')}</Link>
                    </th>
                    <td className="sv-value">{trace.spans?.[0]?.operation}</td>
                    <td className="is-n">
                      <Figure of={duration(trace.durationNanos / 1e6)} />
                    </td>
                    <td className="is-n">{trace.spanCount}</td>
                    <td className={`is-n ${trace.errors > 0 ? 'k-failing' : 'dim'}`}>
                      {trace.errors > 0 && <HealthGlyph health="failing" size={12} label="" />} {trace.errors}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ))}
    </Sheet>
  );
}
