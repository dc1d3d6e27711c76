import { ListPage } from './list-page';

/** All workloads of the mesh: what runs behind services, and what only calls. */
export const WorkloadsPage = () => <ListPage kind="workload" />;
