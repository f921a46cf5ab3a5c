// What may arrive, as docs/telemetry says it: from topic and bytes to a checked record, or to a problem.
// Unknown fields are ignored; what is absent and not needed becomes null. Nothing here knows of the page.

export const FLEET = "tranquillo/v1/fleet";
export const OUTCOMES = "tranquillo/v1/outcomes";
export const LONGEST_PAYLOAD = 65536; // as the broker's max_packet_size
const UNIT = /^[a-z0-9][a-z0-9-]{0,31}$/;
const ID = /^[0-9a-f]{32}$/;
const MOST_LISTED = 64; // services, faults: more is no letter of ours
const SEVERITIES = ["info", "attention", "act_now"];
const BANDS = ["low", "medium", "high", "unknown"];

const isText = (value, longest = 256) => typeof value === "string" && value.length <= longest;
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value) => Array.isArray(value) && value.length <= MOST_LISTED;
const countOr = (value, otherwise) => (isCount(value) ? value : otherwise);
const textOr = (value, otherwise) => (isText(value) ? value : otherwise);

/**
 * Read one message.
 * @param {string} topic
 * @param {Uint8Array} payload
 * @returns {{kind: string, unit?: string, record?: object, problem?: string}} `kind` is state, faults,
 *   availability, outcome, cleared (a retained word was taken back) or problem (topic, version, malformed).
 */
export function read(topic, payload) {
  const place = placeOf(topic);
  if (place === null) return { kind: "problem", problem: "topic" };
  if (payload.length === 0) return place.unit ? { kind: "cleared", unit: place.unit, word: place.kind } : malformed();
  if (payload.length > LONGEST_PAYLOAD) return malformed();
  let body;
  try {
    body = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return malformed();
  }
  if (!isRecord(body)) return malformed();
  if (body.v !== 1) return { kind: "problem", problem: "version" };
  if (!isText(body.id) || !ID.test(body.id) || (place.unit && body.unit !== place.unit)) return malformed();
  const record = READERS[place.kind](body);
  return record === null ? malformed() : { ...place, record };
}

function placeOf(topic) {
  const levels = topic.split("/");
  if (topic.startsWith(`${FLEET}/`) && levels.length === 5) {
    const [, , , unit, kind] = levels;
    return UNIT.test(unit) && ["state", "faults", "availability"].includes(kind) ? { kind, unit } : null;
  }
  return topic.startsWith(`${OUTCOMES}/`) && levels.length === 4 ? { kind: "outcome" } : null;
}

const malformed = () => ({ kind: "problem", problem: "malformed" });

const READERS = {
  availability: (body) => typeof body.online === "boolean"
    ? { id: body.id, online: body.online, why: textOr(body.why, "") } : null,
  state: readState,
  faults: (body) => {
    const faults = readFaults(body.faults);
    return isNumbered(body) && faults ? { ...numbered(body), faults } : null;
  },
  outcome: (body) => BANDS.includes(body.stress_first_third) && BANDS.includes(body.stress_last_third)
    ? { id: body.id, first: body.stress_first_third, last: body.stress_last_third, rating: textOr(body.rating, null) }
    : null,
};

const isNumbered = (body) => isText(body.epoch) && ID.test(body.epoch) && isCount(body.number);
const numbered = (body) => ({ id: body.id, epoch: body.epoch, number: body.number, at: textOr(body.at, null) });

function readState(body) {
  const faults = readFaults(body.faults);
  const services = isList(body.services) ? body.services.map(readService) : null;
  if (!isNumbered(body) || !faults || !services || services.includes(null)) return null;
  if (!isText(body.phase) || typeof body.sounding !== "boolean" || !isRecord(body.contact)) return null;
  const contact = Object.entries(body.contact).filter(([name, value]) => isText(name, 32) && typeof value === "boolean");
  return {
    ...numbered(body), phase: body.phase, sounding: body.sounding, contact: Object.fromEntries(contact),
    services, faults, version: textOr(body.version, ""), uptime_s: countOr(body.uptime_s, null),
    outbox_rows: countOr(body.outbox_rows, null), outbox_dropped: countOr(body.outbox_dropped, null),
    program_minute: countOr(body.program_minute, null), program_minutes: countOr(body.program_minutes, null),
    python: textOr(body.python, null), system: textOr(body.system, null),
    machine_uptime_s: countOr(body.machine_uptime_s, null),
    clock_set: typeof body.clock_set === "boolean" ? body.clock_set : null,
    certificate_days: countOr(body.certificate_days, null), authority_days: countOr(body.authority_days, null),
  };
}

function readService(one) {
  if (!isRecord(one) || !isText(one.name, 64) || typeof one.up !== "boolean") return null;
  return {
    name: one.name, up: one.up, uptime_s: countOr(one.uptime_s, null), restarts: countOr(one.restarts, null),
    late_steps: countOr(one.late_steps, null),
  };
}

// A severity that this page does not know is shown as one that wants a look: better once too often.
function readFaults(list) {
  if (!isList(list)) return null;
  const faults = list.map((one) => isRecord(one) && isText(one.code, 64) && isText(one.service, 64) ? {
    service: one.service, code: one.code, advice: textOr(one.advice, ""),
    severity: SEVERITIES.includes(one.severity) ? one.severity : "attention",
  } : null);
  return faults.includes(null) ? null : faults;
}
