// The browser stores tabs, history and appearance between visits, but no headers.
const WITH_HEADERS = ['graphiql:queries', 'graphiql:favorites']; // the history stores headers regardless of shouldPersistHeaders
const TABS = 'graphiql:tabState';

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem(key, value) {
    const clean = (name, member) => (name === 'headers' ? undefined : member);
    localStorage.setItem(key, WITH_HEADERS.includes(key) ? JSON.stringify(JSON.parse(value, clean)) : value);
  },
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

export function isFirstVisit() {
  return localStorage.getItem(TABS) === null;
}

/**
 * The active tab of the last visit, or the first of these. GraphiQL itself shows an unedited tab without its
 * variables, and a tab that was closed before it was stored empty.
 */
export function activeTab(tabs) {
  try {
    const { tabs: kept, activeTabIndex } = JSON.parse(localStorage.getItem(TABS));
    return kept[activeTabIndex] ?? tabs[0];
  } catch {
    return tabs[0];
  }
}
