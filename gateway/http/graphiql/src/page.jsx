import { pick, useGraphiQL } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface } from 'graphiql';
import { KeyCode } from 'monaco-graphql/esm/monaco-editor.js';
import { useEffect } from 'react';

import { Calls } from './calls.jsx';
import { Credentials } from './credentials.jsx';
import { Panes } from './panes.jsx';
import { useSemantics } from './semantics.js';

// Escape closes these first.
const CLOSED = ['suggestWidgetVisible', 'findWidgetVisible', 'parameterHintsVisible', 'inSnippetMode', 'renameInputVisible'];

/** The page: its title, the credentials, and GraphiQL. */
export function Page({ notice, credentials, explanations, estimate }) {
  useSemantics();
  useEditorOptions();
  return (
    <Panes header={<Header notice={notice} credentials={credentials} />}>
      <GraphiQLInterface defaultEditorToolsVisibility="variables" showPersistHeadersSettings={false}>
        <GraphiQL.Logo>
          <></>
        </GraphiQL.Logo>
        <GraphiQL.Footer>
          <Calls explanations={explanations} estimate={estimate} />
        </GraphiQL.Footer>
      </GraphiQLInterface>
    </Panes>
  );
}

function Header({ notice, credentials }) {
  return (
    <header>
      <h1>Circulation gateway</h1>
      {notice && (
        <p className="notice" role="note">
          {notice}
        </p>
      )}
      <Credentials credentials={credentials} />
    </header>
  );
}

/** Wrap long lines, and let Escape leave an editor, in which Tab indents. */
function useEditorOptions() {
  const { queryEditor, variableEditor, headerEditor } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'headerEditor'),
  );
  useEffect(() => {
    for (const editor of [queryEditor, variableEditor, headerEditor]) {
      editor?.updateOptions({ wordWrap: 'on' });
      editor?.addAction({
        id: 'leave-editor',
        label: 'Leave the Editor',
        keybindings: [KeyCode.Escape],
        precondition: CLOSED.map((widget) => `!${widget}`).join(' && '),
        run: () => editor.getContainerDomNode().focus(),
      });
    }
  }, [queryEditor, variableEditor, headerEditor]);
}
