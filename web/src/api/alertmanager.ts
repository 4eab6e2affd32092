/** Alertmanager API v2, below /alertmanager. */

import { call } from './client';
import { flag, labels, list, object, oneOf, text, time } from './decode';
import type { Matcher } from '../format/labels';

const root = '/alertmanager/api/v2';

export interface RoutedAlert {
  fingerprint: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAtMs: number | null;
  endsAtMs: number | null;
  updatedAtMs: number | null;
  generatorUrl: string;
  receivers: string[];
  state: 'active' | 'suppressed' | 'unprocessed';
  silencedBy: string[];
  inhibitedBy: string[];
  mutedBy: string[];
}

function decodeAlert(value: unknown): RoutedAlert {
  const item = object(value);
  const status = object(item['status']);
  const ids = (name: string) => list(status[name], (each) => text(each));
  return {
    fingerprint: text(item['fingerprint']),
    labels: labels(item['labels']),
    annotations: labels(item['annotations']),
    startsAtMs: time(item['startsAt']),
    endsAtMs: time(item['endsAt']),
    updatedAtMs: time(item['updatedAt']),
    generatorUrl: text(item['generatorURL']),
    receivers: list(item['receivers'], (each) => text(object(each)['name'])),
    state: oneOf(status['state'], ['active', 'suppressed', 'unprocessed'] as const, 'unprocessed'),
    silencedBy: ids('silencedBy'),
    inhibitedBy: ids('inhibitedBy'),
    mutedBy: ids('mutedBy'),
  };
}

export async function alerts(filter: readonly string[] = [], receiver = '', signal?: AbortSignal): Promise<RoutedAlert[]> {
  return list(await call(`${root}/alerts`, { params: { filter, receiver }, signal }), decodeAlert);
}

export interface AlertGroup {
  labels: Record<string, string>;
  receiver: string;
  alerts: RoutedAlert[];
}

export async function alertGroups(filter: readonly string[] = [], receiver = '', signal?: AbortSignal): Promise<AlertGroup[]> {
  return list(await call(`${root}/alerts/groups`, { params: { filter, receiver }, signal }), (each) => {
    const item = object(each);
    return { labels: labels(item['labels']), receiver: text(object(item['receiver'])['name']), alerts: list(item['alerts'], decodeAlert) };
  });
}

export interface Silence {
  id: string;
  matchers: Matcher[];
  startsAtMs: number;
  endsAtMs: number;
  updatedAtMs: number | null;
  createdBy: string;
  comment: string;
  state: 'active' | 'pending' | 'expired';
}

export async function silences(signal?: AbortSignal): Promise<Silence[]> {
  return list(await call(`${root}/silences`, { signal }), (each) => {
    const item = object(each);
    return {
      id: text(item['id']),
      matchers: list(item['matchers'], (one) => {
        const m = object(one);
        return { name: text(m['name']), value: text(m['value']), isRegex: flag(m['isRegex']), isEqual: m['isEqual'] !== false };
      }),
      startsAtMs: time(item['startsAt']) ?? 0,
      endsAtMs: time(item['endsAt']) ?? 0,
      updatedAtMs: time(item['updatedAt']),
      createdBy: text(item['createdBy']),
      comment: text(item['comment']),
      state: oneOf(object(item['status'])['state'], ['active', 'pending', 'expired'] as const, 'active'),
    };
  });
}

export interface NewSilence {
  id?: string;
  matchers: Matcher[];
  startsAtMs: number;
  endsAtMs: number;
  createdBy: string;
  comment: string;
}

/** The id of the silence made, or of the one that replaced the changed silence. */
export async function saveSilence(silence: NewSilence): Promise<string> {
  const body = await call(`${root}/silences`, {
    json: {
      ...(silence.id === undefined ? {} : { id: silence.id }),
      matchers: silence.matchers,
      startsAt: new Date(silence.startsAtMs).toISOString(),
      endsAt: new Date(silence.endsAtMs).toISOString(),
      createdBy: silence.createdBy,
      comment: silence.comment,
    },
  });
  return text(object(body)['silenceID']);
}

export async function expireSilence(id: string): Promise<void> {
  await call(`${root}/silence/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export async function receivers(signal?: AbortSignal): Promise<string[]> {
  return list(await call(`${root}/receivers`, { signal }), (each) => text(object(each)['name']));
}
