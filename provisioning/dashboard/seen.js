// Remembers the ids of messages, so that a repetition has no second effect. Bounded by number and by age.

export class Seen {
  /** @param {number} most ids kept. @param {number} keepMs how long an id is kept. */
  constructor(most = 20000, keepMs = 24 * 3600 * 1000, ids = []) {
    this.most = most;
    this.keepMs = keepMs;
    this.ids = new Map(ids); // insertion order is order of age
  }

  /** Tell whether an id is new, and remember it. */
  isNew(id, nowMs) {
    if (this.ids.has(id)) return false;
    this.ids.set(id, nowMs);
    for (const [old, atMs] of this.ids) {
      if (this.ids.size <= this.most && nowMs - atMs <= this.keepMs) break;
      this.ids.delete(old);
    }
    return true;
  }
}
