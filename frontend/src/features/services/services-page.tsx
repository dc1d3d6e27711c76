import { ListPage } from './list-page';

/** All services of the mesh. */
export const ServicesPage = () => <ListPage kind="service" />;
