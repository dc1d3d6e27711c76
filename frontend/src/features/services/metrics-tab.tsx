import { Switch, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { useMemo } from 'react';
import { byteRate, duration, rate, share } from '../../lib/format';
import { oneOf } from '../../lib/search';
import { useMarks } from '../../parts/marks/use-marks';
import { useUiTexts } from '../../ui/texts';
import type { Detail } from './detail';
import { Lines, useSubjectSeries } from './lines';
import { errorLines, type Line, linesOf, type Range } from './model/lines';
import { useServicesTexts } from './texts';
import { useAddress } from './use-address';

const ranges: readonly [Range, ...Range[]] = ['1h', '15m', '6h', '24h'];
const inOrder: readonly Range[] = ['15m', '1h', '6h', '24h'];
const percent = (v: number) => share(v / 100);

/** Requests, errors, latencies and bytes over time; versions side by side on wish. */
export function MetricsTab({ subject, node }: Detail) {
  const t = useServicesTexts();
  const ui = useUiTexts();
  const perSecond = (v: number) => rate(v, ui('unit.rps'));
  const [search, change] = useAddress();
  const range = oneOf(ranges, search.range);
  const several = subject.kind === 'service' && (node.versions?.length ?? 0) > 1;
  const compare = several && search.compare === 'versions';
  const outbound = subject.kind === 'workload' && search.direction === 'outbound';
  const series = useSubjectSeries(subject, range, compare, outbound ? 'outbound' : 'inbound');
  const marks = useMarks(node);
  const lines = useMemo(() => {
    const answer = series.data;
    if (!answer) {
      return null;
    }
    // Several figures of one kind share a chart, unless versions do.
    const named = (name: 'p50' | 'p95' | 'p99' | 'sent' | 'received', label: string): Line[] =>
      linesOf(answer, name).map((line) => ({ ...line, label }));
    return {
      requests: linesOf(answer, 'requests'),
      errors: errorLines(answer),
      p50: linesOf(answer, 'p50'),
      p95: linesOf(answer, 'p95'),
      p99: linesOf(answer, 'p99'),
      latency: [...named('p50', 'p50'), ...named('p95', 'p95'), ...named('p99', 'p99')],
      bytes: [...named('sent', t('metrics.sent')), ...named('received', t('metrics.received'))],
      connections: linesOf(answer, 'connections'),
    };
  }, [series.data, t]);
  const common = { query: series, marks, range };
  const latencies = compare ? (['p50', 'p95', 'p99'] as const) : [];
  return (
    <>
      <div className="sv-bar">
        <ToggleGroup aria-label={t('metrics.range')} isCompact>
          {inOrder.map((r) => (
            <ToggleGroupItem
              key={r}
              text={t(`metrics.range.${r}`)}
              isSelected={r === range}
              onChange={() => change({ range: r === '1h' ? '' : r })}
            />
          ))}
        </ToggleGroup>
        {subject.kind === 'workload' && (
          <ToggleGroup aria-label={t('metrics.direction')} isCompact>
            <ToggleGroupItem
              text={t('metrics.inbound')}
              isSelected={!outbound}
              onChange={() => change({ direction: '' })}
            />
            <ToggleGroupItem
              text={t('metrics.outbound')}
              isSelected={outbound}
              onChange={() => change({ direction: 'outbound' })}
            />
          </ToggleGroup>
        )}
        {several && (
          <Switch
            id="sv-compare"
            label={t('metrics.compare')}
            isChecked={compare}
            onChange={(_, on) => change({ compare: on ? 'versions' : '' })}
          />
        )}
      </div>
      <div className="sv-two">
        <Lines
          title={t('metrics.requests')}
          unit={ui('unit.rps')}
          lines={lines?.requests ?? []}
          figure={perSecond}
          {...common}
        />
        <Lines
          title={t('metrics.errors')}
          unit="%"
          lines={lines?.errors ?? []}
          figure={percent}
          atLeast={1}
          {...common}
        />
        {!compare && (
          <Lines title={t('metrics.latency')} unit="ms" lines={lines?.latency ?? []} figure={duration} {...common} />
        )}
        {latencies.map((name) => (
          <Lines
            key={name}
            title={t(`metrics.${name}`)}
            unit="ms"
            lines={lines?.[name] ?? []}
            figure={duration}
            {...common}
          />
        ))}
        {(lines?.bytes.length ?? 0) > 0 && !compare && (
          <Lines title={t('metrics.bytes')} unit="B/s" lines={lines?.bytes ?? []} figure={byteRate} {...common} />
        )}
        {(lines?.connections.length ?? 0) > 0 && !compare && (
          <Lines
            title={t('metrics.connections')}
            unit="1/s"
            lines={lines?.connections ?? []}
            figure={(v) => rate(v, '1/s')}
            {...common}
          />
        )}
      </div>
    </>
  );
}
