interface SparkProps {
  /** Rates, oldest first. */
  data: readonly number[];
  /** Error shares from 0 to 1, as many as data. */
  errors?: readonly number[] | undefined;
  width?: number;
  height?: number;
}

/**
 * The paths of a sparkline in a box: the rate from zero, and the error share as an area. An
 * error share is drawn larger than it is, so that one per cent can be seen at all.
 */
export function sparkPaths(
  data: readonly number[],
  errors: readonly number[] | undefined,
  width: number,
  height: number,
) {
  if (data.length < 2) {
    return { line: '', fill: '', errors: '' };
  }
  const most = Math.max(...data, 0.001) * 1.15;
  const x = (i: number) => ((i / (data.length - 1)) * width).toFixed(1);
  const y = (v: number) => (height - 1 - (v / most) * (height - 3)).toFixed(1);
  const line = data.map((v, i) => `${i ? 'L' : 'M'}${x(i)} ${y(v)}`).join('');
  const high = (share: number) => Math.min(1, share * (share > 0.05 ? 1.6 : 3)) * (height - 3);
  const some = errors?.some((e) => e > 0);
  const area = some
    ? `M0 ${height}${errors?.map((e, i) => `L${x(i)} ${(height - 1 - high(e)).toFixed(1)}`).join('')}L${width} ${height}Z`
    : '';
  return { line, fill: `${line}L${width} ${height}L0 ${height}Z`, errors: area };
}

/** The course of a rate in a line of text. It says nothing that figures beside it do not say. */
export function Spark({ data, errors, width = 100, height = 24 }: SparkProps) {
  const paths = sparkPaths(data, errors, width, height);
  return (
    <svg
      className="spark"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
      preserveAspectRatio="none"
    >
      <path d={paths.fill} className="spark-fill" />
      <path d={paths.line} className="spark-line" />
      {paths.errors && <path d={paths.errors} className="spark-err" />}
    </svg>
  );
}
