// What this browser keeps: on this screen for good, or until the tab is closed. Bounded; a full or forbidden
// store is no reason to stop, the page then keeps nothing.

const PREFIX = "tranquillo-";
const MOST_CHANGES = 5000; // of all units together

export class Store {
  constructor(kept = localStorage, passing = sessionStorage) {
    this.kept = kept;
    this.passing = passing;
  }

  get(name) {
    for (const store of [this.passing, this.kept]) {
      try {
        const text = store.getItem(PREFIX + name);
        if (text !== null) return JSON.parse(text);
      } catch {
        continue;
      }
    }
    return null;
  }

  set(name, value, forGood) {
    try {
      (forGood ? this.kept : this.passing).setItem(PREFIX + name, JSON.stringify(value));
    } catch {
      return false;
    }
    return true;
  }

  remove(name) {
    for (const store of [this.passing, this.kept]) store.removeItem(PREFIX + name);
  }

  /** Forget everything, on signing out. */
  clear() {
    for (const store of [this.passing, this.kept]) {
      for (const name of Object.keys(store).filter((one) => one.startsWith(PREFIX))) store.removeItem(name);
    }
  }
}

/** Cut histories down to the newest changes of all units together. */
export function bounded(histories, most = MOST_CHANGES) {
  const all = Object.values(histories).flat();
  if (all.length <= most) return histories;
  const oldest = all.map((one) => one.at).sort((one, other) => other - one)[most - 1];
  return Object.fromEntries(Object.entries(histories)
    .map(([name, changes]) => [name, changes.filter((one) => one.at >= oldest)])
    .filter(([, changes]) => changes.length > 0));
}
