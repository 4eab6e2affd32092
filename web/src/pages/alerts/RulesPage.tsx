import './alerts.css';

import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { allRules, type State } from '../../api/pharos';
import type { Rule, RuleGroup } from '../../api/prometheus';
import { Page } from '../../components/Page';
import { StateIcon, StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { Empty, Failed, Skeleton } from '../../components/Views';
import { VirtualRows } from '../../components/VirtualRows';
import { count, grouped } from '../../format/number';
import { useRefreshMs, useTime } from '../../state/time';
import { useChangeParams, useParam } from '../../state/url';
import { sayDuration } from '../../time/duration';
import { AlertingTabs } from './AlertingTabs';
import { parseFilter, passes, type Filter } from './filter';
import { RuleDrawer } from './RuleDrawer';

export type RuleWord = 'firing' | 'pending' | 'error' | 'ok' | 'nodata';

export const ruleLooks: Record<RuleWord, { state: State; word: string }> = {
  error: { state: 'error', word: 'Error' },
  firing: { state: 'firing', word: 'Firing' },
  pending: { state: 'pending', word: 'Pending' },
  nodata: { state: 'nodata', word: 'Not run' },
  ok: { state: 'ok', word: 'OK' },
};

const order: RuleWord[] = ['error', 'firing', 'pending', 'nodata', 'ok'];

/** A rule that cannot be evaluated is an error whatever it said before; one never run is grey, not green. */
export function ruleWord(rule: Rule): RuleWord {
  if (rule.health === 'err') return 'error';
  if (rule.kind === 'alerting' && rule.state !== 'inactive') return rule.state;
  return rule.health === 'unknown' && rule.lastEvaluationMs === null ? 'nodata' : 'ok';
}

export function ruleId(group: RuleGroup, rule: Rule, index: number): string {
  return [group.placement, group.file, group.name, rule.name, index].join('\u001f');
}

export function rulePasses(filter: Filter, group: RuleGroup, rule: Rule): boolean {
  for (const { key, value } of filter.keys) {
    if (key === 'state' && ruleWord(rule) !== value && rule.state !== value) return false;
    if (key === 'health' && !rule.health.startsWith(value.slice(0, 3))) return false;
    if ((key === 'placement' || key === 'ds') && group.placement !== value) return false;
    if (key === 'type' && rule.kind !== value) return false;
  }
  return passes(filter, { ...rule.labels, alertname: rule.name }, [rule.name, group.name, group.file, rule.query]);
}

type Row = { kind: 'group'; key: string; group: RuleGroup; count: number } | { kind: 'rule'; key: string; group: RuleGroup; rule: Rule };

export function RulesPage() {
  const time = useTime();
  const every = useRefreshMs(10_000);
  const change = useChangeParams();
  const [text, setText] = useParam('filter');
  const [shownState] = useParam('state');
  const [picked] = useParam('rule');
  const { data, error, refetch, isPending } = useQuery({ queryKey: ['all-rules', time.tick], queryFn: ({ signal }) => allRules(signal), refetchInterval: every });

  const filter = useMemo(() => parseFilter(text), [text]);
  const all = useMemo(() => (data ?? []).flatMap((group) => group.rules.map((rule, index) => ({ key: ruleId(group, rule, index), group, rule }))), [data]);
  const found = useMemo(() => all.filter(({ group, rule }) => rulePasses(filter, group, rule)), [all, filter]);
  const counts = useMemo(() => {
    const counted = new Map<RuleWord, number>();
    found.forEach(({ rule }) => counted.set(ruleWord(rule), (counted.get(ruleWord(rule)) ?? 0) + 1));
    return counted;
  }, [found]);
  const rows = useMemo<Row[]>(() => {
    const result: Row[] = [];
    let last: RuleGroup | null = null;
    for (const each of found) {
      if (shownState !== '' && ruleWord(each.rule) !== shownState) continue;
      if (each.group !== last) {
        last = each.group;
        result.push({ kind: 'group', key: `${each.group.placement} ${each.group.file} ${each.group.name}`, group: each.group, count: each.group.rules.length });
      }
      result.push({ kind: 'rule', ...each });
    }
    return result;
  }, [found, shownState]);
  const open = all.find((each) => each.key === picked);

  const firing = all.filter(({ rule }) => ruleWord(rule) === 'firing').length;
  const failing = all.filter(({ rule }) => rule.health === 'err').length;
  const finding =
    data === undefined
      ? error === null
        ? ' '
        : 'The rules are unknown.'
      : all.length === 0
        ? 'No rules yet.'
        : `${count(firing, 'rule fires', 'rules fire')}, ${failing === 0 ? 'all can be evaluated' : `${count(failing, 'rule cannot', 'rules cannot')} be evaluated`}.`;

  return (
    <Page title="Rules" caption="Alerting" finding={finding} wide>
      <AlertingTabs />
      <div className="toolbar">
        <input className="field" placeholder="Filter: state:firing health:err placement:logs team=&quot;a&quot; or words" value={text} onChange={(event) => setText(event.target.value, true)} aria-label="Filter the rules" data-filter data-testid="rule-filter" />
        <span className="joined" role="group" aria-label="States">
          <button type="button" className={shownState === '' ? 'button on' : 'button'} aria-pressed={shownState === ''} onClick={() => change({ state: null })}>
            All {grouped(found.length)}
          </button>
          {order
            .filter((word) => (counts.get(word) ?? 0) > 0 || shownState === word)
            .map((word) => (
              <button type="button" key={word} className={shownState === word ? 'button on' : 'button'} aria-pressed={shownState === word} onClick={() => change({ state: shownState === word ? null : word })}>
                <span className={`state ${ruleLooks[word].state}`}>
                  <StateIcon state={ruleLooks[word].state} />
                </span>
                <span className="hide-phone">{ruleLooks[word].word}</span> {grouped(counts.get(word) ?? 0)}
              </button>
            ))}
        </span>
      </div>
      <div className="panel">
        {isPending && error === null && <Skeleton rows={10} />}
        {error !== null && <Failed error={error} what="The rules could not be loaded." onRetry={() => void refetch()} />}
        {data !== undefined &&
          (rows.length === 0 ? (
            <Empty title={all.length === 0 ? 'No rules are loaded.' : 'No rule matches the filter.'} action={all.length === 0 ? undefined : <button type="button" className="button" onClick={() => change({ filter: null, state: null })}>Show all {grouped(all.length)}</button>}>
              <p>{all.length === 0 ? 'Rule groups come from rule files in the configuration, or over the ruler API of Mimir and Loki.' : `The filter hides ${count(all.length, 'rule')}.`}</p>
            </Empty>
          ) : (
            <VirtualRows
              label="Rules"
              testId="rule-table"
              columns={6}
              count={rows.length}
              rowHeight={48}
              rowKey={(index) => rows[index]?.key ?? String(index)}
              head={
                <tr>
                  <th>State</th>
                  <th>Rule</th>
                  <th className="num">Instances</th>
                  <th className="num phone-hide">For</th>
                  <th className="num phone-hide">Took</th>
                  <th className="num">Evaluated</th>
                </tr>
              }
              row={(index, props) => {
                const row = rows[index];
                if (row === undefined) return null;
                if (row.kind === 'group') {
                  const slow = row.group.intervalSeconds > 0 && row.group.evaluationSeconds > row.group.intervalSeconds;
                  return (
                    <tr key={row.key} className="group" {...props} data-testid="rule-group">
                      <td colSpan={6} className="slack">
                        <span className="row wrap">
                          {row.group.name}
                          <span className="caption">{row.group.file}</span>
                          <span className="caption">
                            {row.group.placement} ruler, every {sayDuration(row.group.intervalSeconds * 1_000)}, took {sayDuration(row.group.evaluationSeconds * 1_000)}
                          </span>
                          {slow && <StateMark state="pending" word="slower than its interval" />}
                        </span>
                      </td>
                    </tr>
                  );
                }
                const word = ruleWord(row.rule);
                return (
                  <tr key={row.key} {...props} className={row.key === picked ? 'selected' : ''} data-testid="rule-row" data-rule={row.rule.name} data-state={word}>
                    <td>
                      <StateMark state={ruleLooks[word].state} word={row.rule.kind === 'recording' && word === 'ok' ? 'Records' : ruleLooks[word].word} reason={row.rule.lastError} />
                    </td>
                    <td className="slack">
                      <button type="button" className="link-button" onClick={() => change({ rule: row.key === picked ? null : row.key })}>
                        {row.rule.name}
                      </button>
                      <span className="rule-query">{row.rule.query}</span>
                    </td>
                    <td className="num" data-label="instances">{row.rule.kind === 'alerting' ? grouped(row.rule.alerts.length) : <span className="t3">–</span>}</td>
                    <td className="num phone-hide">{row.rule.forSeconds > 0 ? sayDuration(row.rule.forSeconds * 1_000) : <span className="t3">–</span>}</td>
                    <td className="num phone-hide">{row.rule.lastEvaluationMs === null ? '–' : sayDuration(row.rule.evaluationSeconds * 1_000)}</td>
                    <td className="num">
                      <Time ms={row.rule.lastEvaluationMs} as="ago" />
                    </td>
                  </tr>
                );
              }}
            />
          ))}
      </div>
      {open !== undefined && <RuleDrawer group={open.group} rule={open.rule} onClose={() => change({ rule: null })} />}
    </Page>
  );
}
