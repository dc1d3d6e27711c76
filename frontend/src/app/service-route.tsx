import { lazy, Suspense } from 'react';
import { ServicePage, type SplitSlot } from '../features/services/service-page';
import { Loading } from '../ui/states';

const SplitSheet = lazy(() => import('../features/canary/split-sheet').then((m) => ({ default: m.SplitSheet })));

const Split: SplitSlot = (of) => (
  <Suspense fallback={<Loading lines={6} />}>
    <SplitSheet {...of} />
  </Suspense>
);

/** The page of a service, with the slider that shifts traffic between its versions. */
export const ServiceRoute = () => <ServicePage Split={Split} />;
