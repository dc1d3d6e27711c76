import { useMemo } from 'react';
import { duration, share } from '../../lib/format';
import { useMarks } from '../../parts/marks/use-marks';
import { Sheet } from '../../ui/page';
import { CallsTable } from './calls-table';
import type { Detail } from './detail';
import { Lines, useSubjectSeries } from './lines';
import { errorLines, linesOf } from './model/lines';
import { Neighbours } from './neighbours';
import { useServicesTexts } from './texts';

const percent = (v: number) => share(v / 100);

/** What is wrong with it, how its versions did in the last hour, and who calls whom. */
export function OverviewTab({ subject, node, graph, calls }: Detail) {
  const t = useServicesTexts();
  const series = useSubjectSeries(subject, '1h', subject.kind === 'service');
  const marks = useMarks(node);
  const errors = useMemo(() => (series.data ? errorLines(series.data) : []), [series.data]);
  const p95 = useMemo(() => (series.data ? linesOf(series.data, 'p95') : []), [series.data]);
  return (
    <>
      <div className="sv-two">
        <Lines
          title={t(subject.kind === 'service' ? 'chart.errors' : 'metrics.errors')}
          unit="%"
          query={series}
          lines={errors}
          marks={marks}
          range="1h"
          figure={percent}
          atLeast={1}
        />
        <Lines
          title={t(subject.kind === 'service' ? 'chart.p95' : 'metrics.p95')}
          unit="ms"
          query={series}
          lines={p95}
          marks={marks}
          range="1h"
          figure={duration}
        />
      </div>
      <Sheet title={t('near')}>
        <Neighbours node={node} graph={graph} calls={calls} />
      </Sheet>
      <Sheet title={t('calls')}>
        <CallsTable calls={calls} />
      </Sheet>
    </>
  );
}
