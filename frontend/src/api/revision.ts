/**
 * Counts what the page was told: each answer of the API, each change from the live socket. It
 * stands on the root element as data-revision, one frame after the data, when React has drawn
 * it; tests wait for it instead of for time.
 */
let revision = 0;
let scheduled = false;

export function bumpRevision(): void {
  revision++;
  if (scheduled) {
    return;
  }
  scheduled = true;
  const draw = () => {
    scheduled = false;
    const root = document.getElementById('root');
    if (root) {
      root.dataset.revision = String(revision);
    }
  };
  // Two frames: the first may run before React's own work, the second follows its paint.
  requestAnimationFrame(() => requestAnimationFrame(draw));
}
