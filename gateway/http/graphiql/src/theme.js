import { editor } from 'monaco-graphql/esm/monaco-editor.js';

export const EDITOR_THEME = { dark: 'graphiql-DARK', light: 'graphiql-LIGHT' }; // by GraphiQL's names

// The page follows the system when evening comes; without this its editors would stay as they were loaded.
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
  if (!localStorage.getItem('graphiql:theme')) {
    editor.setTheme(matches ? EDITOR_THEME.dark : EDITOR_THEME.light);
  }
});
