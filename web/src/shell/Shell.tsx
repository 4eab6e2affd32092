import { useEffect, useState, useSyncExternalStore } from 'react';
import { Outlet, useLocation, useNavigate, useNavigation, useSearchParams } from 'react-router';
import { DrawerSlot } from '../components/Drawer';
import { PageLink } from '../components/Page';
import { connection } from '../state/connection';
import { TickProvider, useRefreshMs, useZone } from '../state/time';
import { useKeep } from '../state/url';
import { clockTime } from '../time/clock';
import { CommandPalette } from './CommandPalette';
import { Help } from './Help';
import { Logo } from './Logo';
import { isCurrent, navPages } from './pages';
import { useAlerts, useMe } from './queries';
import { TopBar } from './TopBar';

const foldKey = 'pharos.nav';

/** True while the reader types, so that single keys stay letters. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

export function Shell() {
  const [params] = useSearchParams();
  return (
    <TickProvider>
      <Frame key={params.get('tenant') ?? ''} />
    </TickProvider>
  );
}

function Frame() {
  const { pathname } = useLocation();
  const navigation = useNavigation();
  const navigate = useNavigate();
  const keep = useKeep();
  const [folded, setFolded] = useState(() => localStorage.getItem(foldKey) === 'folded');
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const [going, setGoing] = useState(false);

  useEffect(() => {
    localStorage.setItem(foldKey, folded ? 'folded' : 'open');
  }, [folded]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPalette(true);
        return;
      }
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (going) {
        setGoing(false);
        const page = navPages.find((each) => each.key === event.key);
        if (page !== undefined) {
          event.preventDefault();
          void navigate(keep(page.to));
        }
        return;
      }
      if (event.key === 'g') setGoing(true);
      else if (event.key === '[') setFolded((now) => !now);
      else if (event.key === '?') setHelp(true);
      else if (event.key === '/') {
        const field = document.querySelector<HTMLElement>('[data-filter]');
        if (field !== null) {
          event.preventDefault();
          field.focus();
        }
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [going, keep, navigate]);

  useEffect(() => {
    if (!going) return undefined;
    const timer = window.setTimeout(() => setGoing(false), 1_200);
    return () => window.clearTimeout(timer);
  }, [going]);

  return (
    <DrawerSlot value={slot}>
      <div className={folded ? 'shell folded' : 'shell'}>
        <a href="#content" className="button skip">
          Skip to the content
        </a>
        <Nav path={pathname} />
        <div className="column">
          <TopBar onSearch={() => setPalette(true)} onHelp={() => setHelp(true)} />
          <div className="workspace">
            <main className="scroll" id="content" tabIndex={-1} style={{ outline: 'none' }}>
              {navigation.state !== 'idle' && <div className="progress" role="progressbar" aria-label="Loading" />}
              <Outlet />
            </main>
            <div className="drawer-slot" ref={setSlot} />
          </div>
        </div>
        <TabBar path={pathname} onMore={() => setPalette(true)} />
      </div>
      {palette && <CommandPalette onClose={() => setPalette(false)} />}
      <Help open={help} onClose={() => setHelp(false)} />
    </DrawerSlot>
  );
}

function useFiringCount(): number {
  const { data } = useAlerts();
  return (data ?? []).filter((each) => each.state === 'active').length;
}

function Nav({ path }: { path: string }) {
  const firing = useFiringCount();
  return (
    <nav className="nav" aria-label="Main">
      <PageLink to="/" className="brand" aria-label="Pharos, home">
        <Logo />
        <span>Pharos</span>
      </PageLink>
      {navPages.map((page) => (
        <PageLink key={page.to} to={page.to} className="nav-item" title={`${page.name} (g ${page.key})`} aria-label={page.showFiring === true && firing > 0 ? `${page.name} ${firing} firing` : page.name} aria-current={isCurrent(page, path) ? 'page' : undefined} data-testid={`nav-${page.name.toLowerCase()}`}>
          <page.icon size={20} stroke={1.5} aria-hidden />
          <span>{page.name}</span>{' '}
          {page.showFiring === true && firing > 0 && (
            <span className="count" aria-label={`${firing} firing`} data-testid="nav-firing">
              {firing}
            </span>
          )}
        </PageLink>
      ))}
      <div className="nav-foot">
        <Live />
        <Version />
      </div>
    </nav>
  );
}

function Version() {
  const { data } = useMe();
  return <div>pharos {data?.version ?? ''}</div>;
}

function Live() {
  const state = useSyncExternalStore(connection.subscribe, connection.get);
  const zone = useZone();
  const every = useRefreshMs(2_000);
  if (!state.online) {
    return (
      <div className="live offline" role="status">
        <i />
        Offline since {clockTime(state.sinceMs, zone)}
      </div>
    );
  }
  return every === false ? (
    <div className="live polling">
      <i />
      Paused
    </div>
  ) : (
    <div className="live">
      <i />
      Live
    </div>
  );
}

function TabBar({ path, onMore }: { path: string; onMore: () => void }) {
  const firing = useFiringCount();
  return (
    <nav className="tabbar" aria-label="Main, phone">
      {navPages.map((page) => (
        <PageLink key={page.to} to={page.to} aria-current={isCurrent(page, path) ? 'page' : undefined}>
          <page.icon size={20} stroke={1.5} aria-hidden />
          {page.name}
          {page.showFiring === true && firing > 0 && <em aria-label={`${firing} firing`}>{firing}</em>}
        </PageLink>
      ))}
      <MoreButton onMore={onMore} />
    </nav>
  );
}

function MoreButton({ onMore }: { onMore: () => void }) {
  return (
    <button type="button" onClick={onMore}>
      <svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" aria-hidden>
        <path d="M4 7h16M4 12h16M4 17h16" />
      </svg>
      More
    </button>
  );
}
