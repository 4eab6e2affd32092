import { Swatch } from '../../components/TimeChart';
import { Chips } from '../../components/Chips';
import { commonLabels, withoutLabels } from '../../format/labels';
import { sampleValue } from '../../format/number';
import type { Grid } from './series';

interface Props {
  grid: Grid;
  hidden: ReadonlySet<string>;
  onHidden: (hidden: ReadonlySet<string>) => void;
  onHover: (key: string | null) => void;
  onPick: (name: string, value: string, equal: boolean) => void;
}

/** Swatch, name, last, max; sorted by last. A click isolates, Ctrl-click hides or shows one. */
export function Legend({ grid, hidden, onHidden, onHover, onPick }: Props) {
  const common = commonLabels(grid.series.map((each) => each.labels));
  const sorted = [...grid.series].sort((a, b) => (b.last ?? -Infinity) - (a.last ?? -Infinity));
  const click = (key: string, toggle: boolean) => {
    if (toggle) {
      const next = new Set(hidden);
      if (!next.delete(key)) next.add(key);
      onHidden(next);
      return;
    }
    const alone = hidden.size === grid.series.length - 1 && !hidden.has(key);
    onHidden(alone ? new Set() : new Set(grid.series.filter((each) => each.key !== key).map((each) => each.key)));
  };
  return (
    <div className="table-wrap" style={{ maxHeight: 320 }}>
      {Object.keys(common).length > 0 && (
        <div className="row wrap" style={{ padding: '4px 12px 8px' }}>
          <span className="caption">Common to all:</span>
          <Chips labels={common} hide={[]} onPick={onPick} />
        </div>
      )}
      <table className="table legend" data-testid="legend">
        <thead>
          <tr>
            <th>Series</th>
            <th className="num" aria-sort="descending">Last ↓</th>
            <th className="num">Max</th>
          </tr>
        </thead>
        <tbody onMouseLeave={() => onHover(null)}>
          {sorted.map((each) => {
            const rest = withoutLabels(each.labels, common);
            return (
              <tr key={each.key} className={hidden.has(each.key) ? 'off' : ''} onMouseEnter={() => onHover(each.key)} data-testid="legend-row" onClick={(event) => click(each.key, event.ctrlKey || event.metaKey)}>
                <td className="slack">
                  <span className="row wrap">
                    <Swatch index={each.index} />
                    {Object.keys(rest).length === 0 || rest['__name__'] !== undefined ? (
                      <button type="button" className="name" aria-pressed={!hidden.has(each.key)} title="Click to show this alone, Ctrl-click to hide it">
                        {each.name}
                      </button>
                    ) : (
                      <button type="button" className="name" aria-pressed={!hidden.has(each.key)} aria-label={each.name} title={`${each.name}\nClick to show this alone, Ctrl-click to hide it`}>
                        <Chips labels={rest} hide={[]} max={50} />
                      </button>
                    )}
                  </span>
                </td>
                <td className="num t1">{each.last === null ? '–' : sampleValue(each.last)}</td>
                <td className="num">{each.max === null ? '–' : sampleValue(each.max)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
