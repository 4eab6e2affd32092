import { Modal } from '@mantine/core';
import { navPages } from './pages';

const keys: [string, string][] = [
  ['Ctrl K', 'Search pages, alerts and metrics, or run a pasted query'],
  ['/', 'Go to the filter of the page'],
  ['Shift Enter', 'Run the query'],
  ['d r', 'Refresh now'],
  ['t z', 'Zoom out of the time range'],
  ['t ←  t →', 'Move the time range back or forth'],
  ['t a', 'Make the time range absolute'],
  ['[', 'Fold the navigation'],
  ['Esc', 'Close details and menus'],
];

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal opened={open} onClose={onClose} title="Keys" centered classNames={{ content: 'popover' }} closeButtonProps={{ 'aria-label': 'Close' }}>
      <dl className="keys">
        {navPages.map((page) => (
          <KeyRow key={page.to} name={`g ${page.key}`} what={`Go to ${page.name}`} />
        ))}
        {keys.map(([name, what]) => (
          <KeyRow key={name} name={name} what={what} />
        ))}
      </dl>
    </Modal>
  );
}

function KeyRow({ name, what }: { name: string; what: string }) {
  return (
    <>
      <dt>
        <kbd>{name}</kbd>
      </dt>
      <dd>{what}</dd>
    </>
  );
}
