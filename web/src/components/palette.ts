/** Series colours in the fixed order; past ten the line gets dashes. */

export interface Stroke {
  color: string;
  dash: number[];
}

export function strokeOf(index: number): Stroke {
  const round = Math.floor(index / 10);
  return { color: `var(--ph-series-${(index % 10) + 1})`, dash: round === 0 ? [] : round === 1 ? [6, 3] : [2, 2] };
}

/** A token's value for drawing on a canvas, which cannot read CSS variables. */
export function tokenValue(color: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(color)?.[1];
  return name === undefined ? color : getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
