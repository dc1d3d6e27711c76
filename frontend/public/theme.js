// Sets theme and language before the first paint, so that nothing flashes. The
// keys and meanings are those of src/app/preferences.ts.
(() => {
  let stored = {};
  try {
    stored = JSON.parse(localStorage.getItem('heddle.preferences') || '{}').state || {};
  } catch {
    // No storage, or not ours: the system's choice holds.
  }
  const root = document.documentElement;
  const dark =
    stored.theme === 'dark' || (stored.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.classList.toggle('pf-v6-theme-dark', dark);
  const language = stored.language || (navigator.language.startsWith('zh') ? 'zh' : 'en');
  root.lang = language === 'zh' ? 'zh-CN' : 'en';
})();
