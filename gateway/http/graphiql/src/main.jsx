import './workers.js';

import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import { GraphiQLProvider } from '@graphiql/react';
import { createRoot } from 'react-dom/client';

import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import '@graphiql/plugin-explorer/style.css';
import './fonts.css';
import './page.css';

import { createCredentials } from './credentials.jsx';
import { documentationPlugin } from './documentation.jsx';
import { createExplanations } from './explanations.js';
import { explorerPlugin } from './explorer.jsx';
import { createFetcher } from './fetcher.js';
import { Page } from './page.jsx';
import { NARROW } from './panes.jsx';
import { activeTab, isFirstVisit, storage } from './storage.js';
import { EDITOR_THEME } from './theme.js';

const container = document.getElementById('graphiql');
const settings = JSON.parse(container.dataset.explorer);
const tabs = settings.tabs.map((name) => settings.operations[name]);
const tab = activeTab(tabs);
const credentials = createCredentials(settings);
const explanations = createExplanations(settings.explainHeader);
const { fetcher, estimate } = createFetcher(credentials, explanations);
const documentation = documentationPlugin(settings);

createRoot(container).render(
  <GraphiQLProvider
    fetcher={fetcher}
    storage={storage}
    plugins={[documentation, HISTORY_PLUGIN, explorerPlugin()]}
    referencePlugin={documentation}
    visiblePlugin={!NARROW.matches && isFirstVisit() ? documentation : undefined}
    editorTheme={EDITOR_THEME}
    defaultTabs={tabs}
    defaultHeaders={settings.otherHeaders}
    initialQuery={tab.query ?? ''}
    initialVariables={tab.variables ?? ''}
    shouldPersistHeaders={false}
    inputValueDeprecation
    schemaDescription
  >
    <HistoryStore>
      <DocExplorerStore>
        <Page notice={settings.notice} {...{ credentials, explanations, estimate }} />
      </DocExplorerStore>
    </HistoryStore>
  </GraphiQLProvider>,
);
