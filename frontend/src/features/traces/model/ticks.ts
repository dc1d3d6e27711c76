const second = 1000;
const minute = 60 * second;

/** Steps of a clock's face. */
const steps = [1, 2, 5, 10, 15, 30]
  .flatMap((n) => [n * second, n * minute])
  .concat([60, 120, 180, 360, 720].map((n) => n * minute))
  .sort((a, b) => a - b);
const day = 1440 * minute;

/** Times for an axis: at most so many, all of them round on the reader's clock. */
export function timeTicks(from: number, to: number, most: number): { at: readonly number[]; step: number } {
  const step = steps.find((s) => (to - from) / s <= most) ?? Math.ceil((to - from) / most / day) * day;
  // Whole hours begin elsewhere where the clock is half an hour off.
  const offset = -new Date(from).getTimezoneOffset() * minute;
  const at: number[] = [];
  for (let time = Math.ceil((from + offset) / step) * step - offset; time <= to; time += step) {
    at.push(time);
  }
  return { at: at.slice(0, most), step };
}

/** A power of ten milliseconds without digits that say nothing: 0.1 ms, 10 ms, 1 s. */
export const powerName = (ms: number): string =>
  ms >= second ? `${ms / second}\u00a0s` : `${Number(ms.toPrecision(1))}\u00a0ms`;
