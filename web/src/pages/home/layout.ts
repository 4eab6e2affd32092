/**
 * Where everything on the map stands. Lanes are fixed; collectors and routing are full-height buses, so that a line to
 * or from them is straight at whatever height its other end has.
 */

import { lanes, type Lane, type MapEdge, type MapNode } from '../../api/pharos';

export const nodeWidth = 140;
const pitchMin = 202;
const pitchMax = 300;
const bandGap = 28;
const stackGap = 16;

/** Column of each lane; metrics and logs share one. */
const columns: Record<Lane, number> = { fleet: 0, collectors: 1, metrics: 2, logs: 2, rulers: 3, routing: 4, receivers: 5 };

const busLanes: readonly Lane[] = ['collectors', 'routing'];

/** Most sections a bus shows; the rest is counted in its last one. */
const sectionsMax = 6;

export interface Box {
  id: string;
  kind: 'box' | 'bus';
  lane: Lane;
  nodes: MapNode[];
  /** Nodes of the bus that did not fit. */
  hidden: number;
  x: number;
  y: number;
  width: number;
  height: number;
  lit: boolean;
}

export interface Line {
  id: string;
  edges: MapEdge[];
  from: string;
  to: string;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  /** Sum of the known rates; null when none is known. */
  rate: number | null;
  unit: string;
  width: number;
  idle: boolean;
  lit: boolean;
}

export interface MapLayout {
  width: number;
  height: number;
  boxes: Box[];
  lines: Line[];
  heads: { name: string; x: number }[];
}

const stateOrder: Record<MapNode['state'], number> = { firing: 0, error: 1, pending: 2, nodata: 3, silenced: 4, inhibited: 5, ok: 6 };

/** Worst first; equal ones keep the server's order. */
export function worstFirst(nodes: readonly MapNode[], lit: ReadonlySet<string>): MapNode[] {
  return [...nodes].sort((a, b) => Number(lit.has(b.id)) - Number(lit.has(a.id)) || stateOrder[a.state] - stateOrder[b.state]);
}

/** Ids of the nodes at either end of a lit edge. */
export function litNodes(edges: readonly MapEdge[]): Set<string> {
  return new Set(edges.filter((each) => each.lit).flatMap((each) => [each.from, each.to]));
}

/** Height of a node's own text. */
export function contentHeight(node: MapNode): number {
  return 18 + 18 + Math.min(node.figures.length, 4) * 18 + (node.state === 'ok' ? 0 : 20);
}

/** Stroke width by the logarithm of the rate, 1.5 to 8 px. */
export function strokeWidth(rate: number | null): number {
  if (rate === null || rate <= 0) return 1.5;
  return Math.min(8, 1.5 + Math.log10(1 + rate) * 1.2);
}

export function layoutMap(nodes: readonly MapNode[], edges: readonly MapEdge[], space: number): MapLayout {
  const pitch = Math.max(pitchMin, Math.min(pitchMax, Math.floor((space - nodeWidth) / 5)));
  const lit = litNodes(edges);
  const boxes = makeBoxes(nodes, lit);
  const owner = new Map<string, Box>();
  boxes.forEach((box) => box.nodes.forEach((node) => owner.set(node.id, box)));
  nodes.forEach((node) => {
    const bus = boxes.find((box) => box.kind === 'bus' && box.lane === node.lane);
    if (bus !== undefined) owner.set(node.id, bus);
  });
  const lines = makeLines(edges, owner);
  const pairs = countPairs(lines);
  boxes.forEach((box) => {
    box.x = columns[box.lane] * pitch;
    const most = Math.max(0, ...[...pairs.values()].filter((pair) => pair.ends.includes(box.id)).map((pair) => pair.count));
    if (box.kind === 'box') box.height = Math.max(box.height, most > 1 ? (most + 1) * 40 : 0);
  });
  const height = placeBoxes(boxes, lines);
  placeLines(lines, boxes);
  const width = columns.receivers * pitch + nodeWidth;
  const titles: [string, number][] = [['Fleet', 0], ['Collectors', 1], ['Metrics and logs', 2], ['Rulers', 3], ['Alert routing', 4], ['Receivers', 5]];
  return { width, height, boxes, lines, heads: titles.map(([name, column]) => ({ name, x: column * pitch })) };
}

function makeBoxes(nodes: readonly MapNode[], lit: ReadonlySet<string>): Box[] {
  const boxes: Box[] = [];
  for (const lane of lanes) {
    const own = nodes.filter((node) => node.lane === lane);
    if (own.length === 0) continue;
    if (busLanes.includes(lane)) {
      const tooMany = own.length > sectionsMax;
      const keep = tooMany ? new Set(worstFirst(own, lit).slice(0, sectionsMax - 1).map((node) => node.id)) : null;
      const shown = keep === null ? own : own.filter((node) => keep.has(node.id));
      const hidden = own.length - shown.length;
      const height = shown.reduce((sum, node) => sum + contentHeight(node) + 8, 0) + (hidden > 0 ? 34 : 0);
      boxes.push({ id: `bus:${lane}`, kind: 'bus', lane, nodes: shown, hidden, x: 0, y: 0, width: nodeWidth, height, lit: own.some((node) => lit.has(node.id)) });
      continue;
    }
    for (const node of own) {
      boxes.push({ id: node.id, kind: 'box', lane, nodes: [node], hidden: 0, x: 0, y: 0, width: nodeWidth, height: contentHeight(node), lit: lit.has(node.id) });
    }
  }
  return boxes;
}

