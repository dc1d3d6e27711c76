import { lazy, Suspense } from 'react';
import { type SplitSlot, TopologyPage } from '../features/topology/topology-page';
import { Loading } from '../ui/states';

const SplitSheet = lazy(() => import('../features/canary/split-sheet').then((m) => ({ default: m.SplitSheet })));

const Split: SplitSlot = (of) => (
  <Suspense fallback={<Loading lines={4} />}>
    <SplitSheet {...of} />
  </Suspense>
);

/** The topology, with the slider that shifts traffic on its cards and in its panel. */
export const TopologyRoute = () => <TopologyPage Split={Split} />;
