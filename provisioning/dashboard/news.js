// What is read aloud: only that a unit newly needs someone, gathered for a while, never a flood.
import { CONDITIONS } from "./words.js";
import { wantsSomeone } from "./ward.js";

export const GATHER_MS = 5000;
const MOST_NAMED = 3;

export class News {
  constructor() {
    this.told = new Map();
    this.waiting = new Map();
    this.dueMs = null;
  }

  /** Note how a unit is now. What is `retained` is no news of a unit that was not known before. */
  note(unit, nowMs, retained = false) {
    const before = this.told.get(unit.name);
    this.told.set(unit.name, unit.condition);
    if ((retained && before === undefined) || before === unit.condition) return;
    if (!wantsSomeone(unit.condition)) {
      this.waiting.delete(unit.name);
      return;
    }
    this.waiting.set(unit.name, unit.condition);
    this.dueMs ??= nowMs + (unit.condition === "act_now" ? 0 : GATHER_MS);
    if (unit.condition === "act_now") this.dueMs = nowMs;
  }

  /** Return what should be said now, or "". */
  due(nowMs) {
    if (this.dueMs === null || nowMs < this.dueMs) return "";
    this.dueMs = null;
    const found = [...this.waiting];
    this.waiting.clear();
    if (found.length === 0) return "";
    const named = found.slice(0, MOST_NAMED).map(([name, condition]) => `${name}: ${CONDITIONS[condition]}`);
    const rest = found.length - named.length;
    return `${named.join(". ")}${rest > 0 ? `. And ${rest} more` : ""}.`;
  }
}
