import type { Architecture } from '../../api/pharos';
import { StateIcon, stateWord } from '../../components/StateMark';
import { withUnit } from '../../format/number';
import { litNodes, worstFirst } from './layout';

/** The map as a list: the failing path first, then the rest in the order data flows. */
export function MapList({ data, focus, onFocus }: { data: Architecture; focus: string; onFocus: (id: string) => void }) {
  const lit = litNodes(data.edges);
  return (
    <ol className="map-list panel" data-testid="map-list">
      {worstFirst(data.nodes, lit).map((node) => {
        const first = node.figures[0];
        return (
          <li key={node.id} className={lit.has(node.id) ? 'lit' : ''}>
            <button type="button" onClick={() => onFocus(node.id)} aria-pressed={focus === node.id} data-testid={`node-${node.id}`} data-state={node.state}>
              <span className={`state ${node.state}`}>
                <StateIcon state={node.state} />
                <span className="visually-hidden">{stateWord(node.state)}</span>
              </span>
              <span>
                <span className="name">{node.name}</span>
                <span className="why">{node.reason || stateWord(node.state)}</span>
              </span>
              <span className="key">{first === undefined || first.value === null ? '' : withUnit(first.value, first.unit || first.label)}</span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
