import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { ServicePage, type SplitSlot } from '../features/services/service-page';
import { Loading } from '../ui/states';

const SplitSheet = lazy(() => import('../features/canary/split-sheet').then((m) => ({ default: m.SplitSheet })));

const Split: SplitSlot = (of) => {
  const { rule, stable } = useSearch({ strict: false }) as { rule?: string; stable?: string };
  const navigate = useNavigate();
  return (
    <Suspense fallback={<Loading lines={6} />}>
      <SplitSheet
        {...of}
        address={{
          rule,
          stable,
          set: (choice) => {
            const target = { search: (old: object) => ({ ...old, ...choice }), replace: true };
            void navigate({ to: '.', ...target } as Parameters<typeof navigate>[0]);
          },
        }}
      />
    </Suspense>
  );
};

/** The page of a service, with the slider that shifts traffic between its versions. */
export const ServiceRoute = () => <ServicePage Split={Split} />;