/** Edges between the same two boxes that carry the same signal and unit become one line. */
function makeLines(edges: readonly MapEdge[], owner: ReadonlyMap<string, Box>): Line[] {
  const lines = new Map<string, Line>();
  for (const edge of edges) {
    const from = owner.get(edge.from);
    const to = owner.get(edge.to);
    if (from === undefined || to === undefined || from === to) continue;
    const id = `${from.id}>${to.id}>${edge.signal}>${edge.unit}`;
    const line = lines.get(id);
    if (line === undefined) {
      lines.set(id, { id, edges: [edge], from: from.id, to: to.id, x1: 0, y1: 0, x2: 0, y2: 0, rate: edge.rate, unit: edge.unit, width: 0, idle: edge.idle, lit: edge.lit });
    } else {
      line.edges.push(edge);
      line.rate = edge.rate === null ? line.rate : (line.rate ?? 0) + edge.rate;
      line.idle &&= edge.idle;
      line.lit ||= edge.lit;
    }
  }
  const all = [...lines.values()];
  all.forEach((line) => (line.width = line.idle ? 1.25 : strokeWidth(line.rate)));
  return all;
}

function pairKey(line: Line): string {
  return [line.from, line.to].sort().join('\n');
}

function countPairs(lines: readonly Line[]): Map<string, { count: number; ends: string[] }> {
  const pairs = new Map<string, { count: number; ends: string[] }>();
  for (const line of lines) {
    const key = pairKey(line);
    const pair = pairs.get(key) ?? { count: 0, ends: [line.from, line.to] };
    pair.count += 1;
    pairs.set(key, pair);
  }
  return pairs;
}

type BandName = 'local' | 'metrics' | 'logs';

/** The band a ruler stands in: beside the store it reads, else on top with the local rules. */
function bandOf(ruler: Box, lines: readonly Line[], boxes: readonly Box[]): BandName {
  const other = (line: Line) => boxes.find((box) => box.id === (line.to === ruler.id ? line.from : line.to));
  const reads = lines.filter((line) => line.to === ruler.id).map(other);
  const writes = lines.filter((line) => line.from === ruler.id).map(other);
  for (const box of [...reads, ...writes]) {
    if (box?.lane === 'metrics') return 'metrics';
    if (box?.lane === 'logs') return 'logs';
  }
  return 'local';
}

function stackHeight(stack: readonly Box[]): number {
  return stack.reduce((sum, box) => sum + box.height, 0) + Math.max(0, stack.length - 1) * stackGap;
}

/** Gives every box its y; the result is the height of the map. */
function placeBoxes(boxes: readonly Box[], lines: readonly Line[]): number {
  const of = (lane: Lane) => boxes.filter((box) => box.lane === lane);
  const rulers = new Map(of('rulers').map((box) => [box, bandOf(box, lines, boxes)]));
  const bands = (['local', 'metrics', 'logs'] as const)
    .map((name) => {
      const stores = name === 'local' ? [] : of(name);
      const own = [...rulers].filter(([, band]) => band === name).map(([box]) => box);
      return { name, stacks: [stores, own], height: Math.max(stackHeight(stores), stackHeight(own)) };
    })
    .filter((band) => band.height > 0);
  const needed = bands.reduce((sum, band) => sum + band.height, 0) + Math.max(0, bands.length - 1) * bandGap;
  const height = Math.max(needed, stackHeight(of('receivers')), stackHeight(of('fleet')), ...boxes.filter((box) => box.kind === 'bus').map((box) => box.height), 180);

  boxes.filter((box) => box.kind === 'bus').forEach((box) => {
    box.y = 0;
    box.height = height;
  });
  const flexible = bands.filter((band) => band.name !== 'local').length;
  const extra = flexible === 0 ? 0 : (height - needed) / flexible;
  let top = 0;
  for (const band of bands) {
    const room = band.height + (band.name === 'local' ? 0 : extra);
    for (const stack of band.stacks) {
      let y = band.name === 'local' ? top : top + (room - stackHeight(stack)) / 2;
      for (const box of stack) {
        box.y = y;
        y += box.height + stackGap;
      }
    }
    top += room + bandGap;
  }
  spread(of('receivers'), height);
  let y = (height - stackHeight(of('fleet'))) / 2;
  for (const box of of('fleet')) {
    box.y = y;
    y += box.height + stackGap;
  }
  return height;
}

/** From top to bottom with equal gaps; a single box stands in the middle. */
function spread(stack: readonly Box[], height: number): void {
  if (stack.length === 1) {
    const only = stack[0];
    if (only !== undefined) only.y = (height - only.height) / 2;
    return;
  }
  const free = height - stack.reduce((sum, box) => sum + box.height, 0);
  let y = 0;
  for (const box of stack) {
    box.y = y;
    y += box.height + free / (stack.length - 1);
  }
}

function placeLines(lines: readonly Line[], boxes: readonly Box[]): void {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const taken = new Map<string, number>();
  const pairs = countPairs(lines);
  for (const line of lines) {
    const from = byId.get(line.from);
    const to = byId.get(line.to);
    if (from === undefined || to === undefined) continue;
    const key = pairKey(line);
    const total = pairs.get(key)?.count ?? 1;
    const at = taken.get(key) ?? 0;
    taken.set(key, at + 1);
    const forward = to.x >= from.x;
    line.x1 = forward ? from.x + from.width : from.x;
    line.x2 = forward ? to.x : to.x + to.width;
    const low = Math.max(from.y, to.y);
    const high = Math.min(from.y + from.height, to.y + to.height);
    if (high - low >= 12) {
      const y = Math.round(low + ((high - low) * (at + 1)) / (total + 1));
      line.y1 = y;
      line.y2 = y;
    } else {
      line.y1 = Math.round(from.y + (from.height * (at + 1)) / (total + 1));
      line.y2 = Math.round(to.y + (to.height * (at + 1)) / (total + 1));
    }
  }
}
