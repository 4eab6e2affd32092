import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const accent: MantineColorsTuple = ['#ddebfd', '#c3dbfb', '#9cc6fb', '#70adfb', '#4f96f0', '#3a84e4', '#276ed2', '#145ec1', '#0f4ea3', '#0b3d82'];

/** Mantine's look, taken from the tokens: overlays use it, everything else is the page's own. */
export const theme = createTheme({
  primaryColor: 'accent',
  colors: { accent },
  fontFamily: 'var(--ph-sans)',
  fontFamilyMonospace: 'var(--ph-mono)',
  defaultRadius: 4,
  cursorType: 'pointer',
  respectReducedMotion: true,
});

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {
    '--mantine-color-body': 'var(--ph-surface-0)',
    '--mantine-color-text': 'var(--ph-text-1)',
    '--mantine-color-dimmed': 'var(--ph-text-3)',
    '--mantine-color-default': 'var(--ph-surface-2)',
    '--mantine-color-default-border': 'var(--ph-line-2)',
    '--mantine-color-error': 'var(--ph-firing)',
    '--mantine-color-anchor': 'var(--ph-accent)',
    '--mantine-color-placeholder': 'var(--ph-text-3)',
  },
  light: { '--mantine-color-body': 'var(--ph-surface-0)', '--mantine-color-text': 'var(--ph-text-1)', '--mantine-color-default-border': 'var(--ph-line-2)', '--mantine-color-dimmed': 'var(--ph-text-3)' },
  dark: { '--mantine-color-body': 'var(--ph-surface-0)', '--mantine-color-text': 'var(--ph-text-1)', '--mantine-color-default-border': 'var(--ph-line-2)', '--mantine-color-dimmed': 'var(--ph-text-3)' },
});
