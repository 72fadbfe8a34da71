import { editor } from 'monaco-graphql/esm/monaco-editor.js';

export const EDITOR_THEME = { dark: 'graphiql-DARK', light: 'graphiql-LIGHT' }; // the names that GraphiQL uses

// The page follows a change of the system's color scheme; its editors do not without this.
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', ({ matches }) => {
  if (!localStorage.getItem('graphiql:theme')) {
    editor.setTheme(matches ? EDITOR_THEME.dark : EDITOR_THEME.light);
  }
});
