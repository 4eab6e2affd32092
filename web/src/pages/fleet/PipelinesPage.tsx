import '../alerts/alerts.css';

import { IconPlus } from '@tabler/icons-react';
import { lazy, Suspense, useMemo } from 'react';
import { Chip } from '../../components/Chips';
import { Page } from '../../components/Page';
import { StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { Empty, Failed, Skeleton } from '../../components/Views';
import { parseMatcher } from '../../format/labels';
import { count, grouped } from '../../format/number';
import { useChangeParams, useParam } from '../../state/url';
import { isAssigned } from './assign';
import { useFleet } from './FleetPage';
import { FleetTabs } from './FleetTabs';

// The editor is fetched when a pipeline is opened.
const PipelineEditor = lazy(async () => ({ default: (await import('./PipelineEditor')).PipelineEditor }));

export function PipelinesPage() {
  const { collectors, pipelines } = useFleet();
  const change = useChangeParams();
  const [text, setText] = useParam('filter');
  const [editing] = useParam('edit');
  const [creating] = useParam('new');
  const words = text.toLowerCase();
  const rows = useMemo(
    () =>
      (pipelines.data ?? [])
        .filter((each) => `${each.name} ${each.matchers.join(' ')} ${each.contents}`.toLowerCase().includes(words))
        .map((pipeline) => ({ pipeline, matched: (collectors.data ?? []).filter((each) => isAssigned(pipeline.matchers, each)).length }))
        .sort((a, b) => (a.pipeline.name < b.pipeline.name ? -1 : 1)),
    [pipelines.data, collectors.data, words],
  );
  const open = pipelines.data?.find((each) => each.name === editing);
  const enabled = (pipelines.data ?? []).filter((each) => each.enabled);
  const idle = rows.filter((each) => each.pipeline.enabled && each.matched === 0).length;
  const finding =
    pipelines.data === undefined
      ? pipelines.error === null
        ? ' '
        : 'The pipelines are unknown.'
      : pipelines.data.length === 0
        ? 'No pipelines yet.'
        : `${count(enabled.length, 'pipeline runs', 'pipelines run')} on ${count(collectors.data?.length ?? 0, 'collector')}${idle > 0 ? `; ${count(idle, 'matches nobody', 'match nobody')}` : ''}.`;
  return (
    <Page
      title="Pipelines"
      wide
      caption="Fleet"
      finding={finding}
      actions={
        <button type="button" className="button primary" onClick={() => change({ new: '1', edit: null })} data-testid="new-pipeline">
          <IconPlus size={16} stroke={1.75} aria-hidden />
          New pipeline
        </button>
      }
    >
      <FleetTabs />
      <div className="toolbar">
        <input className="field" placeholder="Filter by name, matcher or contents" value={text} onChange={(event) => setText(event.target.value, true)} aria-label="Filter the pipelines" data-filter />
      </div>
      <div className="panel">
        {pipelines.isPending && pipelines.error === null && <Skeleton rows={5} />}
        {pipelines.error !== null && <Failed error={pipelines.error} what="The pipelines could not be loaded." onRetry={() => void pipelines.refetch()} />}
        {pipelines.data !== undefined && rows.length === 0 && (
          <Empty title={pipelines.data.length === 0 ? 'No pipeline is stored yet.' : 'No pipeline matches the filter.'}>
            <p>{pipelines.data.length === 0 ? 'A pipeline is a piece of collector configuration; every collector whose attributes match gets it within a poll.' : `The filter hides ${count(pipelines.data.length, 'pipeline')}.`}</p>
          </Empty>
        )}
        {rows.length > 0 && (
          <div className="table-wrap">
            <table className="table items" data-testid="pipeline-table">
              <thead>
                <tr>
                  <th>State</th>
                  <th>Pipeline</th>
                  <th>Goes to</th>
                  <th className="num">Collectors</th>
                  <th className="num phone-hide">Lines</th>
                  <th>Managed by</th>
                  <th className="num">Changed</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ pipeline, matched }) => (
                  <tr key={pipeline.id || pipeline.name} className={pipeline.name === editing ? 'selected' : ''} data-testid="pipeline-row" data-pipeline={pipeline.name}>
                    <td>{!pipeline.enabled ? <StateMark state="nodata" word="Disabled" /> : matched === 0 && collectors.data !== undefined ? <StateMark state="nodata" word="Matches nobody" /> : <StateMark state="ok" word="Enabled" />}</td>
                    <td className="nowrap">
                      <button type="button" className="link-button" onClick={() => change({ edit: pipeline.name, new: null })} data-testid="edit-pipeline">
                        {pipeline.name}
                      </button>
                    </td>
                    <td className="slack">
                      {pipeline.matchers.length === 0 ? (
                        <span className="t3">every collector</span>
                      ) : (
                        <span className="chips">
                          {pipeline.matchers.map((text) => {
                            const m = parseMatcher(text);
                            return m === null ? <span key={text} className="chip fail">{text}</span> : <Chip key={text} name={m.name} value={m.value} operator={m.isEqual ? (m.isRegex ? '=~' : '=') : m.isRegex ? '!~' : '!='} />;
                          })}
                        </span>
                      )}
                    </td>
                    <td className="num" data-label="collectors">{collectors.data === undefined ? '–' : `${grouped(matched)} of ${grouped(collectors.data.length)}`}</td>
                    <td className="num phone-hide">{grouped(pipeline.contents.split('\n').filter((line) => line.trim() !== '').length)}</td>
                    <td className="t3">{pipeline.source || 'this page'}</td>
                    <td className="num">
                      <Time ms={pipeline.updatedAtMs} as="ago" />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
      {(open !== undefined || creating === '1') && (
        <Suspense fallback={null}>
          <PipelineEditor
            key={open?.name ?? ''}
            pipeline={open ?? null}
            taken={(pipelines.data ?? []).map((each) => each.name)}
            collectors={collectors.data ?? []}
            onClose={() => change({ edit: null, new: null })}
            onSaved={(name) => {
              void pipelines.refetch();
              change({ edit: name === '' ? null : name, new: null }, true);
            }}
          />
        </Suspense>
      )}
    </Page>
  );
}
