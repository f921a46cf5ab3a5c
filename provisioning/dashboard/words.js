// What the page calls things. Pure.

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const CONDITIONS = {
  act_now: "Act now", attention: "Needs attention", offline: "Offline", silent: "Silent", playing: "Playing",
  ready: "Ready", off: "Switched off", catching: "Catching up", unknown: "Not heard yet",
};
export const SENSORS = { eda: "skin", ppg: "pulse", eeg: "EEG", temperature: "warmth" };
export const SEVERITIES = { act_now: "Act now", attention: "Needs attention", info: "For information" };
export const SERVICES = {
  sensors: "Sensors", headset: "Headset", estimator: "Estimator", conductor: "Conductor", player: "Player",
  telemetry: "Telemetry",
};
const TITLES = {
  adc_lost: "Sensor converter lost", headset_lost: "Headset lost", no_audio: "No sound can be made",
  button_stuck: "Button stuck", panel_lost: "Button and light lost", no_contact: "No sensor in contact",
  certificate_expiring: "Certificate expires soon", broker_unreachable: "Broker was out of reach",
  broker_unsteady: "Connection keeps breaking", unit_id_twice: "Two units with this name",
  outbox_damaged: "Outbox was damaged", outbox_unwritable: "Outbox cannot be written", outbox_full: "Outbox is full",
};

/** A fault's title: ours, or its code made readable. */
export function faultTitle(code) {
  const plain = code.replaceAll(/[_-]+/g, " ");
  return TITLES[code] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** What to say of a fault in one line: the unit's own advice, or the title when it has none. */
export function faultLine(fault) {
  const { advice } = fault;
  return advice ? advice.charAt(0).toUpperCase() + advice.slice(1) : faultTitle(fault.code);
}

/** "under a minute", "7 min", "3 h", "5 days": rounded down. */
export function span(ms) {
  if (ms < MINUTE_MS) return "under a minute";
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} days`;
}

/** The time of day by this page's clock, with the day when it is another one. */
export function clockTime(atMs, nowMs, locale = undefined) {
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short" });
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString();
  return isToday ? time.format(atMs) : `${day.format(atMs)}, ${time.format(atMs)}`;
}

/** What stands under a unit's name. */
export function statusLine(unit, nowMs) {
  const since = unit.conditionSince === null ? null : span(nowMs - unit.conditionSince);
  switch (unit.condition) {
    case "playing": return playingLine(unit, nowMs);
    case "offline": return since === null ? "Offline since before this page opened" : `Offline for ${since}`;
    case "silent": return `No report for ${span(nowMs - unit.stateAt)}`;
    case "catching": return "Sends what it kept; the present follows";
    case "attention":
    case "act_now": {
      const plays = unit.state?.phase === "running" ? `, ${playingLine(unit, nowMs).toLowerCase()}` : "";
      return `${CONDITIONS[unit.condition]}${plays}`;
    }
    default: return CONDITIONS[unit.condition];
  }
}

function playingLine(unit, nowMs) {
  const { program_minute: minute, program_minutes: planned } = unit.state;
  if (minute !== null && planned !== null) return `Playing, ${minute} of ${planned} min`;
  if (minute !== null) return `Playing for ${minute} min`;
  return unit.playingSince === null ? "Playing" : `Playing for ${span(nowMs - unit.playingSince)}`;
}

/** How far the program is, 0 to 1, or null. */
export function progress(unit) {
  const { program_minute: minute, program_minutes: planned } = unit.state ?? {};
  return unit.state?.phase === "running" && planned > 0 && minute !== null ? Math.min(1, minute / planned) : null;
}

/** "In contact: skin, pulse. Not: EEG." A sensor that many units lack is named only when it is in contact. */
export function contactLine(contact) {
  const names = (wanted) => Object.entries(contact)
    .filter(([name, value]) => value === wanted && (value || name !== "temperature"))
    .map(([name]) => SENSORS[name] ?? name).join(", ");
  if (!names(true)) return "No sensor in contact.";
  return `In contact: ${names(true)}.${names(false) ? ` Not: ${names(false)}.` : ""}`;
}

/** "2 want someone, 5 play, 33 ready": the whole ward in one line. */
export function summaryLine(counts) {
  const parts = [
    [counts.wanting, counts.wanting === 1 ? "needs someone" : "need someone"], [counts.playing, "playing"],
    [counts.ready, "ready"], [counts.off, "not in use"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(" · ") || "No unit heard yet";
}
