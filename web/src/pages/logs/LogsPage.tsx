import './logs.css';
import '../metrics/metrics.css';
import '../../components/chart.css';

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { IconArrowsSort, IconPlayerPause, IconPlayerPlay, IconPlayerStop, IconTextWrap } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import { labelNames, queryLogs, queryMatrix, toNs, type LogLine } from '../../api/loki';
import { Page, PageLink } from '../../components/Page';
import { TimeChart } from '../../components/TimeChart';
import { CopyLine, Empty, Failed, Progress, Skeleton } from '../../components/Views';
import { CodeEditor } from '../../editor/CodeEditor';
import { isMetricQuery, logqlLanguage, searchedTexts, streamMatchers, volumeQuery, withLabel, type FieldKind } from '../../editor/logql';
import { errorSpot } from '../../editor/serverError';
import { selector } from '../../format/labels';
import { figure, grouped, sampleValue } from '../../format/number';
import { useTime } from '../../state/time';
import { useChangeParams, useParam } from '../../state/url';
import { absoluteRange, sayRange } from '../../time/range';
import { niceStep, sayDuration } from '../../time/duration';
import { Legend } from '../metrics/Legend';
import { drawnMax, findingOf as findingOfSeries, toGrid } from '../metrics/series';
import { FieldsPanel } from './FieldsPanel';
import { LineDrawer } from './LineDrawer';
import { findingOf, levelColor, levels, levelOf, summarise, type Level } from './lines';
import { LineList } from './LineList';
import { useTail } from './useTail';
import { toBuckets, VolumeChart } from './VolumeChart';

const language = logqlLanguage();
const pageSize = 500;
/** Lines held on the page at most; past that the reader narrows the range. */
const heldMax = 20_000;

