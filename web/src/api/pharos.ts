/** What only Pharos has: the architecture map, rules of all placements, notifications, the journal of an alert. */

import { call } from './client';
import { selector } from '../format/labels';
import { flag, labels, list, numberOrNull, object, oneOf, text, time } from './decode';
import { decodeGroups, type RuleGroup } from './prometheus';

export const lanes = ['fleet', 'collectors', 'metrics', 'logs', 'rulers', 'routing', 'receivers'] as const;
export type Lane = (typeof lanes)[number];

export const nodeStates = ['ok', 'pending', 'firing', 'nodata', 'error', 'silenced', 'inhibited'] as const;
export type State = (typeof nodeStates)[number];

export interface FigureValue {
  label: string;
  /** Null while unknown. */
  value: number | null;
  unit: string;
}

export interface MapNode {
  id: string;
  lane: Lane;
  name: string;
  state: State;
  reason: string;
  figures: FigureValue[];
  link: string;
}

export type Signal = 'config' | 'metrics' | 'logs' | 'alerts' | 'notifications';

export interface MapEdge {
  id: string;
  from: string;
  to: string;
  signal: Signal;
  rate: number | null;
  unit: string;
  idle: boolean;
  lit: boolean;
}

export type ChangeKind = 'config' | 'rollout' | 'silence' | 'alert' | 'notification';

export interface Change {
  atMs: number;
  kind: ChangeKind;
  text: string;
}

export interface Architecture {
  atMs: number | null;
  finding: string;
  strip: (FigureValue & { state: State })[];
  nodes: MapNode[];
  edges: MapEdge[];
  changes: Change[];
}

export async function architecture(signal?: AbortSignal): Promise<Architecture> {
  const body = object(await call('/api/pharos/v1/architecture', { signal }));
  return {
    atMs: time(body['at']),
    finding: text(body['finding']),
    strip: list(body['strip'], (each) => {
      const item = object(each);
      return { ...figureOf(item), state: oneOf(item['state'], nodeStates, 'nodata') };
    }),
    nodes: list(body['nodes'], (each) => {
      const item = object(each);
      return {
        id: text(item['id']),
        lane: oneOf(item['lane'], lanes, 'metrics'),
        name: text(item['name']),
        // An unknown state is grey, never green.
        state: oneOf(item['state'], nodeStates, 'nodata'),
        reason: text(item['reason']),
        figures: list(item['figures'], (figure) => figureOf(object(figure))),
        link: text(item['link']),
      };
    }),
    edges: list(body['edges'], (each) => {
      const item = object(each);
      return {
        id: text(item['id']),
        from: text(item['from']),
        to: text(item['to']),
        signal: oneOf(item['signal'], ['config', 'metrics', 'logs', 'alerts', 'notifications'] as const, 'metrics'),
        rate: numberOrNull(item['rate']),
        unit: text(item['unit']),
        idle: flag(item['idle']),
        lit: flag(item['lit']),
      };
    }),
    changes: list(body['changes'], (each) => {
      const item = object(each);
      return {
        atMs: time(item['at']) ?? 0,
        kind: oneOf(item['kind'], ['config', 'rollout', 'silence', 'alert', 'notification'] as const, 'config'),
        text: text(item['text']),
      };
    }),
  };
}

function figureOf(item: Record<string, unknown>): FigureValue {
  return { label: text(item['label']), value: numberOrNull(item['value']), unit: text(item['unit']) };
}

export interface Me {
  tenant: string;
  multitenant: boolean;
  tenants: string[];
  version: string;
  /** Where alerts of rules go instead of the router here; empty where they go to that. */
  alertmanagers: string;
}

export async function me(signal?: AbortSignal): Promise<Me> {
  const body = object(await call('/api/pharos/v1/me', { signal }));
  return {
    tenant: text(body['tenant'], 'anonymous'),
    multitenant: flag(body['multitenant']),
    tenants: list(body['tenants'], (each) => text(each)),
    version: text(body['version']),
    alertmanagers: text(body['alertmanagers']),
  };
}

export async function allRules(signal?: AbortSignal): Promise<RuleGroup[]> {
  const body = object(await call('/api/pharos/v1/rules', { signal }));
  return decodeGroups(object(body['data']));
}

export interface NotifiedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  status: string;
}

export interface Notification {
  atMs: number;
  receiver: string;
  integration: string;
  groupKey: string;
  status: 'firing' | 'resolved';
  delivered: boolean;
  error: string | null;
  reason: string;
  alerts: NotifiedAlert[];
  body: string;
}

export async function notifications(limit: number, signal?: AbortSignal): Promise<Notification[]> {
  return list(await call('/api/pharos/v1/notifications', { params: { limit }, signal }), decodeNotification);
}

export function decodeNotification(each: unknown): Notification {
  const item = object(each);
  const error = text(item['error']);
  return {
    atMs: time(item['at']) ?? 0,
    receiver: text(item['receiver']),
    integration: text(item['integration']),
    groupKey: text(item['groupKey']),
    status: oneOf(item['status'], ['firing', 'resolved'] as const, 'firing'),
    delivered: flag(item['delivered']),
    error: error === '' ? null : error,
    reason: text(item['reason']),
    alerts: list(item['alerts'], (alert) => {
      const one = object(alert);
      // Either the alert with its parts, or its labels alone.
      if (typeof one['labels'] !== 'object') return { labels: labels(alert), annotations: {}, status: text(item['status']) };
      return { labels: labels(one['labels']), annotations: labels(one['annotations']), status: text(one['status']) };
    }),
    body: typeof item['body'] === 'string' ? item['body'] : item['body'] === undefined ? '' : JSON.stringify(item['body'], null, 2),
  };
}

export const journalSteps = ['evaluated', 'pending', 'firing', 'resolved', 'sent', 'received', 'routed', 'grouped', 'inhibited', 'silenced', 'muted', 'deduplicated', 'notified', 'notifyFailed'] as const;
export type JournalStep = (typeof journalSteps)[number];

export interface JournalEvent {
  atMs: number;
  step: JournalStep;
  labels: Record<string, string>;
  because: string;
  detail: Record<string, string>;
}

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1);
}

/** What happened to the alerts that have all these labels; oldest first. */
export async function journal(of: Readonly<Record<string, string>>, limit: number, signal?: AbortSignal): Promise<JournalEvent[]> {
  const body = await call('/api/pharos/v1/alerts/journal', { params: { labels: selector(of), limit }, signal });
  return list(body, (each) => {
    const item = object(each);
    const detail = object(item['detail']);
    return {
      atMs: time(item['at']) ?? 0,
      step: oneOf(lowerFirst(text(item['step'])), journalSteps, 'evaluated'),
      labels: labels(item['labels']),
      because: text(item['because']),
      detail: Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, typeof value === 'object' && value !== null ? JSON.stringify(value) : text(value)])),
    };
  }).sort((a, b) => a.atMs - b.atMs);
}

