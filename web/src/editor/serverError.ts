/** The part of the query that the server's error points at, underlined until the text changes. */

import { StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';

export interface Spot {
  from: number;
  to: number;
}

export const setErrorSpot = StateEffect.define<Spot | null>();

const mark = Decoration.mark({ class: 'cm-server-error' });

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    let next = transaction.docChanged ? Decoration.none : value;
    for (const effect of transaction.effects) {
      if (effect.is(setErrorSpot)) {
        const length = transaction.newDoc.length;
        next = effect.value === null || length === 0 ? Decoration.none : Decoration.set([mark.range(Math.min(effect.value.from, length - 1), Math.max(Math.min(effect.value.to, length), Math.min(effect.value.from, length - 1) + 1))]);
      }
    }
    return next;
  },
  provide: (from) => EditorView.decorations.from(from),
});

export const serverError: Extension = field;

/**
 * Where a server's error text points in the query: `1:8: parse error: …` as Prometheus says it,
 * `parse error at line 1, col 8: …` as Loki does. Columns count from one; with `anyPlace` a bare
 * `3:5` counts too. Null when it names no place.
 */
export function errorSpot(serverText: string, query: string, anyPlace = false): Spot | null {
  const prometheus = /(?:^|[\s"])(\d+):(\d+): parse error/.exec(serverText);
  const loki = /at line (\d+), col (\d+)/.exec(serverText);
  const found = prometheus ?? loki ?? (anyPlace ? /(?:^|[\s:"(])(\d+):(\d+)\b/.exec(serverText) : null);
  if (found === null) return null;
  const lines = query.split('\n');
  const line = Math.min(Number(found[1]), lines.length);
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const text = lines[line - 1] ?? '';
  const column = Math.min(Math.max(Number(found[2]) - 1, 0), text.length);
  // A mark at the very end of a line has nothing to underline: it takes the last letter.
  const at = column >= text.length && text.length > 0 ? text.length - 1 : column;
  const word = /^[\w:.]+/.exec(text.slice(at));
  const from = before + at;
  return { from, to: Math.min(from + Math.max(word?.[0].length ?? 1, 1), query.length) };
}
