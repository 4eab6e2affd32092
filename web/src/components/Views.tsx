/** What a panel shows when it has no data to show: loading, empty, failed. */

import { IconCheck, IconCopy, IconPlugX, IconRefresh } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { ApiError } from '../api/client';

/** A static skeleton of `rows` lines; invisible for the first 150 ms. */
export function Skeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <i key={at} style={{ width: `${92 - ((at * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

/** The 2 px bar of a reload, and after five seconds the time it has taken with a way out. */
export function Progress({ onCancel }: { onCancel?: () => void }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds((now) => now + 1), 1_000);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <>
      <div className="progress" role="progressbar" aria-label="Loading" />
      {seconds >= 5 && (
        <p className="caption" style={{ padding: '4px 12px' }}>
          Still running, {seconds} s
          {onCancel !== undefined && (
            <>
              {' · '}
              <button type="button" className="link-button" onClick={onCancel}>
                Cancel
              </button>
            </>
          )}
        </p>
      )}
    </>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="notice" data-testid="empty">
      <h2>{title}</h2>
      {children}
      {action}
    </div>
  );
}

/** A plain sentence, the server's words, the request id, and Retry. */
export function Failed({ error, onRetry, what }: { error: unknown; onRetry?: () => void; what?: string }) {
  const [open, setOpen] = useState(false);
  const api = error instanceof ApiError ? error : null;
  const words = api?.serverText ?? (error instanceof Error ? error.message : String(error));
  return (
    <div className="notice" role="alert" data-testid="error">
      <span className="state error">
        <IconPlugX size={16} stroke={1.75} aria-hidden />
        <span className="word">{what ?? 'This could not be loaded.'}</span>
      </span>
      {api !== null && <p>{api.message}</p>}
      {words !== '' && (
        <pre className={`server-text${open ? '' : ' short'}`} onClick={() => setOpen(true)}>
          {words}
        </pre>
      )}
      {api !== null && api.requestId !== '' && <p className="caption">Request {api.requestId}</p>}
      {onRetry !== undefined && (
        <button type="button" className="button" onClick={onRetry}>
          <IconRefresh size={16} stroke={1.75} aria-hidden />
          Retry
        </button>
      )}
    </div>
  );
}

export function CopyButton({ value, label = 'Copy' }: { value: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = window.setTimeout(() => setDone(false), 1_500);
    return () => window.clearTimeout(timer);
  }, [done]);
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={done ? 'Copied' : label}
      title={done ? 'Copied' : label}
      onClick={() => {
        void navigator.clipboard?.writeText(value).then(() => setDone(true));
      }}
    >
      {done ? <IconCheck size={16} stroke={1.75} aria-hidden /> : <IconCopy size={16} stroke={1.75} aria-hidden />}
    </button>
  );
}

/** A command to copy and run. */
export function CopyLine({ value }: { value: string }) {
  return (
    <div className="copy-line">
      <pre className="well">{value}</pre>
      <CopyButton value={value} label="Copy the command" />
    </div>
  );
}
