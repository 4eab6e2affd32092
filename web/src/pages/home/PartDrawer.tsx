import { IconArrowRight } from '@tabler/icons-react';
import type { Architecture, MapEdge } from '../../api/pharos';
import { Drawer } from '../../components/Drawer';
import { Num } from '../../components/Num';
import { PageLink } from '../../components/Page';
import { StateMark } from '../../components/StateMark';
import { navPages } from '../../shell/pages';

const laneNames: Record<string, string> = { fleet: 'Fleet', collectors: 'Collectors', metrics: 'Metrics', logs: 'Logs', rulers: 'Rulers', routing: 'Alert routing', receivers: 'Receivers' };
const pageNames: [string, string][] = [['/fleet', 'Open Fleet'], ['/explore/logs', 'Open in Explore logs'], ['/explore', 'Open in Explore'], ['/alerting/rules', 'Open the rules'], ['/alerting/notifications', 'Open the notifications'], ['/alerting', 'Open Alerting']];

interface Props {
  data: Architecture;
  focus: string;
  onFocus: (id: string) => void;
  onClose: () => void;
}

/** Details of a part of the map or of a connection between two. */
export function PartDrawer({ data, focus, onFocus, onClose }: Props) {
  const name = (id: string) => data.nodes.find((each) => each.id === id)?.name ?? id;
  const node = data.nodes.find((each) => each.id === focus);
  const edge = data.edges.find((each) => each.id === focus);
  if (node === undefined && edge === undefined) {
    return (
      <Drawer title="Not on the map" onClose={onClose}>
        <p>Nothing on the map has the id {focus} now. It may have stopped reporting.</p>
      </Drawer>
    );
  }
  if (node === undefined && edge !== undefined) {
    const same = data.edges.filter((each) => each.signal === edge.signal && each.unit === edge.unit && (each.to === edge.to || each.from === edge.from));
    return (
      <Drawer caption="Connection" title={`${name(edge.from)} to ${name(edge.to)}`} onClose={onClose} testId="part-drawer">
        <dl className="facts">
          <dt>Carries</dt>
          <dd>{edge.signal}</dd>
          <dt>Rate</dt>
          <dd>{edge.idle ? 'idle: configured, nothing passes' : <Num value={edge.rate} unit={edge.unit} />}</dd>
        </dl>
        <Edges title="Drawn together with it" edges={same} name={name} onFocus={onFocus} />
      </Drawer>
    );
  }
  if (node === undefined) return null;
  const built = node.link !== '' && navPages.some((page) => page.under !== '/' && node.link.startsWith(page.under));
  const linkName = pageNames.find(([prefix]) => node.link.startsWith(prefix))?.[1] ?? 'Open';
  return (
    <Drawer caption={laneNames[node.lane]} title={node.name} onClose={onClose} testId="part-drawer">
      <StateMark state={node.state} soft />
      {node.reason !== '' && <p className="t1">{node.reason}</p>}
      <section>
        <h3>Figures</h3>
        <dl className="facts">
          {node.figures.map((each, at) => (
            <FigureRow key={at} label={each.label || each.unit} value={each.value} unit={each.unit} />
          ))}
        </dl>
      </section>
      <Edges title="Comes in" edges={data.edges.filter((each) => each.to === node.id)} name={name} onFocus={onFocus} end="from" />
      <Edges title="Goes out" edges={data.edges.filter((each) => each.from === node.id)} name={name} onFocus={onFocus} end="to" />
      {built && (
        <div>
          <PageLink to={node.link} className="button primary" data-testid="part-link">
            {linkName}
            <IconArrowRight size={16} stroke={1.75} aria-hidden />
          </PageLink>
        </div>
      )}
    </Drawer>
  );
}

function FigureRow({ label, value, unit }: { label: string; value: number | null; unit: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        <Num value={value} unit={unit} />
      </dd>
    </>
  );
}

function Edges({ title, edges, name, onFocus, end }: { title: string; edges: readonly MapEdge[]; name: (id: string) => string; onFocus: (id: string) => void; end?: 'from' | 'to' }) {
  if (edges.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <table className="table">
        <tbody>
          {edges.map((each) => (
            <tr key={each.id}>
              <td className="slack">
                <button type="button" className="link-button" onClick={() => onFocus(end === undefined ? each.from : each[end])}>
                  {end === undefined ? `${name(each.from)} to ${name(each.to)}` : name(each[end])}
                </button>
              </td>
              <td className="t3">{each.signal}</td>
              <td className="num">{each.idle ? <span className="t3">idle</span> : <Num value={each.rate} unit={each.unit} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
