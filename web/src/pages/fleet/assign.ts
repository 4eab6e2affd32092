/** Which pipelines a collector gets, and how it is: the server's word where it gives one, else worked out from its record. */

import type { Collector, Pipeline } from '../../api/fleet';
import type { State } from '../../api/pharos';
import { matches, parseMatcher } from '../../format/labels';

/** Local attributes overlaid by remote ones, except the reserved `collector.*`; `collector.ID` is the id itself. */
export function effectiveAttributes(collector: Collector): Record<string, string> {
  const remote = Object.fromEntries(Object.entries(collector.remoteAttributes).filter(([name]) => !name.startsWith('collector.')));
  return { ...collector.localAttributes, ...remote, 'collector.ID': collector.id };
}

/** Whether all matchers hold; a matcher that cannot be read holds for nobody. */
export function isAssigned(matchers: readonly string[], collector: Collector): boolean {
  const attributes = effectiveAttributes(collector);
  return matchers.every((each) => {
    const matcher = parseMatcher(each);
    return matcher !== null && matches(matcher, attributes);
  });
}

export function pipelinesOf(collector: Collector, pipelines: readonly Pipeline[]): string[] {
  if (collector.pipelines !== null) return collector.pipelines;
  if (!collector.enabled) return [];
  return pipelines
    .filter((each) => each.enabled && isAssigned(each.matchers, collector))
    .map((each) => each.name)
    .sort();
}

export type CollectorWord = 'healthy' | 'lagging' | 'silent' | 'failed' | 'left' | 'off' | 'unknown';

export const collectorLooks: Record<CollectorWord, { state: State; word: string }> = {
  failed: { state: 'error', word: 'Failed' },
  silent: { state: 'nodata', word: 'Silent' },
  lagging: { state: 'pending', word: 'Lagging' },
  unknown: { state: 'nodata', word: 'Unknown' },
  left: { state: 'nodata', word: 'Left' },
  off: { state: 'nodata', word: 'Disabled' },
  healthy: { state: 'ok', word: 'Healthy' },
};

/** Worst first: the order of the list. */
export const collectorWords = Object.keys(collectorLooks) as CollectorWord[];

const serverWords: Record<string, CollectorWord> = { healthy: 'healthy', stalled: 'lagging', configurationerror: 'failed', unresponsive: 'silent', inactive: 'left', unknown: 'unknown' };

/** Two missed polls of the usual minute, with some slack. */
const silentMs = 150_000;

export function collectorWord(collector: Collector, nowMs: number): CollectorWord {
  if (!collector.enabled) return 'off';
  const said = serverWords[collector.health];
  if (said !== undefined) return said;
  if (collector.inactiveAtMs !== null) return 'left';
  if (collector.configStatus === 'failed') return 'failed';
  // When it last asked is not known from when its record changed: unknown stays grey.
  if (collector.lastSeenMs === null) return 'unknown';
  if (nowMs - collector.lastSeenMs > silentMs) return 'silent';
  return collector.configStatus === 'applying' ? 'lagging' : 'healthy';
}

export function versionOf(collector: Collector): string {
  return (collector.localAttributes['collector.version'] ?? '').replace(/^v/, '');
}

/** The page's sentence: how many are well, and what the others are. */
export function findingOf(words: readonly CollectorWord[]): string {
  if (words.length === 0) return 'No collector has registered yet.';
  const of = (word: CollectorWord) => words.filter((each) => each === word).length;
  const bad: [CollectorWord, string, string][] = [
    ['failed', 'has failed', 'have failed'],
    ['silent', 'is silent', 'are silent'],
    ['lagging', 'lags', 'lag'],
    ['left', 'has left', 'have left'],
    ['off', 'is disabled', 'are disabled'],
    ['unknown', 'has not asked yet', 'have not asked yet'],
  ];
  const others = bad.filter(([word]) => of(word) > 0).map(([word, one, many]) => `${of(word)} ${of(word) === 1 ? one : many}`);
  return others.length === 0 ? (words.length === 1 ? 'The one collector is healthy.' : `All ${words.length} collectors are healthy.`) : `${of('healthy')} of ${words.length} collectors are healthy, ${others.join(', ')}.`;
}

/** What is wrong with a pipeline before the server is asked; null when nothing is. */
export function draftProblem(name: string, matchers: readonly string[], contents: string): string | null {
  if (name.trim() === '') return 'Give the pipeline a name.';
  const broken = matchers.find((each) => each.trim() !== '' && parseMatcher(each) === null);
  if (broken !== undefined) return `"${broken}" is no matcher; write key="value", key!="value", key=~"regex" or key!~"regex".`;
  return contents.trim() === '' ? 'Write the configuration.' : null;
}
