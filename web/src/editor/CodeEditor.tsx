import { acceptCompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { EditorState, Prec, type Extension } from '@codemirror/state';
import { EditorView, keymap, placeholder as placeholderOf } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { serverError, setErrorSpot, type Spot } from './serverError';
import { editorLook } from './theme';

interface Props {
  value: string;
  onChange: (value: string) => void;
  /** Shift-Enter and Ctrl-Enter. */
  onRun?: () => void;
  language: Extension;
  placeholder?: string;
  label: string;
  error?: Spot | null;
  testId?: string;
  multiline?: boolean;
  autoFocus?: boolean;
}

/** A query or configuration editor: the text is the parent's, the language is an extension. */
export function CodeEditor({ value, onChange, onRun, language, placeholder = '', label, error = null, testId, multiline = false, autoFocus = false }: Props) {
  const host = useRef<HTMLDivElement | null>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, onRun, value });
  latest.current = { onChange, onRun, value };

  useEffect(() => {
    if (host.current === null) return undefined;
    const run = () => {
      const action = latest.current.onRun;
      if (action === undefined) return false;
      if (view.current !== null) closeCompletion(view.current);
      action();
      return true;
    };
    const editor = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: 'Shift-Enter', run },
              { key: 'Ctrl-Enter', run },
              { key: 'Cmd-Enter', run },
              { key: 'Tab', run: acceptCompletion },
              { key: 'Escape', run: closeCompletion },
            ]),
          ),
          history(),
          bracketMatching(),
          closeBrackets(),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
          ...(multiline ? [] : [EditorView.lineWrapping]),
          placeholderOf(placeholder),
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'off', autocorrect: 'off', ...(testId === undefined ? {} : { 'data-testid': testId }) }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
          serverError,
          editorLook,
          language,
        ],
      }),
    });
    view.current = editor;
    if (autoFocus) editor.focus();
    return () => {
      view.current = null;
      editor.destroy();
    };
    // The editor lives as long as its language: text and handlers reach it through refs.
  }, [language, placeholder, label, testId, multiline, autoFocus]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: setErrorSpot.of(error) });
  }, [error]);

  return <div ref={host} className="editor" />;
}
