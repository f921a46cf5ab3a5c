// Only one window of a browser may count sessions: two would share one name at the broker and throw each other out.

const LEASE_MS = 15000; // longer than the page's tick, short enough after a crash

export class Lease {
  /** @param {Store} store @param {string} name of what is leased @param {string} owner this window */
  constructor(store, name, owner) {
    this.store = store;
    this.name = name;
    this.owner = owner;
  }

  /** Take or prolong it; false when another window has it. */
  take(nowMs) {
    const held = this.store.get(this.name);
    if (held && held.owner !== this.owner && Math.abs(nowMs - held.atMs) < LEASE_MS) return false;
    this.store.set(this.name, { owner: this.owner, atMs: nowMs }, true);
    return true;
  }

  /** Give it back. */
  release() {
    if (this.store.get(this.name)?.owner === this.owner) this.store.remove(this.name);
  }
}
