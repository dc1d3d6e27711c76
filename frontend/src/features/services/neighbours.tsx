import { Link } from '@tanstack/react-router';
import { type Health, HealthGlyph } from '../../ui/glyph';
import type { Detail } from './detail';
import { addressOf } from './list-page';
import { type Call, threadWidth } from './model/calls';
import { type Neighbour, neighboursOf, shownNeighbours } from './model/neighbours';
import { useServicesTexts } from './texts';

const row = 34;

/** Who calls it and whom it calls, as threads; the table below says the same in figures. */
export function Neighbours({ node, calls }: Pick<Detail, 'node' | 'graph' | 'calls'>) {
  const t = useServicesTexts();
  const callers = neighboursOf(calls, 'in');
  const called = neighboursOf(calls, 'out');
  if (callers.length === 0 && called.length === 0) {
    return <p className="sv-none">{t('near.none')}</p>;
  }
  const names = (list: readonly Neighbour[]) => list.map((n) => n.name).join(', ') || t('near.nobody');
  const left = shownNeighbours(callers);
  const right = shownNeighbours(called);
  return (
    <figure
      className="sv-near"
      aria-label={t('near.label', { callers: names(callers), name: node.name, called: names(called) })}
    >
      <Side list={left} all={callers.length} direction="in" />
      <Threads list={left} all={callers.length} direction="in" />
      <span className={`sv-card is-self k-${node.health.state}`}>
        <HealthGlyph health={node.health.state} size={12} />
        <span className="cut" data-ellipsis>
          {node.name}
        </span>
      </span>
      <Threads list={right} all={called.length} direction="out" />
      <Side list={right} all={called.length} direction="out" />
    </figure>
  );
}

interface SideProps {
  list: readonly Neighbour[];
  all: number;
  direction: Call['direction'];
}

function Side({ list, all, direction }: SideProps) {
  const t = useServicesTexts();
  return (
    <ul>
      {list.map((n) => (
        <li key={n.id} className={`is-${direction}`}>
          <Card neighbour={n} />
        </li>
      ))}
      {all > list.length && (
        <li className={`is-${direction} dim num`}>{t('near.more', { count: all - list.length })}</li>
      )}
    </ul>
  );
}

function Card({ neighbour: { node, name } }: { neighbour: Neighbour }) {
  const state: Health = node?.health.state ?? 'unknown';
  const inside = (
    <>
      <HealthGlyph health={state} size={12} />
      <span className="cut" data-ellipsis title={name}>
        {name}
      </span>
    </>
  );
  const look = `sv-card k-${state}`;
  return node && (node.kind === 'service' || node.kind === 'workload') ? (
    <Link to={addressOf(node.kind, node)} className={look}>
      {inside}
    </Link>
  ) : (
    <span className={look}>{inside}</span>
  );
}

/** One thread for each neighbour, as wide as its traffic, to or from the middle. */
function Threads({ list, all, direction }: SideProps) {
  const rows = list.length + (all > list.length ? 1 : 0);
  const height = Math.max(1, rows) * row;
  const middle = height / 2;
  return (
    <svg className="sv-threads" viewBox={`0 0 72 ${height}`} height={height} aria-hidden="true">
      {list.map((n, i) => {
        const y = i * row + row / 2;
        const [from, to] = direction === 'in' ? [y, middle] : [middle, y];
        return (
          <path
            key={n.id}
            className={`sv-thread is-${n.state}`}
            strokeWidth={n.edges.reduce((most, e) => Math.max(most, threadWidth(e)), 1.25)}
            d={`M4 ${from}C36 ${from} 36 ${to} 68 ${to}`}
          />
        );
      })}
    </svg>
  );
}
