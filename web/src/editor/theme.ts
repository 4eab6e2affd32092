import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags as t } from '@lezer/highlight';

const look = EditorView.theme({
  '&': { backgroundColor: 'transparent', color: 'var(--ph-text-1)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--ph-mono)', lineHeight: '20px', fontVariantLigatures: 'none', maxHeight: '220px' },
  '.cm-content': { padding: '6px 0', caretColor: 'var(--ph-text-1)' },
  '.cm-line': { padding: '0 4px' },
  '.cm-cursor': { borderLeftColor: 'var(--ph-text-1)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { background: 'var(--ph-accent-soft) !important' },
  '.cm-placeholder': { color: 'var(--ph-text-3)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'transparent', outline: '1px solid var(--ph-line-control)' },
  '.cm-tooltip': { backgroundColor: 'var(--ph-surface-3)', color: 'var(--ph-text-2)', border: '1px solid var(--ph-line-2)', borderRadius: '6px', boxShadow: 'var(--ph-shadow)', overflow: 'hidden' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--ph-mono) !important', fontSize: '12px', maxHeight: '280px !important' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px !important', lineHeight: '20px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--ph-accent-soft) !important', color: 'var(--ph-text-1) !important' },
  '.cm-completionMatchedText': { color: 'var(--ph-accent)', textDecoration: 'none' },
  '.cm-completionDetail': { color: 'var(--ph-text-3)', fontStyle: 'normal', marginLeft: '12px' },
  '.cm-completionInfo': { maxWidth: '360px', padding: '6px 8px', fontFamily: 'var(--ph-sans)' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-lintRange-error, .cm-server-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--ph-firing)', textUnderlineOffset: '3px', textDecorationSkipInk: 'none' },
  '.cm-lintPoint:after': { borderBottomColor: 'var(--ph-firing)' },
  '.cm-diagnostic': { borderLeft: '3px solid var(--ph-firing)', padding: '4px 8px' },
});

const code = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: 'var(--ph-text-1)', fontWeight: '600' },
  { tag: [t.comment, t.lineComment], color: 'var(--ph-text-3)' },
  { tag: [t.function(t.variableName), t.definitionKeyword], color: 'var(--ph-code-function)' },
  { tag: [t.labelName, t.propertyName], color: 'var(--ph-code-label)' },
  { tag: [t.string], color: 'var(--ph-code-string)' },
  { tag: [t.number, t.bool, t.literal], color: 'var(--ph-code-number)' },
  { tag: [t.operator, t.punctuation, t.paren, t.squareBracket, t.brace], color: 'var(--ph-text-2)' },
]);

export const editorLook: Extension = [look, syntaxHighlighting(code)];
