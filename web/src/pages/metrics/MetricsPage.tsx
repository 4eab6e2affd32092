import './metrics.css';

import { useQueries, useQuery } from '@tanstack/react-query';
import { IconListDetails, IconPlayerPlay, IconPlus, IconTrash, IconWand } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { formatQuery, query as instantQuery, queryRange } from '../../api/prometheus';
import { LinkTabs, Page, PageLink } from '../../components/Page';
import { TimeChart } from '../../components/TimeChart';
import { CopyLine, Empty, Failed, Progress, Skeleton } from '../../components/Views';
import { CodeEditor } from '../../editor/CodeEditor';
import { matchersOf, promqlLanguage, withMatcher } from '../../editor/promql';
import { errorSpot } from '../../editor/serverError';
import { grouped, sampleValue } from '../../format/number';
import { selector } from '../../format/labels';
import { useTime } from '../../state/time';
import { absoluteRange, sayRange } from '../../time/range';
import { niceStep, sayDuration } from '../../time/duration';
import { Legend } from './Legend';
import { MetricBrowser } from './MetricBrowser';
import { RawTab, TableTab } from './ResultTabs';
import { drawnMax, findingOf, toGrid } from './series';

const language = promqlLanguage();
const tabs = ['graph', 'table', 'raw'] as const;

