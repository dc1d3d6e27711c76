// Graphs of made-up meshes, as the server would tell them.

/** Numbers that look random and are the same in each run. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const round = (value) => Number(value.toPrecision(3));

/**
 * A graph topic's elements: so many services, shared evenly by namespaces, and so many calls
 * between them, four of five within a namespace. Another turn has other figures everywhere, and
 * nobody comes, goes or changes its state.
 */
export function graph({ services, calls, namespaces }, turn = 0) {
  const figures = dice(1000 + turn);
  const shape = dice(7);
  const size = Math.ceil(services / namespaces);
  const elements = {
    meta: { at: new Date(Date.UTC(2026, 0, 2, 3, 4, turn)).toISOString(), seconds: 60, revision: 'bench' },
  };
  const namespaceOf = (i) => `team-${String(Math.floor(i / size)).padStart(2, '0')}`;
  const idOf = (i) => `service/local/${namespaceOf(i)}/service-${i}`;
  const stateOf = (i) => (i % 50 === 7 ? 'failing' : i % 50 === 23 ? 'degraded' : 'healthy');
  const healthOf = (state) => ({
    state,
    since: '2026-01-02T02:04:00Z',
    ...(state === 'healthy' ? {} : { reasons: [{ code: 'http5xx', state, share: 0.2, answer: '503' }] }),
  });
  for (let i = 0; i < services; i++) {
    const rate = round(1 + 400 * figures());
    const state = stateOf(i);
    const workloads = i % 3 === 0 ? ['v1', 'v2'] : ['v1'];
    elements[`n:${idOf(i)}`] = {
      id: idOf(i),
      kind: 'service',
      name: `service-${i}`,
      namespace: namespaceOf(i),
      app: `service-${i}`,
      meshed: true,
      pods: { ready: workloads.length, total: workloads.length },
      health: healthOf(state),
      unit: 'rps',
      rate,
      errorShare: state === 'failing' ? round(0.1 + 0.1 * figures()) : 0,
      p95: round(5 + 50 * figures()),
      spark: Array.from({ length: 30 }, () => round(rate * (0.8 + 0.4 * figures()))),
      sparkErrors: Array.from({ length: 30 }, () => 0),
      versions: workloads.map((version) => ({
        version,
        workload: `service-${i}-${version}`,
        namespace: namespaceOf(i),
        pods: 1,
        ready: 1,
        share: 1 / workloads.length,
        rate: round(rate / workloads.length),
        errorShare: 0,
        p95: round(5 + 50 * figures()),
        state,
      })),
      rules:
        i % 4 === 0
          ? [{ group: 'networking.istio.io', kind: 'VirtualService', namespace: namespaceOf(i), name: `service-${i}` }]
          : [],
    };
  }
  for (let made = 0; made < calls; ) {
    const source = Math.floor(shape() * services);
    const near = Math.floor(source / size) * size + Math.floor(shape() * size);
    const target = shape() < 0.8 ? near : Math.floor(shape() * services);
    const id = `${idOf(source)} > ${idOf(target)} : http`;
    if (target >= services || target === source || elements[`e:${id}`]) {
      continue;
    }
    made++;
    const rate = round(1 + 150 * figures());
    const state = stateOf(target);
    const share = state === 'failing' ? round(0.1 + 0.1 * figures()) : 0;
    elements[`e:${id}`] = {
      id,
      source: idOf(source),
      target: idOf(target),
      protocol: 'http',
      rate,
      errors: round(rate * share),
      errorShare: share,
      p95: round(5 + 50 * figures()),
      mutualTLS: 1,
      reporters: ['source', 'destination'],
      responses: [{ code: '200', rate }],
      services: [`service-${target}.${namespaceOf(target)}.svc.cluster.local`],
      health: healthOf(state),
    };
  }
  return elements;
}
