// What became of one unit, as changes only: bounded by number and by age. Times are this page's own.

export const MOST_CHANGES = 200;
export const KEEP_MS = 8 * 24 * 3600 * 1000;

export class History {
  /** @param {Array<{at: number, what: string, text: string}>} changes oldest first. */
  constructor(changes = []) {
    this.changes = changes;
  }

  /** Add a change. `what` is a condition, or fault or clear; `text` a fault's code. */
  add(at, what, text = "") {
    this.changes.push({ at, what, text });
    const first = this.changes.findIndex((one) => at - one.at <= KEEP_MS);
    this.changes.splice(0, Math.max(first, this.changes.length - MOST_CHANGES));
  }

  /**
   * Return the stretches of each condition between two times, oldest first.
   * @returns {Array<{from: number, to: number, what: string}>} `what` is "" where nothing is known.
   */
  stretches(from, to) {
    const found = [];
    let what = "";
    let since = from;
    for (const one of this.changes) {
      if (one.what === "fault" || one.what === "clear") continue;
      if (one.at > since && one.at <= to) {
        found.push({ from: since, to: one.at, what });
        since = one.at;
      }
      if (one.at <= to) what = one.what;
    }
    found.push({ from: since, to, what });
    return found.filter((one) => one.to > one.from);
  }
}
