import './home.css';

import { useQuery } from '@tanstack/react-query';
import { IconList, IconMap2 } from '@tabler/icons-react';
import { lazy, Suspense, useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { architecture, type Architecture } from '../../api/pharos';
import { StateMark } from '../../components/StateMark';
import { CopyLine, Empty, Failed, Skeleton } from '../../components/Views';
import { Page } from '../../components/Page';
import { figure } from '../../format/number';
import { useMe } from '../../shell/queries';
import { useNow, useRefreshMs, useTime, useZone } from '../../state/time';
import { useParam } from '../../state/url';
import { longDate, zoneName } from '../../time/clock';
import { FiringNow } from './FiringNow';
import { MapList } from './MapList';
import { PartDrawer } from './PartDrawer';
import { RecentChanges } from './RecentChanges';

const ArchitectureMap = lazy(async () => ({ default: (await import('./ArchitectureMap')).ArchitectureMap }));

const phone = window.matchMedia('(max-width: 639px)');

function usePhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      phone.addEventListener('change', listener);
      return () => phone.removeEventListener('change', listener);
    },
    () => phone.matches,
  );
}

export function HomePage() {
  const every = useRefreshMs(2_000);
  const { tick } = useTime();
  // The map is replaced in place every two seconds, whatever slower interval other pages use.
  const { data, error, refetch } = useQuery({ queryKey: ['architecture', tick], queryFn: ({ signal }) => architecture(signal), refetchInterval: every === false ? false : 2_000 });
  const [view, setView] = useParam('view', 'map');
  const [focus, setFocus] = useParam('focus');
  const zone = useZone();
  const now = useNow(5_000);
  const { data: who } = useMe();
  const narrow = usePhone();
  const asList = narrow || view === 'list';
  const pick = useCallback((id: string) => setFocus(id === focus ? null : id, focus !== ''), [focus, setFocus]);

  const at = data?.atMs ?? now;
  const caption = `${who === undefined || !who.multitenant ? '' : `${who.tenant}, `}${longDate(at, zone)} ${zoneName(zone, at)}`;
  return (
    <Page
      title="Home"
      wide
      caption={caption}
      finding={data?.finding || (error !== null && data === undefined ? 'The state of the stack is unknown.' : data === undefined ? ' ' : 'No finding yet.')}
      actions={
        narrow ? undefined : (
          <button type="button" className="button" onClick={() => setView(asList ? null : 'list')} aria-pressed={asList} data-testid="view-switch">
            {asList ? <IconMap2 size={16} stroke={1.75} aria-hidden /> : <IconList size={16} stroke={1.75} aria-hidden />}
            {asList ? 'As map' : 'As list'}
          </button>
        )
      }
    >
      {error !== null && (
        <div className="panel" style={{ marginBottom: 12 }}>
          <Failed error={error} what="The architecture map could not be loaded." onRetry={() => void refetch()} />
        </div>
      )}
      {data === undefined && error === null && (
        <div className="panel" style={{ minHeight: 420 }}>
          <Skeleton rows={12} />
        </div>
      )}
      {data !== undefined && (
        <>
          <Strip items={data.strip} />
          {data.nodes.length === 0 ? (
            <GettingStarted />
          ) : asList ? (
            <MapList data={data} focus={focus} onFocus={pick} />
          ) : (
            <Suspense fallback={<div className="map-panel" style={{ minHeight: 420 }} />}>
              <ArchitectureMap data={data} focus={focus} onFocus={pick} />
            </Suspense>
          )}
          {focus !== '' && <PartDrawer data={data} focus={focus} onFocus={(id) => setFocus(id, true)} onClose={() => setFocus(null)} />}
        </>
      )}
      <div className="two">
        <FiringNow />
        <RecentChanges changes={data?.changes ?? null} unknown={error !== null} />
      </div>
    </Page>
  );
}

function Strip({ items }: { items: Architecture['strip'] }) {
  if (items.length === 0) return null;
  return (
    <dl className="strip panel" data-testid="strip">
      {items.map((item) => {
        const shown = item.value === null ? { text: '–', unit: item.unit } : figure(item.value, item.unit);
        return (
          <div key={item.label}>
            <dt>{item.label}</dt>
            <dd>
              {item.state === 'ok' ? <Changing text={shown.text} /> : <StateMark state={item.state} word={<Changing text={shown.text} />} size={18} />}
              {shown.unit !== '' && <span className="unit">{shown.unit}</span>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

/** A figure that fades out of the accent when it changed; its digits never roll. */
function Changing({ text }: { text: string }) {
  const before = useRef(text);
  const [changed, setChanged] = useState(false);
  useEffect(() => {
    if (before.current === text) return undefined;
    before.current = text;
    setChanged(true);
    const timer = window.setTimeout(() => setChanged(false), 50);
    return () => window.clearTimeout(timer);
  }, [text]);
  return <span className={changed ? 'figure changed' : 'figure'}>{text}</span>;
}

function GettingStarted() {
  const here = window.location.origin;
  return (
    <div className="panel">
      <Empty title="Nothing has reported yet.">
        <p>Three steps bring the map to life.</p>
        <h3 className="t1">1. Send a log line</h3>
        <CopyLine value={`curl -X POST ${here}/loki/api/v1/push -H 'Content-Type: application/json' \\\n  -d '{"streams":[{"stream":{"app":"hello"},"values":[["'$(date +%s%N)'","hello from the shell"]]}]}'`} />
        <h3 className="t1">2. Start a collector at the edge</h3>
        <CopyLine value="pharos-collector run /etc/pharos/collector.alloy" />
        <h3 className="t1">3. See everything at once, with a shop to watch</h3>
        <CopyLine value="pharos demo" />
      </Empty>
    </div>
  );
}
