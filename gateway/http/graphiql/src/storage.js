import { parse } from 'jsonc-parser';

// The browser stores tabs, history and appearance between visits, but of the headers only the tenant.
const WITH_HEADERS = ['graphiql:queries', 'graphiql:favorites']; // the history stores headers regardless of shouldPersistHeaders
const TENANT = /^[a-z][a-z0-9_]{0,62}$/; // excludes a token pasted into the wrong header

function withoutSecrets(headers) {
  // The text may be incomplete and may have comments; the parser returns what it can read.
  const kept = Object.entries(parse(headers ?? '') ?? {}).filter(
    ([name, value]) => name.toLowerCase() === 'x-okapi-tenant' && TENANT.test(value),
  );
  return kept.length ? JSON.stringify(Object.fromEntries(kept), null, 2) : undefined;
}

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem(key, value) {
    const clean = (name, member) => (name === 'headers' ? withoutSecrets(member) : member);
    localStorage.setItem(key, WITH_HEADERS.includes(key) ? JSON.stringify(JSON.parse(value, clean)) : value);
  },
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

/**
 * The active tab of the last visit, or the first of these. GraphiQL itself shows an unedited tab without its
 * variables, and a tab that was closed before it was stored empty.
 */
export function activeTab(tabs) {
  try {
    const { tabs: kept, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
    return kept[activeTabIndex] ?? tabs[0];
  } catch {
    return tabs[0];
  }
}
