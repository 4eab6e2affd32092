import { useQuery } from '@tanstack/react-query';
import { IconMinus, IconPlus } from '@tabler/icons-react';
import type { LogLine } from '../../api/loki';
import { callData } from '../../api/client';
import { list, text } from '../../api/decode';
import { Drawer } from '../../components/Drawer';
import { OutsideLink, PageLink } from '../../components/Page';
import { CopyButton } from '../../components/Views';
import { selector } from '../../format/labels';
import { clockMs } from '../../time/clock';
import type { Zone } from '../../time/range';
import type { FieldKind } from '../../editor/logql';
import { levelColor, plainText, showLine, textKind } from './lines';

interface Props {
  line: LogLine;
  zone: Zone;
  isStream: (name: string) => boolean;
  onPick: (name: string, value: string, equal: boolean, kind: FieldKind) => void;
  onAround: (ms: number) => void;
  streamOnly: () => void;
  onClose: () => void;
}

/** Everything known of a line: text, labels, metadata, fields; each value keeps or drops its like. */
export function LineDrawer({ line, zone, isStream, onPick, onAround, streamOnly, onClose }: Props) {
  const said = showLine(line);
  const parsed = Object.fromEntries(Object.entries(said.fields).filter(([name]) => line.labels[name] === undefined && line.metadata[name] === undefined));
  // Only labels that metrics know can select them.
  const metricLabels = useQuery({ queryKey: ['label-names'], queryFn: async ({ signal }) => list((await callData('/prometheus/api/v1/labels', { signal })).raw, (each) => text(each)), staleTime: 60_000 });
  const shared = Object.fromEntries(Object.entries(line.labels).filter(([name]) => metricLabels.data?.includes(name) === true));
  return (
    <Drawer
      title={
        <span className="row">
          {clockMs(line.ms, zone)}
          <span className="row" style={{ gap: 6, fontSize: 13, fontWeight: 500 }}>
            <span className="level-swatch" style={{ background: levelColor[said.level] }} />
            {said.level}
          </span>
        </span>
      }
      onClose={onClose}
      narrow
      testId="line-drawer"
    >
      <div className="copy-line">
        <pre className="well" style={{ maxHeight: 320 }} data-testid="line-text">{pretty(line.line)}</pre>
        <CopyButton value={line.line} label="Copy the line" />
      </div>
      <Values title="Labels" values={line.labels} kind={(name) => (isStream(name) ? 'stream' : 'metadata')} onPick={onPick} />
      <Values title="Structured metadata" values={line.metadata} kind={() => 'metadata'} onPick={onPick} />
      <Values title="Fields in the line" values={parsed} kind={() => textKind(line.line)} onPick={onPick} />
      <div className="stack" style={{ gap: 8, alignItems: 'flex-start' }}>
        <button type="button" className="link-button" onClick={() => { streamOnly(); onAround(line.ms); }} data-testid="lines-around">
          Lines around this one
        </button>
        {Object.keys(shared).length > 0 && (
          <PageLink to={`/explore/metrics?q=${encodeURIComponent(selector(shared))}`} data-testid="same-in-metrics">
            Same labels in metrics
          </PageLink>
        )}
        <span className="row">
          <CopyButton value={window.location.href} label="Copy the link to this line" />
          <span className="caption">Link to this line</span>
        </span>
      </div>
    </Drawer>
  );
}

function pretty(line: string): string {
  const plain = plainText(line);
  if (!plain.trimStart().startsWith('{')) return plain;
  try {
    return JSON.stringify(JSON.parse(plain), null, 2);
  } catch {
    return plain;
  }
}

function Values({ title, values, kind, onPick }: { title: string; values: Readonly<Record<string, string>>; kind: (name: string) => FieldKind; onPick: Props['onPick'] }) {
  const entries = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      {entries.map(([name, value]) => (
        <div className="detail-row" key={name}>
          <span className="key">{name}</span>
          <span className="value">
            <OutsideLink href={value}>{plainText(value)}</OutsideLink>
          </span>
          <span className="nowrap">
            <button type="button" className="icon-button small" aria-label={`Keep ${name}=${value}`} title="Keep only this value" onClick={() => onPick(name, value, true, kind(name))} data-testid={`keep-${name}`}>
              <IconPlus size={12} stroke={1.75} aria-hidden />
            </button>
            <button type="button" className="icon-button small" aria-label={`Drop ${name}=${value}`} title="Drop this value" onClick={() => onPick(name, value, false, kind(name))} data-testid={`drop-${name}`}>
              <IconMinus size={12} stroke={1.75} aria-hidden />
            </button>
          </span>
        </div>
      ))}
    </section>
  );
}
