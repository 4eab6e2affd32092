/** A small line without axes; gaps stay gaps. The text beside it carries the number. */
export function Sparkline({ values, width = 72, height = 18, tone = 'var(--ph-text-3)', fill = false }: { values: readonly (number | null)[]; width?: number; height?: number; tone?: string; fill?: boolean }) {
  const known = values.filter((each): each is number => each !== null && Number.isFinite(each));
  if (known.length < 2) return <svg width={width} height={height} aria-hidden />;
  const low = Math.min(...known);
  const high = Math.max(...known);
  const x = (at: number) => 1 + (at * (width - 2)) / (values.length - 1);
  const y = (value: number) => (high === low ? height / 2 : height - 2 - ((value - low) / (high - low)) * (height - 4));
  let path = '';
  let pen = false;
  values.forEach((value, at) => {
    if (value === null || !Number.isFinite(value)) {
      pen = false;
      return;
    }
    path += `${pen ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
  });
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden>
      {fill && <path d={`${path}L${x(values.length - 1).toFixed(1)} ${height - 1}L1 ${height - 1}Z`} fill={tone} opacity={0.08} />}
      <path d={path} fill="none" stroke={tone} strokeWidth={1.25} />
    </svg>
  );
}
