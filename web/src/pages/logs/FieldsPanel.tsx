import { useState } from 'react';
import { cutMiddle } from '../../format/labels';
import { count } from '../../format/number';
import type { FieldKind } from '../../editor/logql';
import type { FieldSummary } from './lines';

/** Fields of the loaded lines with the share of their values; a click keeps a value, Alt-click drops it. */
export function FieldsPanel({ fields, onPick }: { fields: readonly FieldSummary[]; onPick: (name: string, value: string, equal: boolean, kind: FieldKind) => void }) {
  const [filter, setFilter] = useState('');
  const shown = fields.filter((each) => each.name.toLowerCase().includes(filter.toLowerCase()));
  return (
    <aside className="panel fields" aria-label="Fields" style={{ height: 'max(320px, calc(100dvh - var(--above, 352px)))' }}>
      <div className="panel-head">
        Fields <span className="caption">{fields.length}</span>
      </div>
      <div style={{ padding: '0 12px 4px' }}>
        <input className="field" placeholder="Find a field" value={filter} onChange={(event) => setFilter(event.target.value)} aria-label="Find a field" data-filter />
      </div>
      {shown.map((field) => (
        <section className="field-group" key={field.name}>
          <h3>
            {field.name}
            <span>{count(field.distinct, 'value')}</span>
          </h3>
          {field.top.map(({ value, share }) => (
            <button type="button" className="field-value" key={value} title={`${field.name}=${value}\nClick to keep, Alt-click to drop`} onClick={(event) => onPick(field.name, value, !event.altKey, field.kind)} data-testid={`field-${field.name}`}>
              <i style={{ width: `${Math.max(share * 100, 2)}%` }} aria-hidden />
              <span className="cut">{value === '' ? '(empty)' : cutMiddle(value, 17)}</span>
              <span className="share">{share >= 0.01 ? Math.round(share * 100) : '<1'} %</span>
            </button>
          ))}
        </section>
      ))}
    </aside>
  );
}
