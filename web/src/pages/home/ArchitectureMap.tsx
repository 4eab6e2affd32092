import '@xyflow/react/dist/base.css';

import { Handle, Position, ReactFlow, type Edge, type EdgeProps, type Node, type NodeProps } from '@xyflow/react';
import { createContext, useContext, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { Architecture, MapNode } from '../../api/pharos';
import { StateIcon, stateWord } from '../../components/StateMark';
import { cutMiddle } from '../../format/labels';
import { compact, figure } from '../../format/number';
import { layoutMap, litNodes, type Box, type Line } from './layout';

interface Picked {
  focus: string;
  pick: (id: string) => void;
  walk: (event: KeyboardEvent, node: MapNode) => void;
  lit: ReadonlySet<string>;
}

const PickContext = createContext<Picked>({ focus: '', pick: () => undefined, walk: () => undefined, lit: new Set() });

type BoxNode = Node<{ box: Box }, 'box'>;
type LineEdge = Edge<{ line: Line }, 'line'>;

const hiddenHandle = { opacity: 0, pointerEvents: 'none', border: 0, minWidth: 0, minHeight: 0 } as const;

function BoxView({ data }: NodeProps<BoxNode>) {
  const { box } = data;
  return (
    <div className={`map-box${box.kind === 'bus' ? ' bus' : ''}${box.lit ? ' lit' : ''}`} style={{ width: box.width, height: box.height }}>
      <Handle type="target" position={Position.Left} style={hiddenHandle} isConnectable={false} />
      {box.nodes.map((node) => (
        <Section key={node.id} node={node} alone={box.kind === 'box'} />
      ))}
      {box.hidden > 0 && <div className="map-more caption">{box.hidden} more, shown as list</div>}
      <Handle type="source" position={Position.Right} style={hiddenHandle} isConnectable={false} />
    </div>
  );
}

/** One node's text, as a button: Enter opens its details, arrows walk the edges. */
function Section({ node, alone }: { node: MapNode; alone: boolean }) {
  const { focus, pick, walk } = useContext(PickContext);
  return (
    <button
      type="button"
      className={`map-node nodrag nopan ${alone ? 'alone' : ''} ${focus === node.id ? 'focus' : ''}`}
      data-testid={`node-${node.id}`}
      data-state={node.state}
      data-node={node.id}
      aria-description={node.reason || stateWord(node.state)}
      aria-pressed={focus === node.id}
      onClick={() => pick(node.id)}
      onKeyDown={(event) => walk(event, node)}
    >
      <span className="map-name">{node.name}</span>
      {node.figures.slice(0, 4).map((each, at) => {
        const shown = each.value === null ? { text: '–', unit: '' } : figure(each.value, each.unit);
        return (
          <span className="map-figure" key={at}>
            <b>{shown.text}</b> {shown.unit}
            {shown.unit !== '' && each.label !== '' && each.label !== shown.unit ? ` ${each.label}` : shown.unit === '' ? each.label : ''}
          </span>
        );
      })}
      {node.state !== 'ok' && (
        <span className={`state ${node.state} map-state`}>
          <StateIcon state={node.state} size={14} />
          <span className="word cut">{node.reason || stateWord(node.state)}</span>
        </span>
      )}
    </button>
  );
}

function LineView({ data }: EdgeProps<LineEdge>) {
  const { focus, pick } = useContext(PickContext);
  if (data === undefined) return null;
  const { line } = data;
  const forward = line.x2 >= line.x1;
  const sign = forward ? 1 : -1;
  const bend = line.x2 - 18 * sign;
  const path = line.y1 === line.y2 ? `M${line.x1} ${line.y1}H${line.x2}` : `M${line.x1} ${line.y1}H${bend}V${line.y2}H${line.x2}`;
  const label = line.x1 + sign * 31;
  const followed = line.edges.some((edge) => edge.id === focus || edge.from === focus || edge.to === focus);
  const id = line.edges[0]?.id ?? '';
  // The gap between two lanes is 62 px: a longer unit is squeezed, a much longer one cut; the drawer says it in full.
  const unit = line.idle ? 'idle' : cutMiddle(line.unit, 15);
  return (
    <g className={`map-line${line.lit ? ' lit' : ''}${line.idle ? ' idle' : ''}${followed ? ' followed' : ''}`} onClick={() => pick(id)} data-testid={`edge-${id}`}>
      <path d={path} className="hit" />
      <path d={path} className="body" strokeWidth={line.width} />
      {(line.lit || followed) && <path d={path} className="core" />}
      {line.lit && <path d={`M${line.x2 - 7 * sign} ${line.y2 - 4}l${6 * sign} 4l${-6 * sign} 4z`} className="tip" />}
      <text x={label} y={line.y1 - 6 - line.width / 2} className="rate">
        {line.rate === null ? '–' : compact(line.rate)}
      </text>
      <text x={label} y={line.y1 + 13 + line.width / 2} className="of" {...(unit.length > 10 ? { textLength: 58, lengthAdjust: 'spacingAndGlyphs' } : {})}>
        {unit}
      </text>
    </g>
  );
}

const nodeTypes = { box: BoxView };
const edgeTypes = { line: LineView };

interface Props {
  data: Architecture;
  focus: string;
  onFocus: (id: string) => void;
}

export function ArchitectureMap({ data, focus, onFocus }: Props) {
  const panel = useRef<HTMLDivElement | null>(null);
  const [space, setSpace] = useState(1_150);
  useEffect(() => {
    const element = panel.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setSpace(Math.floor(entry.contentRect.width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const layout = useMemo(() => layoutMap(data.nodes, data.edges, space), [data, space]);
  const nodes = useMemo<BoxNode[]>(
    () => layout.boxes.map((box) => ({ id: box.id, type: 'box', position: { x: box.x, y: box.y }, width: box.width, height: box.height, data: { box }, draggable: false, selectable: false, connectable: false, focusable: false })),
    [layout],
  );
  const edges = useMemo<LineEdge[]>(() => layout.lines.map((line) => ({ id: line.id, source: line.from, target: line.to, type: 'line', data: { line }, selectable: false, focusable: false, zIndex: line.lit ? 1 : 0 })), [layout]);
  const lit = useMemo(() => litNodes(data.edges), [data.edges]);

  // A map wider than its panel opens at the lit end; after that the reader scrolls.
  const litX = Math.max(0, ...layout.boxes.filter((box) => box.lit).map((box) => box.x + box.width));
  const opened = useRef(false);
  useEffect(() => {
    const element = panel.current;
    if (element === null || opened.current || layout.boxes.length === 0) return;
    opened.current = true;
    if (litX > element.clientWidth) element.scrollLeft = litX - element.clientWidth + 24;
  }, [layout.boxes.length, litX]);

  // The open drawer narrows the panel: the part it describes stays in sight.
  useEffect(() => {
    if (focus !== '') panel.current?.querySelector(`[data-node="${CSS.escape(focus)}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [focus, space]);

  const picked = useMemo<Picked>(
    () => ({
      focus,
      lit,
      pick: onFocus,
      walk: (event, node) => {
        const next = neighbour(event.key, node, data);
        if (next === null) return;
        event.preventDefault();
        panel.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(next)}"]`)?.focus();
      },
    }),
    [data, focus, lit, onFocus],
  );

  return (
    <div className="map-panel" ref={panel} role="group" aria-label="Live architecture map: arrow keys walk from part to part" data-testid="architecture-map">
      <div className="map-heads" style={{ width: layout.width }} aria-hidden>
        {layout.heads.map((head) => (
          <span key={head.name} style={{ left: head.x }}>
            {head.name}
          </span>
        ))}
      </div>
      <div style={{ width: layout.width, height: layout.height }}>
        <PickContext value={picked}>
          <ReactFlow<BoxNode, LineEdge>
            nodes={nodes}
            edges={edges}
            nodeTypes={nodeTypes}
            edgeTypes={edgeTypes}
            defaultViewport={{ x: 0, y: 0, zoom: 1 }}
            minZoom={1}
            maxZoom={1}
            panOnDrag={false}
            panOnScroll={false}
            zoomOnScroll={false}
            zoomOnPinch={false}
            zoomOnDoubleClick={false}
            preventScrolling={false}
            nodesDraggable={false}
            nodesConnectable={false}
            nodesFocusable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            disableKeyboardA11y
          />
        </PickContext>
      </div>
    </div>
  );
}

/** Right and left follow an edge, lit ones first; up and down move within the lane. */
function neighbour(key: string, node: MapNode, data: Architecture): string | null {
  if (key === 'ArrowRight' || key === 'ArrowLeft') {
    const along = data.edges.filter((edge) => (key === 'ArrowRight' ? edge.from : edge.to) === node.id).sort((a, b) => Number(b.lit) - Number(a.lit));
    const edge = along[0];
    return edge === undefined ? null : key === 'ArrowRight' ? edge.to : edge.from;
  }
  if (key === 'ArrowDown' || key === 'ArrowUp') {
    const column = (lane: MapNode['lane']) => (lane === 'logs' ? 'metrics' : lane);
    const lane = data.nodes.filter((each) => column(each.lane) === column(node.lane));
    return lane[lane.findIndex((each) => each.id === node.id) + (key === 'ArrowDown' ? 1 : -1)]?.id ?? null;
  }
  return null;
}