export function LogsPage() {
  const time = useTime();
  const change = useChangeParams();
  const [query] = useParam('q');
  const [direction] = useParam('dir', 'backward');
  const [wrap] = useParam('wrap');
  const [picked] = useParam('line');
  const [live] = useParam('tail');
  const [paused, setPaused] = useState(false);
  const [draft, setDraft] = useState(query);
  const [visible, setVisible] = useState<{ fromMs: number; toMs: number } | null>(null);
  const newestFirst = direction !== 'forward';
  const tailing = live === '1' && query !== '';

  const known = useRef(query);
  useEffect(() => {
    if (known.current === query) return;
    known.current = query;
    setDraft(query);
  }, [query]);

  const run = useCallback(
    (text: string) => {
      const wanted = text.trim();
      setDraft(text);
      if (wanted === query) time.refreshNow();
      else {
        known.current = wanted;
        change({ q: wanted, line: null });
      }
    },
    [change, query, time],
  );

  const metric = useMemo(() => query !== '' && isMetricQuery(query), [query]);
  const rangeKey = `${time.range.from} ${time.range.to} ${time.zone}`;
  const span = useMemo(() => time.resolve(), [rangeKey, time.tick, query]);
  const step = niceStep(span.toMs - span.fromMs, 90, 1);
  const graphStep = niceStep(span.toMs - span.fromMs, 600, 1);

  const logs = useInfiniteQuery({
    queryKey: ['logs', query, rangeKey, time.tick, direction],
    enabled: query !== '' && !metric && !tailing,
    initialPageParam: newestFirst ? toNs(span.toMs) : toNs(span.fromMs),
    queryFn: ({ pageParam, signal }) => (newestFirst ? queryLogs(query, toNs(span.fromMs), pageParam, pageSize, 'backward', signal) : queryLogs(query, pageParam, toNs(span.toMs), pageSize, 'forward', signal)),
    getNextPageParam: (last, all) => {
      const end = last.lines.at(-1);
      if (last.lines.length < pageSize || end === undefined || all.length * pageSize >= heldMax) return undefined;
      // The end of a request is exclusive: one more nanosecond, and what came before is told apart by its key.
      return newestFirst ? String(BigInt(end.ns) + 1n) : end.ns;
    },
    staleTime: Infinity,
  });
  const volume = useQuery({
    queryKey: ['volume', query, rangeKey, time.tick],
    enabled: query !== '' && !metric && !tailing,
    queryFn: ({ signal }) => queryMatrix(volumeQuery(query, step), Math.ceil(span.fromMs / 1_000 / step) * step * 1_000, Math.ceil(span.toMs / 1_000 / step) * step * 1_000, step, signal),
    staleTime: Infinity,
  });
  const matrix = useQuery({
    queryKey: ['loki-matrix', query, rangeKey, time.tick],
    enabled: metric,
    queryFn: ({ signal }) => queryMatrix(query, Math.floor(span.fromMs / 1_000 / graphStep) * graphStep * 1_000, Math.floor(span.toMs / 1_000 / graphStep) * graphStep * 1_000, graphStep, signal),
    staleTime: Infinity,
  });
  const tail = useTail(query, tailing, paused);

  const lines = useMemo(() => {
    if (tailing) return tail.lines;
    const seen = new Set<string>();
    return (logs.data?.pages ?? []).flatMap((page) => page.lines).filter((line) => !seen.has(line.key) && seen.add(line.key) !== undefined);
  }, [logs.data, tailing, tail.lines]);
  const streamLabels = useQuery({ queryKey: ['loki-labels'], queryFn: labelNames, staleTime: 60_000 });
  // Parsed fields come back among the labels: only names that the index knows can stand in the selector.
  const isStream = useCallback((name: string) => streamLabels.data?.includes(name) ?? streamMatchers(query).some((m) => m.name === name), [streamLabels.data, query]);
  const fields = useMemo(() => summarise(lines.slice(0, 2_000), isStream), [lines, isStream]);
  const searched = useMemo(() => searchedTexts(query), [query]);
  const buckets = useMemo(() => toBuckets(volume.data?.series ?? [], span.fromMs, span.toMs, step * 1_000), [volume.data, span, step]);
  const byLevel = useMemo(() => {
    const counts = new Map<Level, number>();
    if (volume.data !== undefined && !tailing) buckets.forEach((bucket) => bucket.counts.forEach((count, level) => counts.set(level, (counts.get(level) ?? 0) + count)));
    else lines.forEach((line) => counts.set(levelOf(line), (counts.get(levelOf(line)) ?? 0) + 1));
    return counts;
  }, [volume.data, buckets, lines, tailing]);
  const total = [...byLevel.values()].reduce((sum, each) => sum + each, 0);

  const error = metric ? matrix.error : logs.error;
  const first = query !== '' && !tailing && (metric ? matrix.isPending : logs.isPending) && error === null;
  const reloading = !tailing && !first && (metric ? matrix.isFetching : logs.isFetching && !logs.isFetchingNextPage);
  const stats = logs.data?.pages[0]?.stats;
  const streams = new Set(lines.map((line) => JSON.stringify(line.labels))).size;
  const selected = lines.find((line) => line.key === picked) ?? null;

  const pick = useCallback(
    (name: string, value: string, equal: boolean, kind: FieldKind) => run(withLabel(query, name, value, equal, kind)),
    [query, run],
  );
  const onVisible = useCallback((from: LogLine | undefined, to: LogLine | undefined) => {
    setVisible(from === undefined || to === undefined ? null : { fromMs: Math.min(from.ms, to.ms), toMs: Math.max(from.ms, to.ms) });
  }, []);

  const metricsOf = selector(Object.fromEntries(streamMatchers(query).filter((m) => m.isEqual && !m.isRegex && m.value !== '').map((m) => [m.name, m.value])));
  const finding =
    query === ''
      ? 'Ask for lines in LogQL.'
      : error !== null
        ? 'The query has no answer.'
        : tailing
          ? `${grouped(Math.round(tail.rate))} lines a second, following.`
          : first
            ? ' '
            : metric
              ? `${grouped(matrix.data?.series.length ?? 0)} series in this range.`
              : volume.isPending && logs.hasNextPage
                ? `More than ${grouped(lines.length)} lines in this range.`
                : findingOf(Math.max(total, lines.length), byLevel, grouped);

  return (
    <Page
      title="Explore logs"
      wide
      caption="Explore logs"
      finding={finding}
      actions={
        <>
          <span className="joined" role="group" aria-label="Signal">
            <PageLink to={`/explore/metrics${metricsOf === '{}' ? '' : `?q=${encodeURIComponent(metricsOf)}`}`} className="button" data-testid="to-metrics">
              Metrics
            </PageLink>
            <span className="button on" aria-current="page">Logs</span>
          </span>
          <button type="button" className={tailing ? 'button on' : 'button'} disabled={query === '' || metric} onClick={() => { setPaused(false); change({ tail: tailing ? null : '1', line: null }); }} data-testid="tail" aria-pressed={tailing}>
            {tailing ? <IconPlayerStop size={16} stroke={1.75} aria-hidden /> : <IconPlayerPlay size={16} stroke={1.75} aria-hidden />}
            {tailing ? 'Stop tail' : 'Live tail'}
          </button>
        </>
      }
    >
      <div className="query-row">
        <span className="letter" aria-hidden>A</span>
        <CodeEditor
          label="LogQL query"
          testId="query-editor"
          language={language}
          value={draft}
          placeholder={'LogQL, e.g. {app="checkout-api"} |= "error"'}
          onChange={setDraft}
          onRun={() => run(draft)}
          error={error instanceof ApiError && draft.trim() === query ? errorSpot(error.serverText, draft) : null}
        />
        <div className="tools">
          <button type="button" className="button primary" onClick={() => run(draft)} data-testid="run-query" title="Run (Shift Enter)">
            <IconPlayerPlay size={16} stroke={1.75} aria-hidden />
            Run <kbd className="hide-tablet">Shift Enter</kbd>
          </button>
        </div>
      </div>
      {query !== '' && error === null && !first && (
        <div className="stats" data-testid="query-stats">
          {!metric && (
            <>
              <span>
                <b>{grouped(Math.max(total, lines.length))}</b> lines
              </span>
              <span>
                <b>{grouped(streams)}</b> streams
              </span>
            </>
          )}
          {stats !== undefined && !tailing && stats.seconds > 0 && (
            <span>
              <b>{sayDuration(stats.seconds * 1_000)}</b>
            </span>
          )}
          {stats !== undefined && !tailing && stats.bytes > 0 && (
            <span>
              <b>{figure(stats.bytes, 'bytes').text}</b> {figure(stats.bytes, 'bytes').unit} read
            </span>
          )}
          <span className="grow" />
          {!metric &&
            levels
              .filter((level) => (byLevel.get(level) ?? 0) > 0)
              .map((level) => (
                <span key={level} className="row" style={{ gap: 6 }}>
                  <span className="level-swatch" style={{ background: levelColor[level] }} />
                  {level} {grouped(byLevel.get(level) ?? 0)}
                </span>
              ))}
        </div>
      )}
      {query === '' && (
        <div className="panel">
          <Empty title="No query yet.">
            <p>Start with the streams you want, in braces; completion knows their labels and values. Then narrow with |= and !=.</p>
            <CopyLine value={'{app="checkout-api"} |= "error" | json'} />
          </Empty>
        </div>
      )}
      {first && (
        <div className="panel">
          <Progress />
          <Skeleton rows={14} />
        </div>
      )}
      {error !== null && (
        <div className="panel">
          <Failed error={error} what="The query did not run." onRetry={time.refreshNow} />
        </div>
      )}
      {query !== '' && error === null && !first && metric && <MetricResult result={matrix.data?.series ?? []} span={span} step={graphStep} reloading={reloading} onPick={(name, value, equal) => pick(name, value, equal, isStream(name) ? 'stream' : 'metadata')} />}
      {query !== '' && error === null && !first && !metric && (
        <>
          {!tailing && (
            <div className={`panel${reloading ? ' reloading' : ''}`} style={{ marginBottom: 8 }}>
              {reloading && <Progress />}
              {volume.error !== null ? (
                <p className="caption" style={{ padding: '8px 12px' }}>
                  The histogram could not be computed: {volume.error instanceof ApiError ? volume.error.serverText : ''}{' '}
                  <button type="button" className="link-button" onClick={() => void volume.refetch()}>
                    Retry
                  </button>
                </p>
              ) : (
                <VolumeChart buckets={buckets} fromMs={span.fromMs} toMs={span.toMs} stepMs={step * 1_000} zone={time.zone} ends={time.range.to === 'now'} visible={visible} onZoom={(fromMs, toMs) => time.setRange(absoluteRange({ fromMs, toMs }))} />
              )}
            </div>
          )}
          {lines.length === 0 && !tailing ? (
            <div className="panel">
              <Empty title="No line matches in this range.">
                <pre className="well">{query}</pre>
                <p>{sayRange(time.range, time.zone)}.</p>
                <button type="button" className="button" onClick={() => time.setRange({ from: 'now-24h', to: 'now' })}>
                  Try the last 24 h
                </button>
              </Empty>
            </div>
          ) : (
            <div className={tailing ? 'logs-grid tailing' : 'logs-grid'}>
              <FieldsPanel fields={fields} onPick={pick} />
              <section className="panel lines-panel">
                <div className="panel-head">
                  Lines
                  <span className="caption">{grouped(lines.length)} loaded</span>
                  <span className="grow" />
                  {!tailing && (
                    <button type="button" className="button quiet" onClick={() => change({ dir: newestFirst ? 'forward' : null, line: null })} data-testid="order">
                      <IconArrowsSort size={16} stroke={1.75} aria-hidden />
                      <span className="hide-phone">{newestFirst ? 'newest first' : 'oldest first'}</span>
                    </button>
                  )}
                  <button type="button" className={wrap === '1' ? 'button on' : 'button quiet'} onClick={() => change({ wrap: wrap === '1' ? null : '1' }, true)} aria-pressed={wrap === '1'}>
                    <IconTextWrap size={16} stroke={1.75} aria-hidden />
                    <span className="hide-phone">wrap</span>
                  </button>
                </div>
                <LineList
                  lines={lines}
                  wrap={wrap === '1'}
                  zone={time.zone}
                  searched={searched}
                  picked={picked}
                  onPick={(line) => change({ line: line.key === picked ? null : line.key }, true)}
                  onVisible={onVisible}
                  more={!tailing && logs.hasNextPage ? { loading: logs.isFetchingNextPage, load: () => void logs.fetchNextPage(), older: newestFirst } : null}
                  end={!tailing && !logs.hasNextPage ? (lines.length >= heldMax ? `${grouped(heldMax)} lines are loaded; pick a shorter range to see the rest.` : 'No more lines in this range.') : null}
                />
                {tailing && (
                  <div className="tail-bar" data-testid="tail-bar">
                    {tail.ended === null ? (
                      <>
                        <button type="button" className="button" onClick={() => setPaused(!paused)}>
                          {paused ? <IconPlayerPlay size={16} stroke={1.75} aria-hidden /> : <IconPlayerPause size={16} stroke={1.75} aria-hidden />}
                          {paused ? 'Resume' : 'Pause'}
                        </button>
                        <b>{paused ? 'Tail paused' : 'Tailing'}</b>
                        <span className="t3">
                          {grouped(Math.round(tail.rate))} lines/s, {grouped(tail.waiting)} waiting, {grouped(tail.dropped)} dropped
                        </span>
                      </>
                    ) : (
                      <>
                        <span className="state error">
                          <span className="word">Tail ended</span>
                        </span>
                        <span className="t3 grow">{tail.ended}</span>
                        <button type="button" className="button" onClick={tail.restart}>
                          Tail again
                        </button>
                      </>
                    )}
                  </div>
                )}
              </section>
            </div>
          )}
        </>
      )}
      {selected !== null && <LineDrawer line={selected} zone={time.zone} isStream={isStream} onPick={pick} onClose={() => change({ line: null }, true)} onAround={(ms) => { time.setRange(absoluteRange({ fromMs: ms - 60_000, toMs: ms + 60_000 })); }} streamOnly={() => run(selector(selected.labels))} />}
    </Page>
  );
}

