import {
  DocExplorer,
  SchemaDocumentation,
  Search,
  TypeLink,
  useDocExplorer,
  useDocExplorerActions,
} from '@graphiql/plugin-doc-explorer';
import { Button, DocsFilledIcon, DocsIcon, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useRef } from 'react';

import { useShowPane } from './panes.jsx';

/** The documentation explorer with another start page: some root fields by task, then the rest of the schema. */
export function documentationPlugin({ entryPoints, operations }) {
  const plugin = {
    title: 'Documentation Explorer',
    icon: () => (useGraphiQL((state) => state.visiblePlugin) === plugin ? <DocsFilledIcon /> : <DocsIcon />),
    content: function Documentation() {
      const schema = useGraphiQL((state) => state.schema);
      const isStart = useDocExplorer().length === 1;
      return schema && isStart ? <Start {...{ schema, entryPoints, operations }} /> : <DocExplorer />;
    },
  };
  return plugin;
}

function Start({ schema, entryPoints, operations }) {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(Boolean);
  return (
    <section className="graphiql-doc-explorer" aria-label="Documentation Explorer">
      <div className="graphiql-doc-explorer-header">
        <h2 className="graphiql-doc-explorer-title">Start here</h2>
        <Search />
      </div>
      <div className="graphiql-doc-explorer-content start">
        {entryPoints.map(({ task, fields }) => (
          <section key={task} aria-label={task}>
            <h3>{task}</h3>
            <ul>
              {fields.map(({ title, type, field, operation }) => (
                <li key={field}>
                  <FieldLink title={title} type={schema.getType(type)} field={field} />
                  {operation && <Example name={operation} operation={operations[operation]} />}
                </li>
              ))}
            </ul>
          </section>
        ))}
        <section aria-label="All fields">
          <h3>All fields</h3>
          <ul>
            {roots.map((type) => (
              <li key={type.name}>
                <TypeLink type={type} />
              </li>
            ))}
          </ul>
        </section>
        <details>
          <summary>All types</summary>
          <SchemaDocumentation schema={schema} />
        </details>
      </div>
    </section>
  );
}

function FieldLink({ title, type, field: name }) {
  const { push } = useDocExplorerActions();
  const field = type?.getFields()[name];
  const open = (event) => {
    event.preventDefault();
    push({ name: type.name, def: type });
    push({ name, def: field });
  };
  return (
    field && (
      <a href="#" className="entry-point" onClick={open}>
        {title} <code>{name}</code>
      </a>
    )
  );
}

const STORED = 150; // milliseconds: GraphiQL stores an edit after 100, in the tab that is open then
let next = 0;

/** Waits until GraphiQL has stored what the example before put into its editors. */
function untilStored() {
  const now = performance.now();
  const turn = Math.max(now, next);
  next = turn + STORED;
  return new Promise((resolve) => setTimeout(resolve, turn - now));
}

/** A button that shows the tab with this operation, or adds one. */
function Example({ name, operation }) {
  const { addTab, changeTab } = useGraphiQLActions();
  const graphiql = useRef();
  graphiql.current = useGraphiQL(pick('tabs', 'queryEditor', 'variableEditor'));
  const showPane = useShowPane();
  const show = async () => {
    showPane('operation');
    await untilStored();
    const { tabs, queryEditor, variableEditor } = graphiql.current;
    const index = tabs.findIndex(({ query }) => query === operation.query);
    if (index >= 0) return changeTab(index);
    addTab();
    queryEditor.setValue(operation.query);
    variableEditor.setValue(operation.variables);
  };
  return (
    <Button className="example" onClick={show} aria-label={`Example: ${name}`}>
      Example
    </Button>
  );
}
