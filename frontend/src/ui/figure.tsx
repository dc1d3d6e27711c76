import type { Figure as FigureValue } from '../lib/format';

/** A number with its unit, which is dimmer and smaller. Put it into an element with class num. */
export function Figure({ of }: { of: FigureValue }) {
  return (
    <>
      {of.value}
      {of.unit && <span className="unit">{`\u00a0${of.unit}`}</span>}
    </>
  );
}