function MetricResult({ result, span, step, reloading, onPick }: { result: Parameters<typeof toGrid>[0][number]; span: { fromMs: number; toMs: number }; step: number; reloading: boolean; onPick: (name: string, value: string, equal: boolean) => void }) {
  const time = useTime();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [hover, setHover] = useState<string | null>(null);
  const from = Math.floor(span.fromMs / 1_000 / step) * step;
  const to = Math.floor(span.toMs / 1_000 / step) * step;
  const grid = useMemo(() => toGrid([result], from, to, step, drawnMax), [result, from, to, step]);
  if (grid.total === 0) {
    return (
      <div className="panel">
        <Empty title="No series match in this range.">
          <p>{sayRange(time.range, time.zone)}.</p>
        </Empty>
      </div>
    );
  }
  return (
    <div className={`panel${reloading ? ' reloading' : ''}`} style={{ paddingTop: 8 }}>
      {reloading && <Progress />}
      <div className="content">
        <TimeChart label={findingOfSeries(grid, sampleValue)} times={grid.times} series={grid.series.filter((each) => !hidden.has(each.key))} from={from} to={to} zone={time.zone} focus={hover} onZoom={(fromMs, toMs) => time.setRange(absoluteRange({ fromMs, toMs }))} />
        <Legend grid={grid} hidden={hidden} onHidden={setHidden} onHover={setHover} onPick={onPick} />
      </div>
    </div>
  );
}
