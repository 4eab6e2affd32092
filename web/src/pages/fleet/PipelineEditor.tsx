import { useMutation } from '@tanstack/react-query';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { ApiError } from '../../api/client';
import { deletePipeline, upsertPipeline, type Collector, type Pipeline } from '../../api/fleet';
import { Drawer } from '../../components/Drawer';
import { StateMark } from '../../components/StateMark';
import { Failed } from '../../components/Views';
import { alloyLanguage } from '../../editor/alloy';
import { CodeEditor } from '../../editor/CodeEditor';
import { errorSpot } from '../../editor/serverError';
import { parseMatcher } from '../../format/labels';
import { count } from '../../format/number';
import { draftProblem, isAssigned } from './assign';

const language = alloyLanguage();
const listedMax = 30;

interface Props {
  /** Null for a new one. */
  pipeline: Pipeline | null;
  taken: readonly string[];
  collectors: readonly Collector[];
  onClose: () => void;
  /** With the name saved; empty when it was deleted. */
  onSaved: (name: string) => void;
}

/** Name, matchers with a live preview of who gets it, contents; checked by the server before it is saved. */
export function PipelineEditor({ pipeline, taken, collectors, onClose, onSaved }: Props) {
  const [name, setName] = useState(pipeline?.name ?? '');
  const [matchers, setMatchers] = useState<string[]>(pipeline === null || pipeline.matchers.length === 0 ? [''] : pipeline.matchers);
  const [contents, setContents] = useState(pipeline?.contents ?? '');
  const [enabled, setEnabled] = useState(pipeline?.enabled ?? true);
  const [sure, setSure] = useState(false);
  const used = matchers.map((each) => each.trim()).filter((each) => each !== '');
  const draft = { name: name.trim(), contents, matchers: used, enabled };
  const problem = draftProblem(name, matchers, contents) ?? (pipeline === null && taken.includes(name.trim()) ? `There is a pipeline "${name.trim()}" already.` : null);
  const changed = pipeline === null ? name !== '' || contents !== '' : JSON.stringify(draft) !== JSON.stringify({ name: pipeline.name, contents: pipeline.contents, matchers: pipeline.matchers, enabled: pipeline.enabled });
  const check = useMutation({ mutationFn: () => upsertPipeline(draft, true) });
  const save = useMutation({ mutationFn: () => upsertPipeline(draft, false), onSuccess: () => onSaved(draft.name) });
  const remove = useMutation({ mutationFn: () => deletePipeline(pipeline?.id ?? ''), onSuccess: () => onSaved('') });
  const error = save.error ?? check.error;
  const matched = collectors.filter((each) => isAssigned(used, each));

  useEffect(() => {
    if (!changed) return undefined;
    // Leaving with changes asks first.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [changed]);

  const edit = <T,>(set: (value: T) => void) => (value: T) => {
    set(value);
    check.reset();
    save.reset();
  };

  return (
    <Drawer
      caption={pipeline === null ? 'Fleet' : `Pipeline${pipeline.source === '' ? '' : `, managed by ${pipeline.source}`}`}
      title={pipeline?.name ?? 'New pipeline'}
      onClose={() => {
        if (!changed || window.confirm('Leave without saving the changes?')) onClose();
      }}
      testId="pipeline-editor"
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (problem === null) save.mutate();
        }}
        onKeyDown={(event) => {
          if ((event.ctrlKey || event.metaKey) && event.key === 's') {
            event.preventDefault();
            if (problem === null) save.mutate();
          }
        }}
      >
        {pipeline !== null && pipeline.source !== '' && <StateMark state="pending" word={`The next sync from ${pipeline.source} overwrites changes made here.`} />}
        {pipeline === null && (
          <label>
            <span className="field-label">Name</span>
            <input className="field" value={name} onChange={(event) => edit(setName)(event.target.value)} data-testid="pipeline-name" />
          </label>
        )}
        <section>
          <span className="field-label">Goes to collectors with all of</span>
          {matchers.map((text, at) => (
            <div className="row" key={at} style={{ gap: 4, marginBottom: 4 }}>
              <input
                className="field mono"
                value={text}
                placeholder={'cluster=~"eu.*"'}
                aria-label={`Matcher ${at + 1}`}
                aria-invalid={text.trim() !== '' && parseMatcher(text) === null}
                onChange={(event) => edit(setMatchers)(matchers.map((each, index) => (index === at ? event.target.value : each)))}
                data-testid={`pipeline-matcher-${at}`}
              />
              <button type="button" className="icon-button" aria-label={`Remove matcher ${at + 1}`} title="Remove" onClick={() => edit(setMatchers)(matchers.length === 1 ? [''] : matchers.filter((_, index) => index !== at))}>
                <IconX size={16} stroke={1.75} aria-hidden />
              </button>
            </div>
          ))}
          <button type="button" className="link-button row" style={{ gap: 4 }} onClick={() => edit(setMatchers)([...matchers, ''])}>
            <IconPlus size={12} stroke={1.75} aria-hidden />
            Add matcher
          </button>
        </section>
        <details data-testid="pipeline-preview">
          <summary>
            <b>{count(matched.length, 'collector')}</b> of {collectors.length} would get it{used.length === 0 ? ', as no matcher narrows it' : ''}
          </summary>
          <p className="mono" style={{ marginTop: 4 }}>
            {matched
              .slice(0, listedMax)
              .map((each) => each.id)
              .join(', ')}
            {matched.length > listedMax ? ` and ${matched.length - listedMax} more` : ''}
          </p>
        </details>
        <section>
          <span className="field-label">Contents</span>
          <div className="alloy-editor">
            <CodeEditor label="Pipeline contents" testId="pipeline-contents" language={language} value={contents} onChange={edit(setContents)} onRun={() => check.mutate()} multiline error={error instanceof ApiError ? errorSpot(error.serverText, contents, true) : null} placeholder={'prometheus.scrape "app" {\n  …\n}'} />
          </div>
        </section>
        <label className="row">
          <input type="checkbox" checked={enabled} onChange={(event) => edit(setEnabled)(event.target.checked)} />
          Enabled
        </label>
        {error !== null && <Failed error={error} what={save.error === null ? 'The server finds a mistake.' : 'The pipeline was not saved.'} />}
        {check.isSuccess && error === null && <StateMark state="ok" word="The server accepts it." />}
        {remove.error !== null && <Failed error={remove.error} what="The pipeline was not deleted." />}
        <div className="row wrap">
          <button type="submit" className="button primary" disabled={problem !== null || save.isPending || !changed} data-testid="pipeline-save">
            Save
          </button>
          <button type="button" className="button" disabled={problem !== null || check.isPending} onClick={() => check.mutate()} data-testid="pipeline-check">
            Check
          </button>
          {pipeline !== null && (
            <button
              type="button"
              className={sure ? 'button danger' : 'button quiet'}
              disabled={remove.isPending}
              onClick={() => {
                if (sure) remove.mutate();
                setSure(!sure);
              }}
            >
              {sure ? 'Delete it now?' : 'Delete'}
            </button>
          )}
          {problem !== null && changed && <span className="caption grow">{problem}</span>}
        </div>
      </form>
    </Drawer>
  );
}
