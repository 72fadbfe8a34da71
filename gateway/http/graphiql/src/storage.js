import { parse } from 'jsonc-parser';

// What the browser keeps between visits: tabs, history and looks, but of the headers only the tenant.
const WITH_HEADERS = ['graphiql:queries', 'graphiql:favorites']; // the history keeps them, whatever it is told
const TENANT = /^[a-z][a-z0-9_]{0,62}$/; // a token pasted into the wrong place is no tenant

function withoutSecrets(headers) {
  // Half typed it may be, and with comments: what can be read of it is read.
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
 * The tab in front at the last visit, or the first of these. GraphiQL itself shows a tab that nobody edited without
 * its variables, and a tab that was left in a hurry empty.
 */
export function tabInFront(tabs) {
  try {
    const { tabs: kept, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
    return kept[activeTabIndex] ?? tabs[0];
  } catch {
    return tabs[0];
  }
}
