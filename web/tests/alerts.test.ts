import { describe, expect, it } from 'vitest';
import { decodeNotification, type JournalEvent, type JournalStep } from '../src/api/pharos';
import type { RoutedAlert } from '../src/api/alertmanager';
import { outcome, wordOf } from '../src/pages/alerts/alertState';
import { answerOf, lastEpisode, shortReason, splitComparison, stepsOf } from '../src/pages/alerts/explain';
import { parseFilter, passes, splitFilter, withFilter } from '../src/pages/alerts/filter';
import { draftFromLabels, endOf, matcherProblem, toDraft, toMatcher } from '../src/pages/alerts/silenceDraft';

const at = (seconds: number, step: JournalStep, because = '', detail: Record<string, string> = {}): JournalEvent => ({ atMs: seconds * 1_000, step, labels: { alertname: 'A' }, because, detail });

const paged = [
  at(100, 'evaluated', '`up == 0` gives 1 series'),
  at(100, 'pending', '`up == 0` holds with value 0; fires at 1970-01-01T00:03:40Z if it still holds then', { value: '0', for: '2m', rule_group: 'hosts', placement: 'metrics' }),
  at(220, 'firing', '`up == 0` holds with value 0; it has held for 2m, since 1970-01-01T00:01:40Z', { value: '0' }),
  at(220, 'sent'),
  at(220, 'received', 'the alert arrived'),
  at(220, 'routed', 'route 1 takes it', { receiver: 'pager', route: '1' }),
  at(220, 'grouped', 'waits 30s', { group_key: '{}:{}', receiver: 'pager' }),
  at(250, 'notified', 'sent to webhook', { receiver: 'pager', integration: 'webhook' }),
];

describe('the story of an alert', () => {
  it('takes the newest rise, with the evaluation that raised it', () => {
    const episode = lastEpisode([at(10, 'pending'), at(20, 'resolved'), ...paged]);
    expect(episode).toMatchObject({ startMs: 100_000, firingMs: 220_000, resolvedMs: null });
    expect(episode?.events[0]?.step).toBe('evaluated');
    expect(lastEpisode([])).toBeNull();
  });

  it('always has seven steps in order', () => {
    const episode = lastEpisode(paged);
    const steps = episode === null ? [] : stepsOf(episode, 120);
    expect(steps.map((step) => [step.name, step.atMs, step.tone])).toEqual([
      ['Sample', 100_000, 'plain'],
      ['Evaluations', 100_000, 'plain'],
      ['Pending', 100_000, 'pending'],
      ['Firing', 220_000, 'firing'],
      ['Group', 220_000, 'plain'],
      ['Route', 220_000, 'plain'],
      ['Notification', 250_000, 'accent'],
    ]);
    expect(steps[1]?.what).toBe('metrics ruler, hosts');
    expect(steps[2]?.what).toBe('waits 2m');
  });

  it('says who was told, and what holds it back', () => {
    expect(answerOf(lastEpisode(paged), 'utc')).toEqual({ state: 'firing', word: 'Firing', sentence: 'pager was told at 00:04:10 because the value was 0 and it has held for 2m.', sinceMs: 220_000 });
    const silenced = [...paged.slice(0, 7), at(250, 'silenced', 'silence x of ops matches it')];
    expect(answerOf(lastEpisode(silenced), 'utc')).toMatchObject({ state: 'silenced', sentence: 'Nobody is told: silence x of ops matches it.' });
    expect(stepsOf(lastEpisode(silenced) ?? { startMs: 0, firingMs: null, resolvedMs: null, events: [] }, null).at(-1)).toMatchObject({ what: 'Silenced', tone: 'silenced' });
    expect(answerOf(lastEpisode(paged.slice(0, 2)), 'utc')).toMatchObject({ state: 'pending', sentence: 'Nobody is told yet: it waits 2m before it fires.' });
    expect(answerOf(lastEpisode([...paged, at(300, 'resolved')]), 'utc')).toMatchObject({ state: 'ok', word: 'Resolved', sinceMs: 300_000 });
    expect(answerOf(lastEpisode([...paged.slice(0, 7), at(250, 'notifyFailed', 'connection refused')]), 'utc')).toMatchObject({ state: 'error', sentence: 'It fires, but nobody could be told: connection refused.' });
    expect(answerOf(null, 'utc').state).toBe('nodata');
  });

  it('tells an alert from elsewhere', () => {
    const episode = lastEpisode(paged.slice(4));
    expect(episode === null ? [] : stepsOf(episode, null).map((step) => step.tone)).toEqual(['missing', 'missing', 'missing', 'firing', 'plain', 'plain', 'accent']);
    expect(shortReason('')).toBe('it fires');
  });

  it('splits a value from its threshold', () => {
    expect(splitComparison('sum(rate(a{x=">"}[5m])) / sum(b) > 0.5')).toEqual({ value: 'sum(rate(a{x=">"}[5m])) / sum(b)', operator: '>', threshold: 0.5 });
    expect(splitComparison('a > 14.4 * 0.001 and b > 2')).toMatchObject({ value: 'a', operator: '>' });
    expect(splitComparison('(up == bool 0)')).toEqual({ value: 'up', operator: '==', threshold: 0 });
    expect(splitComparison('a < -5')).toEqual({ value: 'a', operator: '<', threshold: -5 });
    expect(splitComparison('sum by (app) (count_over_time({c="eu"} |= "panic" [5m])) > 5')).toMatchObject({ threshold: 5 });
    expect([splitComparison('absent(up)'), splitComparison('a > b'), splitComparison('a > 1 or b > 2')]).toEqual([null, null, null]);
  });
});

