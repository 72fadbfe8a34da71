import './workers.js';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import '@graphiql/plugin-explorer/style.css';
import './fonts.css';
import './page.css';

import { fetchResult } from './fetcher.js';
import { activeTab, storage } from './storage.js';
import { EDITOR_THEME } from './theme.js';

const container = document.getElementById('graphiql');
const { headers, tabs, tools } = JSON.parse(container.dataset.explorer);
const tab = activeTab(tabs);
const plugins = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];

createRoot(container).render(
  <GraphiQL
    fetcher={fetchResult}
    storage={storage}
    plugins={plugins}
    editorTheme={EDITOR_THEME}
    defaultTabs={tabs}
    defaultHeaders={headers}
    initialQuery={tab.query ?? ''}
    initialVariables={tab.variables ?? ''}
    defaultEditorToolsVisibility={tools}
    shouldPersistHeaders={false}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>Circulation gateway</GraphiQL.Logo>
  </GraphiQL>,
);
