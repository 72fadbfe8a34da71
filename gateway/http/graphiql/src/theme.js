import { editor } from 'monaco-graphql/esm/monaco-editor.js';

export const EDITOR_THEME = { dark: 'gateway-DARK', light: 'gateway-LIGHT' };

// As GraphiQL's themes, with more contrast: WCAG requires 4.5 to 1 for text.
defineTheme(EDITOR_THEME.light, 'vs', {
  background: '#ffffff',
  accent: '#d60590',
  accentBackground: '#d6059019',
  inputBackground: '#3b4b6811',
  lineNumber: '#237893',
  tokens: { 'argument.identifier.gql': '#6c69ce', comment: '#007500', number: '#07694a' },
});
defineTheme(EDITOR_THEME.dark, 'vs-dark', {
  background: '#212a3b',
  accent: '#ff5794',
  accentBackground: '#ff579419',
  inputBackground: '#b7c2d711',
  lineNumber: '#9aa5b8',
  tokens: { 'argument.identifier.gql': '#908aff', comment: '#8ab573' },
});

function defineTheme(name, base, { background, accent, accentBackground, inputBackground, lineNumber, tokens }) {
  editor.defineTheme(name, {
    base,
    inherit: true,
    rules: Object.entries(tokens).map(([token, foreground]) => ({ token, foreground })),
    colors: {
      'editor.background': '#ffffff00', // the page's background is behind it
      'scrollbar.shadow': '#ffffff00',
      'editorLineNumber.foreground': lineNumber,
      'editorLineNumber.dimmedForeground': lineNumber,
      'editorWidget.background': background,
      'editorHoverWidget.background': background,
      'editorSuggestWidget.background': background,
      'editorSuggestWidget.selectedBackground': accentBackground,
      'editorSuggestWidget.selectedForeground': accent,
      'list.hoverBackground': accentBackground,
      'list.highlightForeground': accent,
      'list.focusHighlightForeground': accent,
      'menu.background': background,
      'menu.selectionBackground': accentBackground,
      'menu.selectionForeground': accent,
      'quickInput.background': background,
      'quickInputList.focusBackground': accentBackground,
      'quickInputList.focusForeground': base === 'vs' ? '#444444' : '#ffffff',
      'input.background': inputBackground,
      'textLink.foreground': accent,
      'textLink.activeForeground': accent,
      'editorLink.activeForeground': accent,
      focusBorder: accent,
    },
  });
}

// The page follows a change of the system's color scheme; its editors do not without this.
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
  if (!localStorage.getItem('graphiql:theme')) {
    editor.setTheme(matches ? EDITOR_THEME.dark : EDITOR_THEME.light);
  }
});
