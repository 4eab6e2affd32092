import { describe, expect, it } from 'vitest';
import type { Collector, Pipeline } from '../src/api/fleet';
import { errorSpot } from '../src/editor/serverError';
import { collectorWord, draftProblem, effectiveAttributes, findingOf, isAssigned, pipelinesOf } from '../src/pages/fleet/assign';

const collector = (part: Partial<Collector> = {}): Collector => ({ id: 'c1', name: '', enabled: true, remoteAttributes: { cluster: 'eu', 'collector.os': 'fake' }, localAttributes: { cluster: 'local', 'collector.os': 'linux' }, createdAtMs: 0, updatedAtMs: 1_000, inactiveAtMs: null, lastSeenMs: 1_000, health: '', configStatus: 'applied', configMessage: '', pipelines: null, hash: '', ...part });
const pipeline = (name: string, matchers: string[], enabled = true): Pipeline => ({ id: name, name, contents: '', matchers, enabled, createdAtMs: 0, updatedAtMs: 0, configType: '', source: '' });

describe('the fleet', () => {
  it('lets remote attributes win, except the reserved ones', () => {
    expect(effectiveAttributes(collector())).toEqual({ cluster: 'eu', 'collector.os': 'linux', 'collector.ID': 'c1' });
  });

  it('assigns by all matchers, anchored, missing as empty', () => {
    expect([['cluster="eu"'], ['cluster=~"e"'], ['cluster=~"e.*"', 'collector.os="linux"'], ['site=""'], ['collector.ID="c1"'], [], ['nonsense']].map((each) => isAssigned(each, collector()))).toEqual([true, false, true, true, true, true, false]);
    expect(pipelinesOf(collector(), [pipeline('b', []), pipeline('a', ['cluster="eu"']), pipeline('off', [], false), pipeline('other', ['cluster="us"'])])).toEqual(['a', 'b']);
    expect(pipelinesOf(collector({ enabled: false }), [pipeline('b', [])])).toEqual([]);
    expect(pipelinesOf(collector({ pipelines: ['said'] }), [])).toEqual(['said']);
  });

  it('takes the server at its word, else works the state out', () => {
    expect([collector({ health: 'unresponsive' }), collector({ health: 'configurationerror' }), collector({ health: 'stalled' })].map((each) => collectorWord(each, 2_000))).toEqual(['silent', 'failed', 'lagging']);
    expect([collector(), collector({ configStatus: 'failed' }), collector({ inactiveAtMs: 5 }), collector({ enabled: false }), collector({ lastSeenMs: null })].map((each) => collectorWord(each, 2_000))).toEqual(['healthy', 'failed', 'left', 'off', 'unknown']);
    expect(collectorWord(collector(), 200_000)).toBe('silent');
  });

  it('says how the fleet is', () => {
    expect(findingOf([])).toBe('No collector has registered yet.');
    expect(findingOf(['healthy', 'healthy'])).toBe('All 2 collectors are healthy.');
    expect(findingOf(['healthy', 'silent', 'failed', 'failed'])).toBe('1 of 4 collectors are healthy, 2 have failed, 1 is silent.');
  });

  it('checks a pipeline before asking the server', () => {
    expect([draftProblem('', [], 'x'), draftProblem('a', ['b'], 'x'), draftProblem('a', [''], ''), draftProblem('a', ['b="c"'], 'x')]).toEqual([expect.stringContaining('name'), expect.stringContaining('no matcher'), expect.stringContaining('configuration'), null]);
    expect(errorSpot('pipeline "logs": 3:5: expected a block', 'a\nb\n    syntax x', true)).toEqual({ from: 8, to: 14 });
  });
});
