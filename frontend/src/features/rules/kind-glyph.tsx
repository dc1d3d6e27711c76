import { type Rule, RuleGlyph } from '../../ui/glyph';

const glyphs: Record<string, Rule> = {
  VirtualService: 'route',
  DestinationRule: 'split',
  ServiceEntry: 'entry',
  WorkloadEntry: 'entry',
  WorkloadGroup: 'entry',
  Gateway: 'gate',
  GatewayClass: 'gate',
  ListenerSet: 'gate',
  HTTPRoute: 'route',
  GRPCRoute: 'route',
  TCPRoute: 'route',
  TLSRoute: 'route',
  UDPRoute: 'route',
  PeerAuthentication: 'lock',
  RequestAuthentication: 'lock',
  AuthorizationPolicy: 'lock',
  BackendTLSPolicy: 'lock',
};

/** What an object of a kind does, as a sign. The kind's name stands beside it. */
export function KindGlyph({ kind, size = 13 }: { kind: string; size?: number }) {
  return (
    <span aria-hidden="true" className="ru-g">
      <RuleGlyph rule={glyphs[kind] ?? 'scope'} size={size} />
    </span>
  );
}
