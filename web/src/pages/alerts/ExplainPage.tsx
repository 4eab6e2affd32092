import './alerts.css';

import { useQuery } from '@tanstack/react-query';
import { IconBell, IconBellOff, IconCompass, IconPlugX, IconShieldHalf } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import { queryMatrix } from '../../api/loki';
import { silences as loadSilences } from '../../api/alertmanager';
import { labels as readLabels } from '../../api/decode';
import { allRules, journal, notifications, type JournalEvent } from '../../api/pharos';
import { queryRange, type Series } from '../../api/prometheus';
import { Chip, Chips } from '../../components/Chips';
import { Page, PageLink } from '../../components/Page';
import { StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { Empty, Failed, Skeleton } from '../../components/Views';
import { labelsKey, matches, sameLabels, selector, type Labels } from '../../format/labels';
import { count } from '../../format/number';
import { useAlerts } from '../../shell/queries';
import { useNow, useRefreshMs, useTime } from '../../state/time';
import { useParam } from '../../state/url';
import { clockTime } from '../../time/clock';
import { niceStep, sayDuration } from '../../time/duration';
import { AlertTimeline } from './AlertTimeline';
import { answerOf, lastEpisode, splitComparison, stepsOf } from './explain';

const eventsMax = 1_000;

function parseLabels(json: string): Labels | null {
  try {
    const value = readLabels(JSON.parse(json));
    return Object.keys(value).length === 0 ? null : value;
  } catch {
    return null;
  }
}

/** Why was I paged, or why not: one alert from its first sample to its notification. */
export function ExplainPage() {
  const [json] = useParam('labels');
  const of = useMemo(() => parseLabels(json), [json]);
  if (of === null) {
    return (
      <Page title="Explain" caption="Alerting" finding="Which alert?">
        <div className="panel">
          <Empty title="No alert is named." action={<PageLink to="/alerting" className="button">See the alerts</PageLink>}>
            <p>Open an alert from the list to see why it did or did not notify.</p>
          </Empty>
        </div>
      </Page>
    );
  }
  return <Explain of={of} />;
}

function Explain({ of }: { of: Labels }) {
  const time = useTime();
  const every = useRefreshMs(5_000);
  const name = of['alertname'] ?? 'alert';
  const key = labelsKey(of);
  const events = useQuery({ queryKey: ['journal', key, time.tick], queryFn: ({ signal }) => journal(of, eventsMax, signal), refetchInterval: every });
  const rules = useQuery({ queryKey: ['all-rules', time.tick], queryFn: ({ signal }) => allRules(signal), staleTime: 30_000 });
  const known = useQuery({ queryKey: ['silences', time.tick], queryFn: ({ signal }) => loadSilences(signal), refetchInterval: every });
  const sent = useQuery({ queryKey: ['notifications', time.tick], queryFn: ({ signal }) => notifications(200, signal), refetchInterval: every });
  const alerts = useAlerts();
  useNow(5_000);

  const episode = useMemo(() => lastEpisode(events.data ?? []), [events.data]);
  const answer = answerOf(episode, time.zone);
  const found = useMemo(() => (rules.data ?? []).flatMap((group) => group.rules.map((rule) => ({ group, rule }))).filter(({ rule }) => rule.kind === 'alerting' && rule.name === name), [rules.data, name]);
  const one = found.find(({ rule }) => rule.alerts.some((alert) => sameLabels(alert.labels, of))) ?? found[0];
  const expr = one?.rule.query ?? events.data?.find((event) => event.detail['expr'] !== undefined)?.detail['expr'] ?? '';
  const placement = one?.group.placement ?? events.data?.find((event) => event.detail['placement'] !== undefined)?.detail['placement'] ?? 'metrics';
  const alert = alerts.data?.find((each) => sameLabels(each.labels, of));
  const steps = episode === null ? [] : stepsOf(episode, one?.rule.forSeconds ?? null);
  const message = (sent.data ?? []).filter((each) => each.alerts.some((item) => sameLabels(item.labels, of))).sort((a, b) => b.atMs - a.atMs);
  const explore = placement === 'logs' ? '/explore/logs' : '/explore/metrics';

  return (
    <Page
      title={`${name} explained`}
      wide
      caption={
        <span className="row wrap" style={{ marginBottom: 4 }}>
          <StateMark state={answer.state} word={answer.word} soft />
          <span className="explain-name">{name}</span>
          {answer.sinceMs !== null && (
            <span>
              since <Time ms={answer.sinceMs} />, <Time ms={answer.sinceMs} as="age" />
            </span>
          )}
        </span>
      }
      finding={events.data === undefined ? (events.error === null ? ' ' : 'The story of this alert is unknown.') : answer.sentence}
      actions={
        <>
          <PageLink to={`/alerting/silences?new=${encodeURIComponent(key)}`} className="button" data-testid="silence-this">
            <IconBellOff size={16} stroke={1.75} aria-hidden />
            Silence
          </PageLink>
          {expr !== '' && (
            <PageLink to={`${explore}?q=${encodeURIComponent(expr)}`} className="button" data-testid="explain-explore">
              <IconCompass size={16} stroke={1.75} aria-hidden />
              Open query
            </PageLink>
          )}
        </>
      }
    >
      <div style={{ marginBottom: 12 }}>
        <Chips labels={of} max={12} />
        {Object.values(alert?.annotations ?? {}).some((each) => /^https?:/.test(each)) && (
          <p style={{ marginTop: 8 }}>
            {Object.entries(alert?.annotations ?? {})
              .filter(([, value]) => /^https?:\/\//.test(value))
              .map(([label, value]) => (
                <a key={label} href={value} target="_blank" rel="noreferrer noopener" style={{ marginRight: 12 }}>
                  {label.replace(/_url$/, '').replaceAll('_', ' ')}
                </a>
              ))}
          </p>
        )}
      </div>
      {events.isPending && events.error === null && (
        <div className="panel">
          <Skeleton rows={10} />
        </div>
      )}
      {events.error !== null && (
        <div className="panel">
          <Failed error={events.error} what="The journal could not be loaded." onRetry={() => void events.refetch()} />
        </div>
      )}
      {events.data !== undefined && episode === null && (
        <div className="panel">
          <Empty title="No step of this alert is recorded." action={<PageLink to="/alerting" className="button">See the alerts</PageLink>}>
            <p>The journal keeps what happened since it began; older alerts, or alerts with other labels, have no record here.</p>
          </Empty>
        </div>
      )}
      {episode !== null && (
        <>
          <Tracks of={of} expr={expr} placement={placement} events={events.data ?? []} episode={episode} interval={one?.group.intervalSeconds ?? 0} />
          <ol className="steps" data-testid="explain-steps">
            {steps.map((step, at) => {
              const next = steps[at + 1];
              const gap = next === undefined || step.atMs === null || next.atMs === null ? '' : sayDuration(Math.max(0, next.atMs - step.atMs));
              return (
                <li key={step.name} className={step.tone} data-testid={`step-${step.name.toLowerCase()}`} data-tone={step.tone}>
                  <div className="head">
                    <span className="number">{at + 1}</span>
                    <span className="line">{gap !== '' && <em>{gap}</em>}</span>
                  </div>
                  <h3>{step.name}</h3>
                  <span className="caption">{step.atMs === null ? '–' : clockTime(step.atMs, time.zone)}</span>
                  <p className="t1">{step.what}</p>
                  <p className="caption">{step.because}</p>
                </li>
              );
            })}
          </ol>
          <div className="stopped">
            <Stopped of={of} events={episode.events} silences={known.data ?? []} inhibitedBy={alert?.inhibitedBy ?? []} />
            <section className="panel" data-testid="message-as-sent">
              <div className="panel-head">
                The message as sent
                <span className="grow" />
                <PageLink to={`/alerting/notifications?filter=${encodeURIComponent(`alertname="${name}"`)}`}>All of this alert</PageLink>
              </div>
              <div className="panel-body">
                {message[0] === undefined ? (
                  <p>Nothing was sent for it yet.</p>
                ) : (
                  <>
                    <p className="caption" style={{ marginBottom: 4 }}>
                      {message[0].receiver}, {message[0].integration}, <Time ms={message[0].atMs} />
                      {message[0].delivered ? '' : `, not delivered: ${message[0].error ?? ''}`}
                    </p>
                    <pre className="well" style={{ maxHeight: 220 }}>{message[0].body === '' ? 'No body was kept.' : message[0].body}</pre>
                  </>
                )}
              </div>
            </section>
          </div>
          <section className="panel" style={{ marginTop: 12 }}>
            <div className="panel-head">
              Journal <span className="caption">{count(events.data?.length ?? 0, 'event')}, newest first</span>
            </div>
            <Journal events={events.data ?? []} />
          </section>
        </>
      )}
    </Page>
  );
}

/** The tracks fetch their value by themselves: the part before the comparison, for this alert's labels. */
function Tracks({ of, expr, placement, events, episode, interval }: { of: Labels; expr: string; placement: string; events: readonly JournalEvent[]; episode: NonNullable<ReturnType<typeof lastEpisode>>; interval: number }) {
  const time = useTime();
  const lead = Math.max(5 * 60_000, ((episode.firingMs ?? Date.now()) - episode.startMs) * 2);
  const fromMs = episode.startMs - lead;
  const toMs = episode.resolvedMs === null ? Date.now() : episode.resolvedMs + lead / 2;
  const step = Math.max(niceStep(toMs - fromMs, 240, 1), 1);
  const compared = useMemo(() => splitComparison(expr), [expr]);
  const asked = compared?.value ?? expr;
  const bucket = Math.floor(toMs / (step * 1_000));
  const values = useQuery({
    queryKey: ['explain-value', asked, placement, Math.floor(fromMs / 1_000), bucket],
    enabled: asked !== '',
    queryFn: async ({ signal }) => (placement === 'logs' ? await queryMatrix(asked, fromMs, toMs, step, signal) : await queryRange(asked, fromMs, toMs, step, signal)).series,
    staleTime: Infinity,
  });
  const states = useQuery({
    queryKey: ['explain-state', labelsKey(of), Math.floor(fromMs / 1_000), bucket],
    queryFn: async ({ signal }) => (await queryRange(`ALERTS${selector(of)}`, fromMs, toMs, Math.max(interval, step), signal)).series,
    staleTime: Infinity,
  });
  const mine = useMemo(() => pickSeries(values.data ?? [], of), [values.data, of]);
  return (
    <section className="panel" data-testid="alert-timeline">
      <div className="panel-head">
        {episode.resolvedMs === null ? 'Why was I paged?' : 'What happened'} <span className="caption">true time{interval > 0 ? `, evaluated every ${sayDuration(interval * 1_000)}` : ''}</span>
      </div>
      <AlertTimeline fromMs={fromMs} toMs={toMs} zone={time.zone} live={episode.resolvedMs === null} value={mine} valueName={compared === null ? 'Value' : 'Value'} threshold={compared?.threshold ?? null} operator={compared?.operator ?? ''} evaluations={(states.data ?? []).flatMap((series) => series.times.map((at) => at * 1_000))} episode={episode} events={events} problem={values.error === null ? '' : 'The value could not be computed.'} />
    </section>
  );
}

/** Of several series the one whose labels all stand on the alert. */
export function pickSeries(series: readonly Series[], of: Labels): Series | null {
  const fits = series.filter((each) => Object.entries(each.labels).every(([name, value]) => name === '__name__' || of[name] === value));
  return fits[0] ?? (series.length === 1 ? (series[0] ?? null) : null);
}

function Stopped({ of, events, silences, inhibitedBy }: { of: Labels; events: readonly JournalEvent[]; silences: Awaited<ReturnType<typeof loadSilences>>; inhibitedBy: readonly string[] }) {
  const active = silences.filter((each) => each.state === 'active');
  const hit = active.filter((each) => each.matchers.every((m) => matches(m, of)));
  // The silence that misses by the fewest matchers shows what it would have taken.
  const near = active
    .map((silence) => ({ silence, failed: silence.matchers.filter((m) => !matches(m, of)) }))
    .filter((each) => each.failed.length > 0 && each.failed.length < each.silence.matchers.length + 1)
    .sort((a, b) => a.failed.length - b.failed.length)[0];
  const said = (step: JournalEvent['step']) => events.filter((event) => event.step === step).at(-1)?.because;
  const rows: { icon: typeof IconBell; name: string; what: string; more: ReactNode }[] = [
    {
      icon: IconBellOff,
      name: 'Silences',
      what: hit.length > 0 ? `${count(hit.length, 'silence matches', 'silences match')} now` : active.length === 0 ? 'none is active' : `none of ${active.length} active match`,
      more:
        said('silenced') ??
        (near !== undefined && near.failed[0] !== undefined ? (
          <>
            nearest fails on <Chip name={near.failed[0].name} value={near.failed[0].value} failed operator={near.failed[0].isEqual ? (near.failed[0].isRegex ? '=~' : '=') : near.failed[0].isRegex ? '!~' : '!='} />
          </>
        ) : (
          ''
        )),
    },
    { icon: IconShieldHalf, name: 'Inhibition', what: inhibitedBy.length > 0 ? 'inhibited now' : said('inhibited') === undefined ? 'no source alert held it back' : 'it was inhibited', more: said('inhibited') ?? '' },
    { icon: IconBell, name: 'Mute times', what: said('muted') === undefined ? 'none held it back' : 'muted', more: said('muted') ?? '' },
    { icon: IconPlugX, name: 'Delivery', what: said('notifyFailed') === undefined ? 'no attempt failed' : 'an attempt failed', more: said('notifyFailed') ?? said('deduplicated') ?? '' },
  ];
  return (
    <section className="panel">
      <div className="panel-head">What would have stopped it</div>
      <table className="table items">
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td>
                <row.icon size={16} stroke={1.75} aria-hidden className="t3" />
              </td>
              <td className="nowrap">{row.name}</td>
              <td style={{ minWidth: 150 }}>{row.what}</td>
              <td className="t3 slack">{row.more}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const journalShown = 100;

function Journal({ events }: { events: readonly JournalEvent[] }) {
  const time = useTime();
  return (
    <div className="table-wrap" style={{ maxHeight: 360 }}>
      <table className="table items" data-testid="journal">
        <tbody>
          {[...events]
            .reverse()
            .slice(0, journalShown)
            .map((event, at) => (
              <tr key={`${event.atMs} ${event.step} ${at}`} data-testid="journal-row" data-step={event.step}>
                <td className="nowrap t3">{clockTime(event.atMs, time.zone)}</td>
                <td className="nowrap t1">{event.step === 'notifyFailed' ? 'not delivered' : event.step}</td>
                <td className="slack" style={{ overflowWrap: 'anywhere' }}>{event.because}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {events.length > journalShown && <p className="caption" style={{ padding: '4px 12px 8px' }}>The newest {journalShown} of {events.length}</p>}
    </div>
  );
}
