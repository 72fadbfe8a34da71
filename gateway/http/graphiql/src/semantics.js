import { useEffect } from 'react';

/** Correct the parts of GraphiQL and its plugins that assistive technology or the keyboard cannot use. */
export function useSemantics() {
  useEffect(() => {
    const stop = [correctWhenChanged('.graphiql-tabs', correctTabs), correctWhenChanged('.graphiql-plugin', correctPanel)];
    return () => stop.forEach((each) => each());
  }, []);
}

function correctWhenChanged(selector, correct) {
  const element = document.querySelector(selector);
  const apply = () => correct(element);
  const observer = new MutationObserver(apply);
  observer.observe(element, { childList: true, subtree: true, attributeFilter: ['role', 'class', 'aria-label'] });
  element.addEventListener('keydown', clickByKey);
  apply();
  return () => {
    observer.disconnect();
    element.removeEventListener('keydown', clickByKey);
  };
}

// As a tab, an element has no descendants for a screen reader, but these have a button each that closes them.
function correctTabs(list) {
  set(list, 'role', 'list');
  for (const item of list.children) {
    set(item, 'role', 'listitem');
    item.removeAttribute('aria-selected');
    item.removeAttribute('tabindex'); // its buttons have the focus
    const isCurrent = item.classList.contains('graphiql-tab-active');
    set(item.querySelector('.graphiql-tab-button'), 'aria-current', String(isCurrent));
  }
  set(document.getElementById('graphiql-session'), 'role', 'region');
}

function correctPanel(panel) {
  // A name that is not the visible text.
  panel.querySelectorAll('.graphiql-history-item-label').forEach((each) => each.removeAttribute('aria-label'));
  for (const field of panel.querySelectorAll('.graphiql-explorer-root :is(input, select)')) {
    const argument = field.closest('[data-arg-name]')?.dataset.argName;
    set(field, 'aria-label', argument ?? field.getAttribute('placeholder') ?? 'Kind of operation');
  }
  for (const toggle of panel.querySelectorAll('.graphiql-explorer-root span:is([data-field-name], [data-arg-name])')) {
    if (toggle.querySelector('input, select, button')) continue;
    set(toggle, 'role', 'button');
    set(toggle, 'tabindex', '0');
  }
}

function clickByKey(event) {
  if ((event.key === 'Enter' || event.key === ' ') && event.target.matches('span[role="button"]')) {
    event.preventDefault();
    event.target.click();
  }
}

function set(element, name, value) {
  if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
}
