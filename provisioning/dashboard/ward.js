// The ward as the messages tell it. Pure: no page, no connection, no clock; time is passed in, in ms.
import { History } from "./history.js";
import { Seen } from "./seen.js";
import { read } from "./contract.js";

export const MOST_UNITS = 5000;
export const SILENT_MIN_MS = 180 * 1000; // three heartbeats at the default of 60 s
export const SILENT_BEATS = 3.5;
const LONGEST_BEAT_MS = 3600 * 1000;
const BURST_MS = 10 * 1000; // letters closer than this come from a backlog, unless heartbeats are so fast
const OLD_MS = 180 * 1000;
const PACED_LETTERS = 3; // so many letters at a heartbeat's pace: what lags then is the unit's clock
const RANK = { act_now: 2, attention: 1, info: 0 };

/** All units heard of, and what was not taken. */
export class Ward {
  constructor(histories = {}) {
    this.units = new Map();
    this.seen = new Seen();
    this.counts = { malformed: 0, version: 0, topic: 0, repeated: 0, late: 0 };
    this.histories = histories;
  }

  /**
   * Take one message.
   * @returns {object|null} the unit that it changed, or null.
   */
  receive(topic, payload, nowMs, retained) {
    const message = read(topic, payload);
    if (message.kind === "problem") {
      this.counts[message.problem] += 1;
      return null;
    }
    if (message.kind === "outcome") return null;
    if (message.kind === "cleared") return this.clear(message);
    if (!this.seen.isNew(message.record.id, nowMs)) {
      this.counts.repeated += 1;
      return null;
    }
    const unit = this.unit(message.unit);
    if (unit === null) return null;
    const taken = TAKE[message.kind](unit, message.record, nowMs, retained);
    if (!taken) this.counts.late += 1;
    this.note(unit, nowMs, retained);
    return unit;
  }

  /** Note what time alone has changed, such as a unit that has fallen silent; return the changed units. */
  tick(nowMs) {
    return [...this.units.values()].filter((unit) => this.note(unit, nowMs));
  }

  /** Forget a unit: it comes back with its next message. */
  forget(name) {
    this.units.delete(name);
    delete this.histories[name];
  }

  /** Return all histories, for keeping. */
  kept() {
    return Object.fromEntries([...this.units.values()].map((unit) => [unit.name, unit.history.changes]));
  }

  unit(name) {
    if (!this.units.has(name)) {
      if (this.units.size >= MOST_UNITS) return null;
      this.units.set(name, {
        name, online: null, why: "", epoch: "", number: -1, state: null, stateAt: null, stateOld: false,
        beatMs: null, paced: 0, lagMs: 0, catching: false, playingSince: null, faults: [],
        condition: "unknown", conditionSince: null, history: new History(this.histories[name]),
      });
    }
    return this.units.get(name);
  }

  clear(message) {
    const unit = this.units.get(message.unit);
    if (!unit || message.word === "faults") return null;
    this.forget(message.unit); // the clinic's IT has taken the unit's last word back
    return { ...unit, condition: "forgotten" };
  }

  note(unit, nowMs, retained = false) {
    const before = unit.condition;
    unit.condition = conditionOf(unit, nowMs);
    if (unit.condition === before) return false;
    unit.history.add(nowMs, unit.condition);
    unit.conditionSince = before === "unknown" && retained ? null : nowMs; // null: since before we looked
    return true;
  }
}

const TAKE = {
  availability(unit, record) {
    unit.online = record.online;
    unit.why = record.why;
    return true;
  },
  state(unit, record, nowMs, retained) {
    if (!isNewest(unit, record)) return false;
    learnBeat(unit, nowMs, retained);
    noteBacklog(unit, record, nowMs, retained);
    const plays = record.phase === "running";
    if (!plays) unit.playingSince = null;
    else if (unit.state?.phase !== "running") unit.playingSince = retained ? null : nowMs;
    unit.state = record;
    unit.stateAt = nowMs;
    unit.stateOld = retained;
    takeFaults(unit, record.faults, nowMs);
    return true;
  },
  faults(unit, record, nowMs) {
    if (!isNewest(unit, record)) return false;
    takeFaults(unit, record.faults, nowMs);
    return true;
  },
};

// Within an epoch only a higher number is the present; a new epoch is a new outbox: take what arrives.
function isNewest(unit, record) {
  if (record.epoch === unit.epoch && record.number <= unit.number) return false;
  unit.epoch = record.epoch;
  unit.number = record.number;
  return true;
}

// The usual time between two heartbeats, so that a ward with slower ones is not called silent.
function learnBeat(unit, nowMs, retained) {
  if (retained || unit.stateAt === null || unit.stateOld) return;
  const beatMs = Math.min(LONGEST_BEAT_MS, nowMs - unit.stateAt);
  unit.beatMs = unit.beatMs === null ? beatMs : Math.max(beatMs, 0.8 * unit.beatMs + 0.2 * beatMs);
}

// After an outage a unit sends what it kept, oldest first: that is the past, not the present. `at` is by the
// unit's clock, so it only counts against how far that clock usually is from ours.
function noteBacklog(unit, record, nowMs, retained) {
  const atMs = Date.parse(record.at ?? "");
  unit.paced = unit.stateAt === null || nowMs - unit.stateAt > BURST_MS ? unit.paced + 1 : 0;
  if (unit.paced >= PACED_LETTERS && !Number.isNaN(atMs)) unit.lagMs = nowMs - atMs;
  unit.catching = !retained && nowMs - atMs - unit.lagMs > OLD_MS;
}

function takeFaults(unit, faults, nowMs) {
  const key = (fault) => `${fault.service} ${fault.code}`;
  const before = new Set(unit.faults.map(key));
  const now = new Set(faults.map(key));
  for (const fault of faults) {
    if (!before.has(key(fault))) unit.history.add(nowMs, "fault", key(fault));
  }
  for (const fault of unit.faults) {
    if (!now.has(key(fault))) unit.history.add(nowMs, "clear", key(fault));
  }
  unit.faults = [...faults].sort((one, other) => RANK[other.severity] - RANK[one.severity]);
}

/**
 * Say in one word how a unit is: off, offline, silent, catching, act_now, attention, playing, ready, unknown.
 * Only this page's own clock counts; what a unit says of the time does not.
 */
export function conditionOf(unit, nowMs) {
  if (unit.online === false) return unit.why === "stopped" ? "off" : "offline";
  if (unit.state === null) return "unknown";
  const patienceMs = Math.max(SILENT_MIN_MS, SILENT_BEATS * (unit.beatMs ?? 0));
  if (nowMs - unit.stateAt > patienceMs) return "silent";
  if (unit.catching) return "catching";
  const worst = unit.faults[0]?.severity ?? "info";
  if (worst !== "info") return worst;
  return unit.state.phase === "running" ? "playing" : "ready";
}

/** Whether what a unit last said of itself is not its present. */
export const isAway = (condition) => ["offline", "silent", "off", "unknown", "catching"].includes(condition);

/** Whether somebody should look at a unit in this condition. */
export const wantsSomeone = (condition) => ["act_now", "attention", "offline", "silent"].includes(condition);
