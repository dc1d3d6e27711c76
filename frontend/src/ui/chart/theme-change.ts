import { useSyncExternalStore } from 'react';

/** "dark" or "light": a canvas does not follow CSS, and is drawn again when this changes. */
export function useThemeChange(): 'dark' | 'light' {
  return useSyncExternalStore(
    (changed) => {
      const observer = new MutationObserver(changed);
      observer.observe(document.documentElement, { attributes: true, attributeFilter: ['class'] });
      return () => observer.disconnect();
    },
    () => (document.documentElement.classList.contains('pf-v6-theme-dark') ? 'dark' : 'light'),
  );
}
