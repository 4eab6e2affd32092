import { Popover, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconBaselineDensityMedium, IconBaselineDensitySmall, IconChevronDown, IconHelpCircle, IconMoon, IconSearch, IconSun, IconUsers } from '@tabler/icons-react';
import { Fragment, useEffect, useState } from 'react';
import { useLocation, useSearchParams } from 'react-router';
import { PageLink } from '../components/Page';
import { useParam } from '../state/url';
import { crumbs } from './pages';
import { useMe } from './queries';
import { TimeControl } from './TimeControl';

export function TopBar({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const { pathname } = useLocation();
  const way = crumbs(pathname);
  return (
    <header className="top">
      <nav className="crumbs" aria-label="Where you are">
        {way.map((each, at) => (
          <Fragment key={each.name}>
            {at > 0 && <span aria-hidden>/</span>}
            {at < way.length - 1 && each.to !== undefined ? <PageLink to={each.to}>{each.name}</PageLink> : <b>{each.name}</b>}
          </Fragment>
        ))}
      </nav>
      <button type="button" className="control find hide-phone" onClick={onSearch} title="Search or jump to" aria-keyshortcuts="Control+K" data-testid="search">
        <IconSearch size={16} stroke={1.75} aria-hidden />
        <span>Search or jump to</span>
        <kbd>Ctrl K</kbd>
      </button>
      <TenantPicker />
      <TimeControl />
      <button type="button" className="icon-button hide-phone" onClick={onHelp} aria-label="Help and keys" title="Help and keys (?)">
        <IconHelpCircle size={18} stroke={1.5} aria-hidden />
      </button>
      <DensityButton />
      <ThemeButton />
    </header>
  );
}

function ThemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('dark');
  const next = scheme === 'dark' ? 'light' : 'dark';
  const Icon = scheme === 'dark' ? IconSun : IconMoon;
  return (
    <button type="button" className="icon-button" onClick={() => setColorScheme(next)} aria-label={`Use the ${next} theme`} title={`Use the ${next} theme`} data-testid="theme">
      <Icon size={18} stroke={1.5} aria-hidden />
    </button>
  );
}

const densityKey = 'pharos.density';

function DensityButton() {
  const [density, setDensity] = useState(() => (localStorage.getItem(densityKey) === 'comfortable' ? 'comfortable' : 'compact'));
  useEffect(() => {
    document.documentElement.dataset['density'] = density;
    localStorage.setItem(densityKey, density);
  }, [density]);
  const next = density === 'compact' ? 'comfortable' : 'compact';
  const Icon = density === 'compact' ? IconBaselineDensityMedium : IconBaselineDensitySmall;
  return (
    <button type="button" className="icon-button hide-tablet" onClick={() => setDensity(next)} aria-label={`Use ${next} rows`} title={`Use ${next} rows`}>
      <Icon size={18} stroke={1.5} aria-hidden />
    </button>
  );
}

function TenantPicker() {
  const { data } = useMe();
  const [params] = useSearchParams();
  const [, setTenant] = useParam('tenant');
  const [open, setOpen] = useState(false);
  if (data === undefined || !data.multitenant) return null;
  const picked = params.get('tenant') ?? data.tenant;
  const choices = [...new Set([data.tenant, picked, ...data.tenants])].sort();
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" shadow="none">
      <Popover.Target>
        <button type="button" className={picked === data.tenant ? 'control hide-phone' : 'control tint hide-phone'} onClick={() => setOpen(!open)} aria-label={`Tenant ${picked}`} data-testid="tenant">
          <IconUsers size={16} stroke={1.75} aria-hidden />
          <span className="cut" style={{ maxWidth: 140 }}>{picked}</span>
          <IconChevronDown size={14} stroke={1.75} aria-hidden />
        </button>
      </Popover.Target>
      <Popover.Dropdown className="popover" role="listbox" aria-label="Tenant">
        {choices.map((each) => (
          <button
            key={each}
            type="button"
            role="option"
            aria-selected={each === picked}
            className={each === picked ? 'menu-item on' : 'menu-item'}
            onClick={() => {
              setOpen(false);
              setTenant(each === data.tenant ? null : each);
            }}
          >
            {each}
          </button>
        ))}
      </Popover.Dropdown>
    </Popover>
  );
}
