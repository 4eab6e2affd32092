import { useMutation } from '@tanstack/react-query';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { saveSilence, type RoutedAlert } from '../../api/alertmanager';
import { Chips } from '../../components/Chips';
import { Drawer } from '../../components/Drawer';
import { Failed } from '../../components/Views';
import type { Matcher } from '../../format/labels';
import { count } from '../../format/number';
import { useZone } from '../../state/time';
import { fullTime } from '../../time/clock';
import { draftFromLabels, emptyRow, endOf, matcherProblem, toDraft, toMatcher, type MatcherDraft, type Operator } from './silenceDraft';
import { affected } from './SilencesPage';

const authorKey = 'pharos.author';
const presets = ['30m', '1h', '2h', '4h', '8h', '1d', '7d'];
const previewMax = 12;

interface Props {
  /** Matchers to begin with: those of another silence, or an alert's labels as JSON. */
  from: readonly Matcher[] | string | null;
  alerts: readonly RoutedAlert[];
  onClose: () => void;
  onSaved: (id: string) => void;
}

/** Writes a silence; what it would hold back is shown while typing. */
export function SilenceForm({ from, alerts, onClose, onSaved }: Props) {
  const [rows, setRows] = useState<MatcherDraft[]>(() => {
    const start = from === null ? [] : typeof from === 'string' ? draftFromLabels(from) : from.map(toDraft);
    return start.length === 0 ? [emptyRow] : start;
  });
  const [length, setLength] = useState('2h');
  const [author, setAuthor] = useState(() => localStorage.getItem(authorKey) ?? '');
  const [comment, setComment] = useState('');
  const zone = useZone();
  const names = [...new Set(alerts.flatMap((alert) => Object.keys(alert.labels)))].sort();
  const end = endOf(length, Date.now());
  const used = rows.filter((row) => row.name.trim() !== '' || row.value !== '');
  const problem = matcherProblem(rows) ?? (end === null ? 'Write how long it lasts, e.g. 2h or 1d12h.' : author.trim() === '' ? 'Write who silences.' : comment.trim() === '' ? 'Write why, so that others understand.' : null);
  const hit = used.length === 0 || matcherProblem(rows) !== null ? [] : affected({ matchers: used.map(toMatcher) }, alerts);
  const save = useMutation({
    mutationFn: () => {
      const startsAtMs = Date.now();
      localStorage.setItem(authorKey, author.trim());
      return saveSilence({ matchers: used.map(toMatcher), startsAtMs, endsAtMs: endOf(length, startsAtMs) ?? startsAtMs + 7_200_000, createdBy: author.trim(), comment: comment.trim() });
    },
    onSuccess: onSaved,
  });
  const set = (at: number, part: Partial<MatcherDraft>) => setRows((now) => now.map((row, index) => (index === at ? { ...row, ...part } : row)));

  return (
    <Drawer caption="Alerting" title="New silence" onClose={onClose} testId="silence-form">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (problem === null) save.mutate();
        }}
      >
        <section>
          <span className="field-label">Matchers, all must hold</span>
          <datalist id="silence-names">
            {names.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          {rows.map((row, at) => (
            <div className="matcher-row" key={at}>
              <input className="field" list="silence-names" placeholder="label" value={row.name} onChange={(event) => set(at, { name: event.target.value })} aria-label={`Label ${at + 1}`} data-testid={`matcher-name-${at}`} />
              <select className="field" value={row.operator} onChange={(event) => set(at, { operator: event.target.value as Operator })} aria-label={`Operator ${at + 1}`}>
                {(['=', '!=', '=~', '!~'] as const).map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
              <input className="field" list={`silence-values-${at}`} placeholder="value" value={row.value} onChange={(event) => set(at, { value: event.target.value })} aria-label={`Value ${at + 1}`} data-testid={`matcher-value-${at}`} />
              <datalist id={`silence-values-${at}`}>
                {[...new Set(alerts.map((alert) => alert.labels[row.name.trim()]).filter((each): each is string => each !== undefined))].slice(0, 50).map((value) => (
                  <option key={value} value={value} />
                ))}
              </datalist>
              <button type="button" className="icon-button" aria-label={`Remove matcher ${at + 1}`} title="Remove" onClick={() => setRows((now) => (now.length === 1 ? [emptyRow] : now.filter((_, index) => index !== at)))}>
                <IconX size={16} stroke={1.75} aria-hidden />
              </button>
            </div>
          ))}
          <button type="button" className="link-button row" style={{ gap: 4 }} onClick={() => setRows((now) => [...now, emptyRow])}>
            <IconPlus size={12} stroke={1.75} aria-hidden />
            Add matcher
          </button>
        </section>
        <label>
          <span className="field-label">Lasts</span>
          <input className="field" value={length} onChange={(event) => setLength(event.target.value)} aria-invalid={end === null} data-testid="silence-length" />
          <span className="caption">{end === null ? '' : `until ${fullTime(end, zone).slice(0, 16)}`}</span>
        </label>
        <span className="chips">
          {presets.map((each) => (
            <button type="button" key={each} className="chip" onClick={() => setLength(each)}>
              {each}
            </button>
          ))}
        </span>
        <label>
          <span className="field-label">By</span>
          <input className="field" value={author} onChange={(event) => setAuthor(event.target.value)} data-testid="silence-author" />
        </label>
        <label>
          <span className="field-label">Why</span>
          <textarea className="field" rows={2} value={comment} onChange={(event) => setComment(event.target.value)} data-testid="silence-comment" />
        </label>
        {save.error !== null && <Failed error={save.error} what="The silence was not saved." />}
        <div className="row wrap">
          <button type="submit" className="button primary" disabled={problem !== null || save.isPending} data-testid="silence-save">
            Silence {hit.length > 0 ? count(hit.length, 'alert') : ''}
          </button>
          {problem !== null && <span className="caption grow">{problem}</span>}
        </div>
      </form>
      <section data-testid="silence-preview">
        <h3>Held back now: {count(hit.length, 'alert')}</h3>
        {hit.length === 0 && <p>No alert matches now; later ones will.</p>}
        <ul className="stack" style={{ gap: 6 }}>
          {hit.slice(0, previewMax).map((alert) => (
            <li key={alert.fingerprint}>
              <b>{alert.labels['alertname']}</b> <Chips labels={alert.labels} max={3} />
            </li>
          ))}
        </ul>
        {hit.length > previewMax && <p className="caption">{hit.length - previewMax} more</p>}
      </section>
    </Drawer>
  );
}
