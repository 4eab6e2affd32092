/** Fleet Management over Connect: JSON in, JSON out, an error as `{code, message}`. */

import { ApiError, call } from './client';
import { labels, list, object, text, time, type Json } from './decode';

export interface Collector {
  id: string;
  name: string;
  enabled: boolean;
  remoteAttributes: Record<string, string>;
  localAttributes: Record<string, string>;
  createdAtMs: number | null;
  updatedAtMs: number | null;
  inactiveAtMs: number | null;
  /** When it last asked for its configuration; null where the server does not say. */
  lastSeenMs: number | null;
  /** The server's own judgement, lower case; empty where it gives none. */
  health: string;
  /** `applied`, `applying`, `failed`, or empty. */
  configStatus: string;
  configMessage: string;
  /** Names of its pipelines; null where the server does not say. */
  pipelines: string[] | null;
  hash: string;
}

function decodeCollector(value: unknown): Collector {
  const item = object(value);
  const status = object(item['remoteConfigStatus']);
  return {
    id: text(item['id']),
    name: text(item['name']),
    enabled: item['enabled'] !== false,
    remoteAttributes: labels(item['remoteAttributes'] ?? item['attributeOverrides']),
    localAttributes: labels(item['localAttributes']),
    createdAtMs: time(item['createdAt']),
    updatedAtMs: time(item['updatedAt']),
    inactiveAtMs: time(item['markedInactiveAt']),
    lastSeenMs: time(item['lastSeenAt']),
    health: text(item['health']).toLowerCase().replace(/^.*health_/, '').replaceAll('_', ''),
    configStatus: text(status['status'] ?? item['configStatus'])
      .toLowerCase()
      .replace(/^.*_/, ''),
    configMessage: text(status['errorMessage'] ?? item['configMessage']),
    pipelines: Array.isArray(item['pipelines']) ? list(item['pipelines'], (each) => (typeof each === 'string' ? each : text(object(each)['name']))) : null,
    hash: text(item['servedHash'] ?? item['hash']),
  };
}

/** The collectors, with the health that Pharos adds; another fleet service has none, and the rest still shows. */
export async function listCollectors(signal?: AbortSignal): Promise<Collector[]> {
  const [records, states] = await Promise.all([call('/collector.v1.CollectorService/ListCollectors', { json: { matchers: [] }, signal }), collectorStates(signal)]);
  return list(object(records)['collectors'], (each) => decodeCollector({ ...object(each), ...states.get(text(object(each)['id'])) }));
}

async function collectorStates(signal?: AbortSignal): Promise<Map<string, Json>> {
  try {
    return new Map(list(await call('/api/pharos/v1/collectors', { signal }), (each): [string, Json] => [text(object(each)['id']), object(each)]));
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 404) return new Map();
    throw problem;
  }
}

export interface Pipeline {
  id: string;
  name: string;
  contents: string;
  matchers: string[];
  enabled: boolean;
  createdAtMs: number | null;
  updatedAtMs: number | null;
  configType: string;
  /** Who manages it: `git shop`, `terraform`; empty for people on this page. */
  source: string;
}

function decodePipeline(value: unknown): Pipeline {
  const item = object(value);
  const source = object(item['source']);
  const type = text(source['type'])
    .toLowerCase()
    .replace(/^.*_/, '');
  return {
    id: text(item['id']),
    name: text(item['name']),
    contents: text(item['contents']),
    matchers: list(item['matchers'], (each) => text(each)),
    // Proto JSON leaves defaults out, but a pipeline is on unless it says that it is off.
    enabled: item['enabled'] !== false,
    createdAtMs: time(item['createdAt']),
    updatedAtMs: time(item['updatedAt']),
    configType: text(item['configType']),
    source: type === '' || type === 'unspecified' || type === 'grafana' ? '' : `${type} ${text(source['namespace'])}`.trim(),
  };
}

export async function listPipelines(signal?: AbortSignal): Promise<Pipeline[]> {
  return list(object(await call('/pipeline.v1.PipelineService/ListPipelines', { json: {}, signal }))['pipelines'], decodePipeline);
}

export interface PipelineDraft {
  name: string;
  contents: string;
  matchers: string[];
  enabled: boolean;
}

/** Saves whole, or with `validateOnly` only says what is wrong. */
export async function upsertPipeline(draft: PipelineDraft, validateOnly: boolean): Promise<Pipeline> {
  return decodePipeline(await call('/pipeline.v1.PipelineService/UpsertPipeline', { json: { pipeline: { ...draft, configType: 'CONFIG_TYPE_ALLOY' }, validateOnly } }));
}

export async function deletePipeline(id: string): Promise<void> {
  await call('/pipeline.v1.PipelineService/DeletePipeline', { json: { id } });
}
