import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { metadata, metricNames } from '../../api/prometheus';
import { Drawer } from '../../components/Drawer';
import { Empty, Failed, Skeleton } from '../../components/Views';
import { grouped } from '../../format/number';
import { matchRank } from '../../shell/palette';

const shownMax = 200;

/** All metrics with type and help; picking one asks for it. */
export function MetricBrowser({ onPick, onClose }: { onPick: (name: string) => void; onClose: () => void }) {
  const [filter, setFilter] = useState('');
  const names = useQuery({ queryKey: ['metric-names'], queryFn: ({ signal }) => metricNames(signal), staleTime: 60_000 });
  const about = useQuery({ queryKey: ['metadata'], queryFn: ({ signal }) => metadata(signal), staleTime: 60_000 });
  const found = useMemo(
    () =>
      (names.data ?? [])
        .map((name) => ({ name, rank: matchRank(name, filter) }))
        .filter((each) => each.rank !== null && (filter === '' || each.rank < 3))
        .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || (a.name < b.name ? -1 : 1)),
    [names.data, filter],
  );
  return (
    <Drawer title="Metrics" caption={names.data === undefined ? undefined : `${grouped(Math.min(found.length, shownMax))} of ${grouped(names.data.length)} shown`} onClose={onClose}>
      <input className="field" placeholder="Filter by name" value={filter} onChange={(event) => setFilter(event.target.value)} aria-label="Filter the metrics" autoFocus style={{ flex: 'none' }} />
      {names.isPending && <Skeleton />}
      {names.error !== null && <Failed error={names.error} what="The metric names could not be loaded." onRetry={() => void names.refetch()} />}
      {names.data !== undefined && found.length === 0 && (
        <Empty title={names.data.length === 0 ? 'No metric is stored yet.' : 'No metric has this name.'}>
          <p>{names.data.length === 0 ? 'Metrics appear as soon as a collector or Prometheus writes here.' : `${names.data.length} metrics have other names.`}</p>
        </Empty>
      )}
      <div className="metric-list">
        {found.slice(0, shownMax).map(({ name }) => {
          const known = about.data?.get(name);
          return (
            <button type="button" key={name} onClick={() => onPick(name)}>
              <span className="mono t1">{name}</span> <span className="caption">{known?.type ?? ''}</span>
              {known !== undefined && known.help !== '' && <span className="caption" style={{ display: 'block' }}>{known.help}</span>}
            </button>
          );
        })}
      </div>
    </Drawer>
  );
}