export function MetricsPage() {
  const [params, setParams] = useSearchParams();
  const time = useTime();
  const asked = useMemo(() => params.getAll('q').filter((each) => each.trim() !== ''), [params]);
  const [drafts, setDrafts] = useState<string[]>(() => (asked.length === 0 ? [''] : asked));
  const [all, setAll] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [hover, setHover] = useState<string | null>(null);
  const [browsing, setBrowsing] = useState(false);
  const tab = tabs.find((each) => each === params.get('tab')) ?? 'graph';
  const stacked = params.get('mode') === 'stacked';

  // Back and forth in history bring the queries of that time into the editors.
  const askedKey = asked.join('\n\u0000');
  const shownKey = useRef(askedKey);
  useEffect(() => {
    if (shownKey.current === askedKey) return;
    shownKey.current = askedKey;
    setDrafts(asked.length === 0 ? [''] : asked);
    setHidden(new Set());
  }, [asked, askedKey]);

  const run = useCallback(
    (queries: readonly string[] = drafts) => {
      const wanted = queries.map((each) => each.trim()).filter((each) => each !== '');
      if (wanted.join('\n\u0000') === askedKey) {
        time.refreshNow();
        return;
      }
      shownKey.current = wanted.join('\n\u0000');
      setAll(false);
      setHidden(new Set());
      setParams((now) => {
        const next = new URLSearchParams(now);
        next.delete('q');
        wanted.forEach((each) => next.append('q', each));
        return next;
      });
    },
    [askedKey, drafts, setParams, time],
  );

  const rangeKey = `${time.range.from} ${time.range.to} ${time.zone}`;
  const span = useMemo(() => time.resolve(), [rangeKey, time.tick, askedKey]);
  const step = niceStep(span.toMs - span.fromMs, 600, 5);
  const fromMs = Math.floor(span.fromMs / 1_000 / step) * step * 1_000;
  const toMs = Math.floor(span.toMs / 1_000 / step) * step * 1_000;

  const results = useQueries({
    queries: asked.map((expr) => ({ queryKey: ['query_range', expr, rangeKey, time.tick], queryFn: ({ signal }: { signal: AbortSignal }) => queryRange(expr, fromMs, toMs, step, signal), staleTime: Infinity, enabled: tab !== 'table' })),
  });
  const instant = useQuery({ queryKey: ['query', asked, rangeKey, time.tick], queryFn: ({ signal }) => Promise.all(asked.map((expr) => instantQuery(expr, span.toMs, signal))), staleTime: Infinity, enabled: tab === 'table' && asked.length > 0 });

  const data = results.map((each) => each.data);
  // The number of queries changes: one text stands for all answers.
  const answers = results.map((each) => each.dataUpdatedAt).join(' ');
  const grid = useMemo(() => toGrid(data.map((each) => each?.series ?? []), fromMs / 1_000, toMs / 1_000, step, all ? Infinity : drawnMax), [answers, fromMs, toMs, step, all]);
  const shown = useMemo(() => grid.series.filter((each) => !hidden.has(each.key)), [grid, hidden]);
  const failed = tab === 'table' ? instant.error : (results.find((each) => each.error !== null)?.error ?? null);
  const failedAt = results.findIndex((each) => each.error !== null);
  const loading = tab === 'table' ? instant.isFetching : results.some((each) => each.isFetching);
  const first = loading && (tab === 'table' ? instant.data === undefined : data.every((each) => each === undefined));
  const warnings = [...new Set((tab === 'table' ? (instant.data ?? []) : data).flatMap((each) => each?.warnings ?? []))];
  const samples = data.reduce((sum, each) => sum + (each?.stats.samples ?? 0), 0);
  const seconds = data.reduce((sum, each) => sum + (each?.stats.seconds ?? 0), 0);

  const pick = (name: string, value: string, equal: boolean) => {
    const next = drafts.map((each) => withMatcher(each, name, value, equal));
    setDrafts(next);
    run(next);
  };

  const finding = asked.length === 0 ? 'Ask a question in PromQL.' : failed !== null ? 'The query has no answer.' : first ? ' ' : tab === 'table' ? `${grouped((instant.data ?? []).reduce((sum, each) => sum + each.series.length, 0))} series at the end of the range.` : findingOf(grid, sampleValue);
  const logsOf = asked.length === 0 ? '' : selector(Object.fromEntries(asked.flatMap((each) => matchersOf(each)).filter((m) => m.isEqual && !m.isRegex && m.value !== '').map((m) => [m.name, m.value])));

  return (
    <Page
      title="Explore metrics"
      wide
      caption="Explore metrics"
      finding={finding}
      actions={
        <>
          <span className="joined" role="group" aria-label="Signal">
            <span className="button on" aria-current="page">Metrics</span>
            <PageLink to={`/explore/logs${logsOf === '' || logsOf === '{}' ? '' : `?q=${encodeURIComponent(logsOf)}`}`} className="button" data-testid="to-logs">
              Logs
            </PageLink>
          </span>
          <button type="button" className="button" onClick={() => setBrowsing(true)} data-testid="metric-browser">
            <IconListDetails size={16} stroke={1.75} aria-hidden />
            Browse
          </button>
        </>
      }
    >
      {drafts.map((draft, at) => (
        <div className="query-row" key={at}>
          <span className="letter" aria-hidden>{String.fromCharCode(65 + at)}</span>
          <CodeEditor
            label={`PromQL query ${String.fromCharCode(65 + at)}`}
            testId={at === 0 ? 'query-editor' : `query-editor-${at}`}
            language={language}
            value={draft}
            placeholder="PromQL, e.g. sum by (app) (rate(http_requests_total[5m]))"
            onChange={(text) => setDrafts((now) => now.map((each, index) => (index === at ? text : each)))}
            onRun={() => run()}
            error={failed instanceof ApiError && (failedAt === at || (tab === 'table' && at === 0)) && asked[at] === draft.trim() ? errorSpot(failed.serverText, draft) : null}
          />
          <div className="tools">
            <button type="button" className="icon-button" aria-label="Format the query" title="Format the query" onClick={() => void formatQuery(draft).then((text) => setDrafts((now) => now.map((each, index) => (index === at && text !== '' ? text : each)))).catch(() => run())}>
              <IconWand size={16} stroke={1.75} aria-hidden />
            </button>
            {drafts.length > 1 && (
              <button
                type="button"
                className="icon-button"
                aria-label="Remove the query"
                title="Remove the query"
                onClick={() => {
                  const next = drafts.filter((_, index) => index !== at);
                  setDrafts(next);
                  run(next);
                }}
              >
                <IconTrash size={16} stroke={1.75} aria-hidden />
              </button>
            )}
            {at === 0 && (
              <button type="button" className="button primary" onClick={() => run()} data-testid="run-query" title="Run (Shift Enter)">
                <IconPlayerPlay size={16} stroke={1.75} aria-hidden />
                Run <kbd className="hide-tablet">Shift Enter</kbd>
              </button>
            )}
          </div>
        </div>
      ))}
      <div className="stats" data-testid="query-stats">
        {drafts.length < 6 && (
          <button type="button" className="link-button row" style={{ gap: 4 }} onClick={() => setDrafts((now) => [...now, ''])}>
            <IconPlus size={12} stroke={1.75} aria-hidden />
            Add query
          </button>
        )}
        {asked.length > 0 && failed === null && !first && tab !== 'table' && (
          <>
            <span>
              <b>{grouped(grid.total)}</b> series
            </span>
            {samples > 0 && (
              <span>
                <b>{grouped(samples)}</b> samples read
              </span>
            )}
            {seconds > 0 && (
              <span>
                <b>{sayDuration(seconds * 1_000)}</b>
              </span>
            )}
            <span>step {sayDuration(step * 1_000)}</span>
          </>
        )}
      </div>
      {warnings.map((each) => (
        <p className="warning-line" key={each}>
          {each}
        </p>
      ))}
      {asked.length === 0 ? (
        <div className="panel">
          <Empty title="No query yet.">
            <p>Type a PromQL expression and press Shift Enter. Completion knows the metrics, labels and values of this server.</p>
            <CopyLine value="up" />
            <p>
              <button type="button" className="link-button" onClick={() => setBrowsing(true)}>
                Browse the metrics
              </button>
            </p>
          </Empty>
        </div>
      ) : (
        <>
          <LinkTabs
            label="Result"
            items={tabs.map((each) => {
              const next = new URLSearchParams(params);
              if (each === 'graph') next.delete('tab');
              else next.set('tab', each);
              return { to: `/explore/metrics?${next}`, name: { graph: 'Graph', table: 'Table', raw: 'Raw' }[each], on: tab === each };
            })}
          />
          <div className={`panel${loading && !first ? ' reloading' : ''}`}>
            {loading && <Progress />}
            {failed !== null ? (
              <Failed error={failed} what="The query did not run." onRetry={time.refreshNow} />
            ) : first ? (
              <Skeleton rows={10} />
            ) : (
              <div className="content">
                {tab === 'graph' &&
                  (grid.total === 0 ? (
                    <Empty title="No series match in this range.">
                      {asked.map((each) => (
                        <pre className="well" key={each}>{each}</pre>
                      ))}
                      <p>{sayRange(time.range, time.zone)}. The metric may have another name, or no data in this range.</p>
                      <button type="button" className="button" onClick={() => time.setRange({ from: 'now-24h', to: 'now' })}>Try the last 24 h</button>
                    </Empty>
                  ) : (
                    <>
                      <div className="panel-head">
                        <span className="grow">
                          {grid.total > grid.series.length && (
                            <span className="caption">
                              {grid.series.length} of {grouped(grid.total)} series drawn, highest first.{' '}
                              <button type="button" className="link-button" onClick={() => setAll(true)}>
                                Draw all
                              </button>
                            </span>
                          )}
                        </span>
                        <span className="joined" role="group" aria-label="Drawing">
                          <button type="button" className={stacked ? 'button' : 'button on'} onClick={() => setParams((now) => { const next = new URLSearchParams(now); next.delete('mode'); return next; })} aria-pressed={!stacked}>Lines</button>
                          <button type="button" className={stacked ? 'button on' : 'button'} onClick={() => setParams((now) => { const next = new URLSearchParams(now); next.set('mode', 'stacked'); return next; })} aria-pressed={stacked}>Stacked</button>
                        </span>
                      </div>
                      <TimeChart
                        label={finding}
                        times={grid.times}
                        series={shown}
                        from={span.fromMs / 1_000}
                        to={span.toMs / 1_000}
                        zone={time.zone}
                        stacked={stacked}
                        focus={hover}
                        onZoom={(from, to) => time.setRange(absoluteRange({ fromMs: from, toMs: to }))}
                      />
                      <Legend grid={grid} hidden={hidden} onHidden={setHidden} onHover={setHover} onPick={pick} />
                    </>
                  ))}
                {tab === 'table' && <TableTab results={instant.data ?? []} onPick={pick} />}
                {tab === 'raw' && <RawTab values={data.map((each) => each?.raw)} />}
              </div>
            )}
          </div>
        </>
      )}
      {browsing && (
        <MetricBrowser
          onClose={() => setBrowsing(false)}
          onPick={(name) => {
            const next = drafts.length === 1 && drafts[0]?.trim() === '' ? [name] : [...drafts.filter((each) => each.trim() !== '').slice(0, -1), name];
            setDrafts(next);
            run(next);
          }}
        />
      )}
    </Page>
  );
}

