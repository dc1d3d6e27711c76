import { Link } from '@tanstack/react-router';
import type { GraphLiveNode } from '../../api/generated/types.gen';
import { byteRate, duration } from '../../lib/format';
import { Figure } from '../../ui/figure';
import { ErrorShare, Rate } from '../../ui/figures';
import { HealthGlyph, Lock } from '../../ui/glyph';
import { addressOf } from './list-page';
import { answerList, type Call } from './model/calls';
import { useServicesTexts } from './texts';

/** Who calls it and whom it calls, with figures: the table of the drawing. */
export function CallsTable({ calls, whole = false }: { calls: readonly Call[]; whole?: boolean }) {
  const t = useServicesTexts();
  if (calls.length === 0) {
    return <p className="sv-none">{t('calls.none')}</p>;
  }
  return (
    <div className="sv-wrap">
      <table className="vt pad num">
        <thead>
          <tr>
            <th scope="col">{t('calls.peer')}</th>
            <th scope="col">{t('calls.direction')}</th>
            {whole && <th scope="col">{t('calls.protocol')}</th>}
            <th scope="col">{t('calls.rate')}</th>
            <th scope="col">{t('calls.errors')}</th>
            <th scope="col">{t('calls.p95')}</th>
            {whole && <th scope="col">{t('calls.mtls')}</th>}
            <th scope="col">{t('calls.answers')}</th>
          </tr>
        </thead>
        <tbody>
          {calls.map(({ id, direction, peer, edge }) => (
            <tr key={id}>
              <th scope="row">
                <Peer node={peer} fallback={direction === 'in' ? edge.source : edge.target} />
              </th>
              <td>{t(direction === 'in' ? 'calls.in' : 'calls.out')}</td>
              {whole && <td>{edge.protocol}</td>}
              <td>
                {edge.protocol === 'tcp' ? (
                  <Figure of={byteRate((edge.sentBytes ?? 0) + (edge.receivedBytes ?? 0))} />
                ) : (
                  <Rate of={edge} />
                )}
              </td>
              <td>{edge.rate > 0 && <ErrorShare of={edge} />}</td>
              <td>{edge.p95 !== undefined && <Figure of={duration(edge.p95)} />}</td>
              {whole && <td>{edge.mutualTLS !== undefined && <Lock open={edge.mutualTLS < 1} />}</td>}
              <td className="dim">{answerList(edge.responses)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The other end, leading to its page where it has one. */
export function Peer({ node, fallback }: { node: GraphLiveNode | undefined; fallback: string }) {
  if (!node) {
    return <>{fallback}</>;
  }
  const wrong = node.health.state === 'failing' || node.health.state === 'degraded';
  return (
    <>
      {node.kind === 'service' || node.kind === 'workload' ? (
        <Link to={addressOf(node.kind, node)}>{node.name}</Link>
      ) : (
        node.name
      )}
      {wrong && (
        <>
          {' '}
          <HealthGlyph health={node.health.state} size={12} />
        </>
      )}
    </>
  );
}
