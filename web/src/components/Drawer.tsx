import { IconX } from '@tabler/icons-react';
import { createContext, useContext, useEffect, useRef, type ReactNode } from 'react';
import { createPortal } from 'react-dom';

export const DrawerSlot = createContext<HTMLElement | null>(null);

/**
 * Details at the right edge: beside the page from 1280 px, over it below.
 * Esc closes; focus goes in when it opens and back when it closes.
 */
export function Drawer({ title, caption, onClose, children, testId, narrow = false }: { narrow?: boolean; title: ReactNode; caption?: ReactNode; onClose: () => void; children: ReactNode; testId?: string }) {
  const slot = useContext(DrawerSlot);
  const box = useRef<HTMLElement | null>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    box.current?.focus({ preventScroll: true });
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) close.current();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      if (before?.isConnected === true) before.focus({ preventScroll: true });
    };
  }, [slot]);
  if (slot === null) return null;
  return createPortal(
    <>
      <button type="button" className="drawer-shade" aria-label="Close the details" tabIndex={-1} onClick={onClose} />
      <aside className={narrow ? 'drawer narrow' : 'drawer'} role="dialog" aria-label="Details" ref={box} tabIndex={-1} data-testid={testId ?? 'drawer'} style={{ outline: 'none' }}>
        <div className="drawer-head">
          <div className="grow">
            {caption !== undefined && <div className="caption">{caption}</div>}
            <h2>{title}</h2>
          </div>
          <button type="button" className="icon-button" aria-label="Close" title="Close (Esc)" onClick={onClose}>
            <IconX size={16} stroke={1.75} aria-hidden />
          </button>
        </div>
        <div className="drawer-body">{children}</div>
      </aside>
    </>,
    slot,
  );
}