describe('filters of the lists', () => {
  it('splits outside quotes', () => {
    expect(splitFilter('a="x, y", state:firing word')).toEqual(['a="x, y"', 'state:firing', 'word']);
  });

  it('reads matchers, keys and words', () => {
    const filter = parseFilter('{team =~ "a|b"} state:firing Disk');
    expect(filter.matchers.map((m) => m.name)).toEqual(['team']);
    expect(filter.keys).toEqual([{ key: 'state', value: 'firing' }]);
    expect(filter.words).toEqual(['disk']);
    expect([passes(filter, { team: 'a', x: 'disk full' }), passes(filter, { team: 'c', x: 'disk' }), passes(filter, { team: 'a' })]).toEqual([true, false, false]);
  });

  it('adds a label on click and takes it away on the next', () => {
    expect(withFilter('', 'team', 'a', true)).toBe('team="a"');
    expect(withFilter('team="a", word', 'team', 'a', true)).toBe('word');
    expect(withFilter('team="a"', 'team', 'b', true)).toBe('team="b"');
    expect(withFilter('team!="a"', 'team', 'b', false)).toBe('team!="a", team!="b"');
  });
});

describe('silences', () => {
  it('begins with the labels of an alert', () => {
    expect(draftFromLabels('{"a":"1"}')).toEqual([{ name: 'a', operator: '=', value: '1' }]);
    expect(draftFromLabels('nonsense')).toEqual([]);
    expect(toMatcher(toDraft({ name: 'a', value: 'b', isRegex: true, isEqual: false }))).toEqual({ name: 'a', value: 'b', isRegex: true, isEqual: false });
  });

  it('refuses what would hold back everything', () => {
    const row = (name: string, operator: '=' | '!=' | '=~' | '!~', value: string) => ({ name, operator, value });
    expect(matcherProblem([])).toMatch(/at least one matcher/);
    expect(matcherProblem([row('a', '=', '')])).toMatch(/must ask for a label/);
    expect(matcherProblem([row('a', '=~', '.*')])).toMatch(/must ask for a label/);
    expect(matcherProblem([row('a', '!=', 'x')])).toMatch(/must ask for a label/);
    expect(matcherProblem([row('a', '=~', '(')])).toMatch(/no regular expression/);
    expect(matcherProblem([row('', '=', 'x')])).toMatch(/has no label/);
    expect(matcherProblem([row('a', '=', 'x'), row('b', '!=', 'y')])).toBeNull();
  });

  it('reads its length', () => {
    expect([endOf('2h', 0), endOf('1d12h', 0), endOf('soon', 0), endOf('0', 0)]).toEqual([7_200_000, 129_600_000, null, null]);
  });
});

describe('what becomes of an alert', () => {
  const alert = (part: Partial<RoutedAlert>): RoutedAlert => ({ fingerprint: 'f', labels: { alertname: 'A' }, annotations: {}, startsAtMs: 0, endsAtMs: 0, updatedAtMs: 0, generatorUrl: '', receivers: ['pager'], state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [], ...part });
  const say = (one: RoutedAlert) => outcome(one, [{ id: 's', matchers: [], startsAtMs: 0, endsAtMs: 5, updatedAtMs: 0, createdBy: 'ops', comment: '', state: 'active' }], new Map([['g', alert({ labels: { alertname: 'Big' } })]]), String);

  it('says it in words', () => {
    expect([alert({}), alert({ silencedBy: ['s'], state: 'suppressed' }), alert({ inhibitedBy: ['g'], state: 'suppressed' }), alert({ mutedBy: ['weekend'], state: 'suppressed' }), alert({ state: 'unprocessed' })].map(say)).toEqual(['notifies pager', 'silenced by ops until 5', 'inhibited by Big', 'muted by weekend', 'not routed yet']);
    expect(wordOf(alert({ silencedBy: ['s'], inhibitedBy: ['g'] }))).toBe('inhibited');
  });
});

describe('notifications from the server', () => {
  it('takes alerts with their parts or as labels alone', () => {
    const whole = decodeNotification({ at: '2026-11-22T02:00:00Z', receiver: 'r', status: 'resolved', delivered: true, alerts: [{ labels: { a: '1' }, annotations: { s: 'x' }, status: 'firing' }], body: 'text' });
    expect(whole).toMatchObject({ atMs: Date.UTC(2026, 10, 22, 2), error: null, alerts: [{ labels: { a: '1' }, annotations: { s: 'x' }, status: 'firing' }], body: 'text' });
    expect(decodeNotification({ status: 'firing', alerts: [{ alertname: 'A' }], error: 'refused', body: { a: 1 } })).toMatchObject({ delivered: false, error: 'refused', alerts: [{ labels: { alertname: 'A' }, annotations: {}, status: 'firing' }], body: '{\n  "a": 1\n}' });
  });
});
