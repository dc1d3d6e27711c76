/** The parts of the settings, in order; some are only for administrators. */
export const settingsTabs = [
  { tab: 'account', admin: false },
  { tab: 'tokens', admin: false },
  { tab: 'users', admin: true },
  { tab: 'audit', admin: true },
  { tab: 'about', admin: false },
] as const;
