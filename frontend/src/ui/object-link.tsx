import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { fullName, type ObjectName } from '../lib/kinds';
import { objectAddress } from '../lib/object-address';

/** The name of an object, leading to the page about it where there is one. */
export function ObjectLink({ to, at, children }: { to: ObjectName; at?: string | undefined; children?: ReactNode }) {
  const address = objectAddress(to, at);
  const name = children ?? fullName(to);
  return address ? <Link to={address}>{name}</Link> : name;
}
