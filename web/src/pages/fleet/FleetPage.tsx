import '../alerts/alerts.css';

import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { listCollectors, listPipelines, type Collector } from '../../api/fleet';
import { Chips } from '../../components/Chips';
import { Drawer } from '../../components/Drawer';
import { Page, PageLink } from '../../components/Page';
import { StateIcon, StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { CopyLine, Empty, Failed, Skeleton } from '../../components/Views';
import { VirtualRows } from '../../components/VirtualRows';
import { commonLabels, withoutLabels } from '../../format/labels';
import { count, grouped } from '../../format/number';
import { useNow, useRefreshMs, useTime } from '../../state/time';
import { useChangeParams, useParam } from '../../state/url';
import { parseFilter, passes, withFilter } from '../alerts/filter';
import { collectorLooks, collectorWord, collectorWords, effectiveAttributes, findingOf, pipelinesOf, versionOf, type CollectorWord } from './assign';
import { FleetTabs } from './FleetTabs';

export function useFleet() {
  const { tick } = useTime();
  const every = useRefreshMs(5_000);
  const collectors = useQuery({ queryKey: ['collectors', tick], queryFn: ({ signal }) => listCollectors(signal), refetchInterval: every });
  const pipelines = useQuery({ queryKey: ['pipelines', tick], queryFn: ({ signal }) => listPipelines(signal), refetchInterval: every });
  return { collectors, pipelines };
}

const hidden = ['collector.ID', 'collector.version'];

export function FleetPage() {
  const { collectors, pipelines } = useFleet();
  const now = useNow(5_000);
  const change = useChangeParams();
  const [text, setText] = useParam('filter');
  const [shown] = useParam('state');
  const [picked] = useParam('id');
  const filter = useMemo(() => parseFilter(text), [text]);
  const all = useMemo(
    () => (collectors.data ?? []).map((each) => ({ collector: each, word: collectorWord(each, now), attributes: effectiveAttributes(each), pipelines: pipelinesOf(each, pipelines.data ?? []) })).sort((a, b) => collectorWords.indexOf(a.word) - collectorWords.indexOf(b.word) || (a.collector.id < b.collector.id ? -1 : 1)),
    [collectors.data, pipelines.data, now],
  );
  const found = useMemo(() => all.filter((each) => passes(filter, { ...each.attributes, id: each.collector.id }, [each.collector.name, ...each.pipelines])), [all, filter]);
  const rows = found.filter((each) => shown === '' || each.word === shown);
  const common = useMemo(() => commonLabels(rows.map((each) => withoutLabels(each.attributes, { 'collector.ID': each.collector.id }))), [rows]);
  const of = (word: CollectorWord) => found.filter((each) => each.word === word).length;
  const open = all.find((each) => each.collector.id === picked);
  const pick = (name: string, value: string, equal: boolean) => setText(withFilter(text, name, value, equal));

  return (
    <Page title="Fleet" wide caption="Fleet inventory" finding={collectors.data === undefined ? (collectors.error === null ? ' ' : 'The state of the fleet is unknown.') : findingOf(all.map((each) => each.word))}>
      <FleetTabs />
      <div className="toolbar">
        <input className="field" placeholder={'Filter: cluster=~"eu.*", site!="" or words'} value={text} onChange={(event) => setText(event.target.value, true)} aria-label="Filter the collectors" data-filter data-testid="fleet-filter" />
        <span className="joined" role="group" aria-label="States">
          <button type="button" className={shown === '' ? 'button on' : 'button'} aria-pressed={shown === ''} onClick={() => change({ state: null })}>
            All {grouped(found.length)}
          </button>
          {collectorWords
            .filter((word) => of(word) > 0 || shown === word)
            .map((word) => (
              <button type="button" key={word} className={shown === word ? 'button on' : 'button'} aria-pressed={shown === word} onClick={() => change({ state: shown === word ? null : word })}>
                <span className={`state ${collectorLooks[word].state}`}>
                  <StateIcon state={collectorLooks[word].state} />
                </span>
                <span className="hide-phone">{collectorLooks[word].word}</span> {grouped(of(word))}
              </button>
            ))}
        </span>
        {Object.keys(common).length > 0 && rows.length > 1 && (
          <span className="row wrap">
            <span className="caption">Common to all:</span>
            <Chips labels={common} hide={hidden} onPick={pick} />
          </span>
        )}
      </div>
      <div className="panel">
        {collectors.isPending && collectors.error === null && <Skeleton rows={10} />}
        {collectors.error !== null && <Failed error={collectors.error} what="The collectors could not be loaded." onRetry={() => void collectors.refetch()} />}
        {collectors.data !== undefined &&
          (rows.length === 0 ? (
            <Empty title={all.length === 0 ? 'No collector has registered yet.' : 'No collector matches the filter.'} action={all.length === 0 ? undefined : <button type="button" className="button" onClick={() => change({ filter: null, state: null })}>Show all {grouped(all.length)}</button>}>
              {all.length === 0 ? (
                <>
                  <p>Add this block to the configuration of a collector (or of Alloy); it registers when it starts.</p>
                  <CopyLine value={`remotecfg {\n  url            = "${window.location.origin}"\n  id             = constants.hostname\n  poll_frequency = "60s"\n}`} />
                </>
              ) : (
                <p>The filter hides {count(all.length, 'collector')}.</p>
              )}
            </Empty>
          ) : (
            <VirtualRows
              label="Collectors"
              testId="collector-table"
              columns={6}
              count={rows.length}
              rowHeight={33}
              rowKey={(index) => rows[index]?.collector.id ?? String(index)}
              head={
                <tr>
                  <th>State</th>
                  <th>Collector</th>
                  <th className="phone-hide">Attributes</th>
                  <th>Version</th>
                  <th className="num">Pipelines</th>
                  <th className="num">Last poll</th>
                </tr>
              }
              row={(index, props) => {
                const row = rows[index];
                if (row === undefined) return null;
                const { collector, word } = row;
                return (
                  <tr key={collector.id} {...props} className={collector.id === picked ? 'selected' : ''} data-testid="collector-row" data-collector={collector.id} data-state={word}>
                    <td>
                      <StateMark state={collectorLooks[word].state} word={collectorLooks[word].word} reason={collector.configMessage} />
                    </td>
                    <td className="nowrap">
                      <button type="button" className="link-button" onClick={() => change({ id: collector.id === picked ? null : collector.id })}>
                        {collector.id}
                      </button>{' '}
                      <span className="t3">{collector.name}</span>
                    </td>
                    <td className="slack phone-hide">
                      <Chips labels={withoutLabels(row.attributes, common)} hide={hidden} max={4} onPick={pick} />
                    </td>
                    <td>{versionOf(collector) || <span className="t3">–</span>}</td>
                    <td className="num" data-label="pipelines">{grouped(row.pipelines.length)}</td>
                    <td className="num">{collector.lastSeenMs === null ? <span className="t3">–</span> : <Time ms={collector.lastSeenMs} as="ago" />}</td>
                  </tr>
                );
              }}
            />
          ))}
      </div>
      {rows.length > 0 && (
        <p className="caption" style={{ marginTop: 8 }}>
          {grouped(rows.length)} of {grouped(all.length)} shown, worst first. Silent means two missed polls; the last good configuration keeps running while a collector is out of reach.
        </p>
      )}
      {open !== undefined && <CollectorDrawer collector={open.collector} word={open.word} attributes={open.attributes} pipelines={open.pipelines} onClose={() => change({ id: null })} />}
    </Page>
  );
}

function CollectorDrawer({ collector, word, attributes, pipelines, onClose }: { collector: Collector; word: CollectorWord; attributes: Record<string, string>; pipelines: readonly string[]; onClose: () => void }) {
  return (
    <Drawer caption={collector.name || 'Collector'} title={collector.id} onClose={onClose} testId="collector-drawer">
      <StateMark state={collectorLooks[word].state} word={collectorLooks[word].word} soft />
      {collector.configMessage !== '' && <pre className="server-text">{collector.configMessage}</pre>}
      <dl className="facts">
        <dt>Last poll</dt>
        <dd>
          {collector.lastSeenMs === null ? 'not known' : <Time ms={collector.lastSeenMs} as="ago" />}
        </dd>
        <dt>Configuration</dt>
        <dd>{collector.configStatus || 'not reported'}</dd>
        <dt>Version</dt>
        <dd>{versionOf(collector) || '–'}</dd>
        <dt>Registered</dt>
        <dd>
          <Time ms={collector.createdAtMs} />
        </dd>
        {collector.inactiveAtMs !== null && (
          <>
            <dt>Left</dt>
            <dd>
              <Time ms={collector.inactiveAtMs} as="ago" />
            </dd>
          </>
        )}
        {collector.hash !== '' && (
          <>
            <dt>Served hash</dt>
            <dd className="mono" style={{ overflowWrap: 'anywhere' }}>{collector.hash}</dd>
          </>
        )}
      </dl>
      <section>
        <h3>Attributes that pipelines match</h3>
        <Chips labels={attributes} hide={[]} max={50} />
      </section>
      <section>
        <h3>{count(pipelines.length, 'pipeline')}</h3>
        {pipelines.length === 0 && <p>{collector.enabled ? 'No enabled pipeline matches its attributes.' : 'It is disabled: it gets an empty configuration.'}</p>}
        <ul className="stack" style={{ gap: 4 }}>
          {pipelines.map((name) => (
            <li key={name}>
              <PageLink to={`/fleet/pipelines?edit=${encodeURIComponent(name)}`}>{name}</PageLink>
            </li>
          ))}
        </ul>
      </section>
    </Drawer>
  );
}
