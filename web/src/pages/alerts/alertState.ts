/** What an alert's routing means in words. */

import type { RoutedAlert, Silence } from '../../api/alertmanager';
import type { State } from '../../api/pharos';

export type AlertWord = 'firing' | 'silenced' | 'inhibited' | 'muted' | 'unprocessed';

export const alertWords: readonly AlertWord[] = ['firing', 'inhibited', 'silenced', 'muted', 'unprocessed'];

export function wordOf(alert: RoutedAlert): AlertWord {
  if (alert.inhibitedBy.length > 0) return 'inhibited';
  if (alert.silencedBy.length > 0) return 'silenced';
  if (alert.mutedBy.length > 0) return 'muted';
  return alert.state === 'unprocessed' ? 'unprocessed' : 'firing';
}

export const looks: Record<AlertWord, { state: State; word: string }> = {
  firing: { state: 'firing', word: 'Firing' },
  silenced: { state: 'silenced', word: 'Silenced' },
  inhibited: { state: 'inhibited', word: 'Inhibited' },
  muted: { state: 'silenced', word: 'Muted' },
  unprocessed: { state: 'pending', word: 'Arriving' },
};

/** Where the alert goes, or what keeps it: `notifies payments-pager`, `silenced by ops until 06:00`. */
export function outcome(alert: RoutedAlert, silences: readonly Silence[], others: ReadonlyMap<string, RoutedAlert>, clock: (ms: number) => string): string {
  switch (wordOf(alert)) {
    case 'silenced': {
      const silence = silences.find((each) => alert.silencedBy.includes(each.id));
      return silence === undefined ? `silenced by ${alert.silencedBy[0] ?? 'a silence'}` : `silenced by ${silence.createdBy || 'an unnamed author'} until ${clock(silence.endsAtMs)}`;
    }
    case 'inhibited': {
      const source = others.get(alert.inhibitedBy[0] ?? '');
      return `inhibited by ${source?.labels['alertname'] ?? 'another alert'}`;
    }
    case 'muted':
      return `muted by ${alert.mutedBy.join(', ')}`;
    case 'unprocessed':
      return 'not routed yet';
    case 'firing':
      return alert.receivers.length === 0 ? 'no receiver' : `notifies ${alert.receivers.join(', ')}`;
  }
}
