export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The roles that somebody may give away: up to the own one. The owner of the machine may give all. */
export function upTo(role: string | undefined): Role[] {
  const at = (roles as readonly string[]).indexOf(role ?? '');
  return at < 0 ? (role === 'owner' ? [...roles] : ['viewer']) : roles.slice(0, at + 1);
}

/** Passwords shorter than this are refused. */
export const shortest = 8;
