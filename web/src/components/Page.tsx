import { useEffect, type ReactNode } from 'react';
import { Link, type LinkProps } from 'react-router';
import { useKeep } from '../state/url';

interface Props {
  /** Small line above the finding. */
  caption: ReactNode;
  /** The page's answer in one sentence. */
  finding: ReactNode;
  actions?: ReactNode;
  /** Browser title. */
  title: string;
  wide?: boolean;
  children: ReactNode;
}

export function Page({ caption, finding, actions, title, wide = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Pharos`;
  }, [title]);
  return (
    <div className={wide ? 'page wide' : 'page'}>
      <div className="page-head">
        <div className="words">
          <p className="caption">{caption}</p>
          <h1 data-testid="finding">{finding}</h1>
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** A link that keeps time range, refresh and tenant. Addresses outside the page open as they are. */
export function PageLink({ to, ...rest }: Omit<LinkProps, 'to'> & { to: string }) {
  const keep = useKeep();
  return <Link to={keep(to)} {...rest} />;
}

/** Only http and https addresses from labels and annotations become links; anything else stays text. */
export function OutsideLink({ href, children }: { href: string; children: ReactNode }) {
  if (!/^https?:\/\//i.test(href)) return <>{children}</>;
  return (
    <a href={href} target="_blank" rel="noreferrer noopener">
      {children}
    </a>
  );
}

/** Tabs that are links: the address says which one is open. */
export function LinkTabs({ items, label }: { items: { to: string; name: ReactNode; on: boolean }[]; label: string }) {
  return (
    <nav className="tabs" aria-label={label}>
      {items.map((item) => (
        <PageLink key={item.to} to={item.to} className={item.on ? 'tab on' : 'tab'} aria-current={item.on ? 'page' : undefined}>
          {item.name}
        </PageLink>
      ))}
    </nav>
  );
}
