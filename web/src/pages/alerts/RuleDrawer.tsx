import type { Rule, RuleGroup } from '../../api/prometheus';
import { Chips } from '../../components/Chips';
import { Drawer } from '../../components/Drawer';
import { OutsideLink, PageLink } from '../../components/Page';
import { StateMark } from '../../components/StateMark';
import { Time } from '../../components/Time';
import { commonLabels, labelsKey, withoutLabels } from '../../format/labels';
import { count, sampleValue } from '../../format/number';
import { sayDuration } from '../../time/duration';
import { ruleLooks, ruleWord } from './RulesPage';

const instancesMax = 200;

/** A rule's definition, its instances with value and age, and its errors. */
export function RuleDrawer({ group, rule, onClose }: { group: RuleGroup; rule: Rule; onClose: () => void }) {
  const word = ruleWord(rule);
  const common = commonLabels(rule.alerts.map((each) => each.labels));
  const explore = group.placement === 'logs' ? '/explore/logs' : '/explore/metrics';
  return (
    <Drawer caption={`${group.name}, ${group.placement} ruler`} title={rule.name} onClose={onClose} testId="rule-drawer">
      <StateMark state={ruleLooks[word].state} word={ruleLooks[word].word} soft />
      {rule.lastError !== '' && <pre className="server-text">{rule.lastError}</pre>}
      <section>
        <h3>Expression</h3>
        <pre className="well">{rule.query}</pre>
        <p style={{ marginTop: 4 }}>
          <PageLink to={`${explore}?q=${encodeURIComponent(rule.query)}`} data-testid="rule-explore">
            Open in Explore
          </PageLink>
        </p>
      </section>
      <dl className="facts">
        <dt>File</dt>
        <dd>{group.file || '–'}</dd>
        <dt>Evaluated</dt>
        <dd>
          every {sayDuration(group.intervalSeconds * 1_000)}, last <Time ms={rule.lastEvaluationMs} as="ago" />, took {sayDuration(rule.evaluationSeconds * 1_000)}
        </dd>
        {rule.kind === 'alerting' && (
          <>
            <dt>Waits</dt>
            <dd>{rule.forSeconds > 0 ? sayDuration(rule.forSeconds * 1_000) : 'fires at once'}</dd>
          </>
        )}
        {rule.keepFiringSeconds > 0 && (
          <>
            <dt>Keeps firing</dt>
            <dd>{sayDuration(rule.keepFiringSeconds * 1_000)}</dd>
          </>
        )}
      </dl>
      {Object.keys(rule.labels).length > 0 && (
        <section>
          <h3>Labels it adds</h3>
          <Chips labels={rule.labels} hide={[]} max={20} />
        </section>
      )}
      {Object.keys(rule.annotations).length > 0 && (
        <section>
          <h3>Annotations</h3>
          <dl className="facts">
            {Object.entries(rule.annotations).map(([name, value]) => (
              <Fact key={name} name={name} value={value} />
            ))}
          </dl>
        </section>
      )}
      {rule.kind === 'alerting' && (
        <section>
          <h3>{count(rule.alerts.length, 'instance')}</h3>
          {rule.alerts.length === 0 && <p>The expression gives nothing now.</p>}
          {Object.keys(common).length > 1 && (
            <div className="row wrap" style={{ marginBottom: 4 }}>
              <span className="caption">Common to all:</span>
              <Chips labels={common} />
            </div>
          )}
          {rule.alerts.length > 0 && (
            <table className="table">
              <tbody>
                {rule.alerts.slice(0, instancesMax).map((alert) => (
                  <tr key={labelsKey(alert.labels)} data-testid="instance-row">
                    <td>
                      <StateMark state={alert.state === 'inactive' ? 'ok' : alert.state} />
                    </td>
                    <td className="slack">
                      <Chips labels={withoutLabels(alert.labels, common)} />
                      <PageLink to={`/alerting/explain?labels=${encodeURIComponent(labelsKey(alert.labels))}`}>Explain</PageLink>
                    </td>
                    <td className="num">
                      <span className="t1">{sampleValue(alert.value)}</span>
                      <span className="caption" style={{ display: 'block' }}>
                        <Time ms={alert.activeAtMs} as="age" />
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {rule.alerts.length > instancesMax && <p className="caption">{instancesMax} of {rule.alerts.length} shown</p>}
        </section>
      )}
    </Drawer>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        <OutsideLink href={value}>{value}</OutsideLink>
      </dd>
    </>
  );
}
