// Session outcomes, never one by one: counts only, and none of fewer than five. Pure; time is passed in.
import { Seen } from "./seen.js";
import { read } from "./contract.js";

export const LEAST = 5; // sessions in any figure that is shown (docs/telemetry)
const ORDER = { low: 0, medium: 1, high: 2 };
const MOST_IDS = 5000;
const KEEP_IDS_MS = 60 * 24 * 3600 * 1000; // a unit may send a kept outcome again weeks later

export class Outcomes {
  /** @param {object|null} kept what `toKeep` once returned. */
  constructor(nowMs, kept = null) {
    this.sinceMs = kept?.sinceMs ?? nowMs;
    this.pairs = kept?.pairs ?? {}; // "high low": number of sessions that began high and ended low
    this.ratings = kept?.ratings ?? {};
    this.seen = new Seen(MOST_IDS, KEEP_IDS_MS, kept?.ids ?? []);
    this.counts = { malformed: 0, version: 0, topic: 0, repeated: 0 };
  }

  /** Take one message; true when it was a new outcome. */
  receive(topic, payload, nowMs) {
    const message = read(topic, payload);
    if (message.kind === "problem") this.counts[message.problem] += 1;
    if (message.kind !== "outcome") return false;
    if (!this.seen.isNew(message.record.id, nowMs)) {
      this.counts.repeated += 1;
      return false;
    }
    const { first, last, rating } = message.record;
    bump(this.pairs, `${first} ${last}`);
    if (rating !== null) bump(this.ratings, rating);
    return true;
  }

  /** Return what the browser keeps: counts, and random ids that say nothing. */
  toKeep() {
    return { sinceMs: this.sinceMs, pairs: this.pairs, ratings: this.ratings, ids: [...this.seen.ids] };
  }

  /**
   * Return what may be shown.
   * @returns {{enough: boolean, total: number, began: object[], ratings: object[]}} numbers are rounded down to
   *   fives, shares to a twentieth; a group of fewer than five has `share` null.
   */
  summary() {
    const total = sum(Object.values(this.pairs));
    if (total < LEAST) return { enough: false, total: 0, began: [], ratings: [] };
    const began = ["high", "medium", "low"].map((first) => this.group(first));
    const known = sum(began.map((one) => one.exact));
    const rated = sum(Object.values(this.ratings));
    const ratings = ["better", "same", "worse"].map((name) => ({
      name, share: rated >= LEAST ? twentieths((this.ratings[name] ?? 0) / rated) : null,
    }));
    return {
      enough: true, total: fives(total), estimated: twentieths(known / total), ratings, rated: fives(rated),
      began: began.map(({ exact, ...shown }) => ({ ...shown, sessions: fives(exact) })),
    };
  }

  group(first) {
    const of = (wanted) => sum(Object.entries(this.pairs).map(([pair, count]) => {
      const [from, to] = pair.split(" ");
      return from === first && to in ORDER && wanted(Math.sign(ORDER[to] - ORDER[from])) ? count : 0;
    }));
    const exact = of(() => true);
    const share = (way) => (exact >= LEAST ? twentieths(of((sign) => sign === way) / exact) : null);
    return { first, exact, lower: share(-1), same: share(0), higher: share(1) };
  }
}

const bump = (counts, name) => { counts[name] = (counts[name] ?? 0) + 1; };
const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
const fives = (number) => Math.floor(number / LEAST) * LEAST;
const twentieths = (share) => Math.round(share * 20) / 20;
