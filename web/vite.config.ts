import react from '@vitejs/plugin-react';
import { defineConfig, type PluginOption } from 'vite';

const server = process.env['PHAROS_URL'] ?? 'http://127.0.0.1:3000';

const proxied = ['/api', '/prometheus', '/loki', '/alertmanager', '/collector.v1.CollectorService', '/pipeline.v1.PipelineService'];

/** Libraries that change rarely, each in a file of its own so that the browser keeps it over releases. */
const vendors: [string, RegExp][] = [
  ['react', /node_modules\/(react|react-dom|scheduler)\//],
  ['mantine', /node_modules\/(@mantine|@floating-ui|react-remove-scroll|clsx)\//],
  ['editor', /node_modules\/(@codemirror|@lezer|@prometheus-io|@grafana|style-mod|crelt|w3c-keyname)\//],
  ['map', /node_modules\/(@xyflow|d3-|zustand)/],
  ['chart', /node_modules\/uplot\//],
  ['data', /node_modules\/(@tanstack|react-router)\//],
];

export default defineConfig(async ({ mode }) => {
  const plugins: PluginOption[] = [react()];
  if (mode === 'mock') {
    // The stand-in server lives outside src and is loaded here only: it never reaches the product.
    const { mockServer } = await import('./mock/plugin.mjs');
    plugins.push(mockServer());
  }
  return {
    plugins,
    build: {
      target: 'es2022',
      chunkSizeWarningLimit: 900,
      rolldownOptions: {
        output: { codeSplitting: { groups: vendors.map(([name, test]) => ({ name, test })) } },
      },
    },
    server: {
      proxy: mode === 'mock' ? {} : Object.fromEntries(proxied.map((path) => [path, { target: server, ws: true }])),
    },
    test: { include: ['tests/**/*.test.ts'], environment: 'node' as const },
  };
});
