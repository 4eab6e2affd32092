import { StreamLanguage, type StringStream } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { lineNumbers } from '@codemirror/view';
import { indentWithTab } from '@codemirror/commands';
import { keymap } from '@codemirror/view';

interface Mode {
  comment: boolean;
}

function token(stream: StringStream, mode: Mode): string | null {
  if (mode.comment) {
    if (stream.skipTo('*/')) {
      stream.match('*/');
      mode.comment = false;
    } else stream.skipToEnd();
    return 'comment';
  }
  if (stream.eatSpace()) return null;
  if (stream.match('//')) {
    stream.skipToEnd();
    return 'comment';
  }
  if (stream.match('/*')) {
    mode.comment = true;
    return 'comment';
  }
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^`[^`]*`?/)) return 'string';
  if (stream.match(/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/)) return 'number';
  if (stream.match(/^(?:true|false|null)\b/)) return 'bool';
  const word = stream.match(/^[A-Za-z_][\w.]*/);
  if (word !== null && typeof word !== 'boolean') {
    if (stream.match(/^\s*=(?!=)/, false)) return 'propertyName';
    if (stream.match(/^\s*\(/, false)) return 'variableName.function';
    if (stream.match(/^\s*(?:"[^"]*"\s*)?\{/, false)) return 'keyword';
    return null;
  }
  stream.next();
  return 'operator';
}

/** The Alloy configuration language: colours, line numbers, Tab indents. */
export function alloyLanguage(): Extension {
  return [
    StreamLanguage.define<Mode>({ name: 'alloy', startState: () => ({ comment: false }), token, languageData: { commentTokens: { line: '//' }, closeBrackets: { brackets: ['(', '[', '{', '"', '`'] } } }),
    lineNumbers(),
    keymap.of([indentWithTab]),
  ];
}
