import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/global.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/CloseButton.css';
import '@mantine/core/styles/Paper.css';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/Modal.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';
import './styles/shell.css';

import { MantineProvider } from '@mantine/core';
import { hashKey, keepPreviousData, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router/dom';
import { ApiError, pickedTenant, setOwnTenant } from './api/client';
import { me } from './api/pharos';
import { makeRouter } from './routes';
import { cssVariablesResolver, theme } from './state/theme';
import { foreignAddress } from './state/url';

// Links made for Prometheus and Alertmanager open the page that answers them here.
const foreign = foreignAddress(window.location.pathname, window.location.search, window.location.hash);
if (foreign !== null) window.history.replaceState(null, '', foreign);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // One tenant's answers are never shown for another.
      queryKeyHashFn: (key) => `${pickedTenant()}\n${hashKey(key)}`,
      placeholderData: keepPreviousData,
      refetchOnWindowFocus: false,
      staleTime: 1_000,
      retry: (failures, error) => failures < 1 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element "root"');

// A server with several tenants answers nothing without one: its own choice comes first.
const draw = () => {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto">
        <QueryClientProvider client={queries}>
          <RouterProvider router={makeRouter()} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
};
me()
  .then((own) => setOwnTenant(own.multitenant ? own.tenant : ''))
  .catch(() => undefined)
  .finally(draw);
