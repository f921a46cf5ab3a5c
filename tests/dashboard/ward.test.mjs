// The page's logic without a page: node --test tests/dashboard
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { read } from "../../provisioning/dashboard/contract.js";
import { History, KEEP_MS, MOST_CHANGES } from "../../provisioning/dashboard/history.js";
import { News } from "../../provisioning/dashboard/news.js";
import { Seen } from "../../provisioning/dashboard/seen.js";
import { Ward, wantsSomeone } from "../../provisioning/dashboard/ward.js";
import { contactLine, faultTitle, progress, span, statusLine, summaryLine } from "../../provisioning/dashboard/words.js";
import { bounded } from "../../provisioning/dashboard/store.js";

const NOW = Date.UTC(2026, 4, 28, 20, 27);
const EPOCH = "e".repeat(32);
const bytes = (value) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
let made = 0;
const id = () => (made += 1).toString(16).padStart(32, "0");

const LOST = { service: "sensors", code: "adc_lost", severity: "attention", advice: "check the cable" };

function state(unit, number, more = {}) {
  return {
    id: id(), v: 1, unit, epoch: EPOCH, number, at: "2026-05-28T20:27Z", phase: "idle", sounding: false,
    contact: { eda: false, ppg: false, temperature: false, eeg: false }, services: [], faults: [],
    version: "0.1.0", uptime_s: 5, outbox_rows: 0, outbox_dropped: 0, ...more,
  };
}

function ward() {
  const one = new Ward();
  const send = (unit, word, body, atMs = NOW, retained = false) =>
    one.receive(`tranquillo/v1/fleet/${unit}/${word}`, bytes(body), atMs, retained);
  const online = (unit, is, why, atMs = NOW, retained = false) =>
    send(unit, "availability", { id: id(), v: 1, unit, online: is, why }, atMs, retained);
  return { one, send, online, of: (name) => one.units.get(name) };
}

test("the newest number of an epoch is the present, whatever comes after it", () => {
  const { one, send, of } = ward();
  send("a", "state", state("a", 5, { phase: "running" }));
  send("a", "state", state("a", 4));
  assert.equal(of("a").condition, "playing");
  assert.equal(one.counts.late, 1);
  send("a", "state", state("a", 1, { epoch: "f".repeat(32) }));
  assert.equal(of("a").condition, "ready", "a new epoch is a new outbox");
});

test("a repetition has no second effect", () => {
  const { one, send, of } = ward();
  const letter = { id: id(), v: 1, unit: "a", epoch: EPOCH, number: 1, at: null, faults: [LOST] };
  for (let time = 0; time < 3; time += 1) send("a", "faults", letter, NOW + time);
  assert.equal(one.counts.repeated, 2);
  assert.equal(of("a").history.changes.length, 1);
});

test("an old report of faults does not undo a newer state", () => {
  const { send, of } = ward();
  send("a", "state", state("a", 9));
  send("a", "faults", { id: id(), v: 1, unit: "a", epoch: EPOCH, number: 8, at: null, faults: [LOST] });
  assert.deepEqual(of("a").faults, []);
  send("a", "faults", { id: id(), v: 1, unit: "a", epoch: EPOCH, number: 10, at: null, faults: [LOST] });
  assert.equal(of("a").condition, "attention");
  assert.ok(wantsSomeone(of("a").condition));
});

test("the worst fault names the condition, and information alone does not", () => {
  const { send, of } = ward();
  const info = { ...LOST, code: "headset_lost", severity: "info" };
  send("a", "state", state("a", 1, { faults: [info] }));
  assert.equal(of("a").condition, "ready");
  send("a", "state", state("a", 2, { faults: [info, LOST, { ...LOST, code: "no_audio", severity: "act_now" }] }));
  assert.equal(of("a").condition, "act_now");
  assert.equal(of("a").faults[0].code, "no_audio");
  send("a", "state", state("a", 3, { faults: [{ ...LOST, severity: "purple" }] }));
  assert.equal(of("a").condition, "attention", "a severity this page does not know wants a look");
});

test("offline counts from this page's own clock, and says when it cannot know", () => {
  const { send, online, of } = ward();
  online("old", false, "lost", NOW, true);
  assert.equal(statusLine(of("old"), NOW + 3600e3), "Offline since before this page opened");
  online("new", true, "connected");
  send("new", "state", state("new", 1, { at: "1970-01-01T00:00Z" }));
  online("new", false, "lost", NOW + 60e3);
  assert.equal(statusLine(of("new"), NOW + 4 * 60e3), "Offline for 3 min");
  online("new", false, "stopped", NOW + 5 * 60e3);
  assert.equal(of("new").condition, "off");
  assert.ok(!wantsSomeone("off"), "switched off in good order wants nobody");
});

test("a unit that says nothing more is silent, at the pace of its own heartbeats", () => {
  const { one, send, online, of } = ward();
  online("a", true, "connected");
  send("a", "state", state("a", 1));
  assert.deepEqual(one.tick(NOW + 170e3), []);
  assert.equal(one.tick(NOW + 181e3)[0].condition, "silent");
  assert.equal(statusLine(of("a"), NOW + 300e3), "No report for 5 min");
  send("a", "state", state("a", 2, { at: "2026-05-28T20:37Z" }), NOW + 600e3);
  assert.equal(of("a").condition, "ready", "heartbeats every ten minutes");
  one.tick(NOW + 600e3 + 1900e3);
  assert.equal(of("a").condition, "ready");
  one.tick(NOW + 600e3 + 2200e3);
  assert.equal(of("a").condition, "silent");
});

test("a backlog after an outage is not shown as the present", () => {
  const { send, of } = ward();
  send("a", "state", state("a", 1));
  for (let minute = 0; minute < 5; minute += 1) {
    const at = new Date(NOW + minute * 60e3).toISOString().slice(0, 16);
    send("a", "state", state("a", 2 + minute, { at: `${at}Z`, phase: "running" }), NOW + 3600e3 + minute * 200);
  }
  assert.equal(of("a").condition, "catching");
  send("a", "state", state("a", 9, { at: "2026-05-28T21:27Z" }), NOW + 3602e3);
  assert.equal(of("a").condition, "ready");
});

test("a unit whose clock is wrong is not called a backlog for ever", () => {
  const { send, of } = ward();
  for (let number = 1; number < 6; number += 1) {
    send("a", "state", state("a", number, { at: "2026-05-28T11:00Z" }), NOW + number * 60e3);
  }
  assert.equal(of("a").condition, "ready");
});

test("what is not understood is left out and counted", () => {
  const { one, send } = ward();
  for (const body of ["", "rubbish", "[]", "null", "3", { v: 1 }, state("b", 1), { ...state("a", 1), number: -1 },
    { ...state("a", 1), faults: "many" }, { ...state("a", 1), contact: null }, { ...state("a", 1), id: "short" },
    { ...state("a", 1), services: Array(65).fill({ name: "x", up: true }) }]) send("a", "state", body);
  assert.equal(one.counts.malformed, 11, "all but the empty one, which takes a retained word back");
  send("a", "state", { ...state("a", 1), v: 2 });
  assert.equal(one.counts.version, 1);
  one.receive("tranquillo/v1/fleet/a/more/levels", bytes("{}"), NOW, false);
  one.receive("tranquillo/v1/fleet/A!/state", bytes("{}"), NOW, false);
  assert.equal(one.counts.topic, 2);
  assert.equal(one.units.size, 0);
  one.receive("tranquillo/v1/fleet/a/state", new Uint8Array([0xff, 0xfe]), NOW, false);
  assert.equal(one.counts.malformed, 12);
});

test("an unknown field is nothing to worry about, a known one may be absent", () => {
  const { send, of } = ward();
  const body = state("a", 1, { colour: "blue", program_minute: 6, program_minutes: 20, phase: "running" });
  delete body.version;
  send("a", "state", body);
  assert.equal(statusLine(of("a"), NOW), "Playing, 6 of 20 min");
  assert.equal(progress(of("a")), 0.3);
  assert.ok(!("colour" in of("a").state));
});

test("a retained word that is taken back makes the page forget the unit", () => {
  const { one, online, send } = ward();
  online("a", false, "lost");
  send("a", "availability", "");
  assert.equal(one.units.size, 0);
});

test("histories are bounded by number, by age and all together", () => {
  const history = new History();
  for (let time = 0; time < 1000; time += 1) history.add(NOW + time, time % 2 ? "ready" : "playing");
  assert.equal(history.changes.length, MOST_CHANGES);
  history.add(NOW + KEEP_MS + 999, "ready");
  assert.equal(history.changes.length, 2);
  const many = { a: Array.from({ length: 50 }, (_, at) => ({ at })), b: Array.from({ length: 50 }, (_, at) => ({ at: at + 100 })) };
  const kept = bounded(many, 60);
  assert.equal(kept.a.length + kept.b.length, 60);
  assert.equal(kept.b.length, 50);
});

test("stretches cover a day without gaps", () => {
  const history = new History();
  history.add(NOW - 30 * 3600e3, "ready");
  history.add(NOW - 3600e3, "playing");
  history.add(NOW - 1800e3, "fault", "sensors adc_lost");
  history.add(NOW - 600e3, "ready");
  const found = history.stretches(NOW - 24 * 3600e3, NOW);
  assert.deepEqual(found.map((one) => one.what), ["ready", "playing", "ready"]);
  assert.equal(found[0].from, NOW - 24 * 3600e3);
  assert.equal(found.at(-1).to, NOW);
});

test("ids are remembered for a day, and no more than so many", () => {
  const seen = new Seen(3, 1000);
  assert.ok(seen.isNew("a", 0));
  assert.ok(!seen.isNew("a", 900));
  for (const [at, name] of ["b", "c", "d"].entries()) seen.isNew(name, 900 + at);
  assert.equal(seen.ids.size, 3);
  assert.ok(seen.isNew("a", 950), "the oldest went first");
  assert.ok(seen.isNew("b", 2500));
});

test("only news are read aloud, gathered, and an urgent one at once", () => {
  const news = new News();
  news.note({ name: "a", condition: "offline" }, 0, true);
  assert.equal(news.due(99999), "", "what was so before is no news");
  news.note({ name: "b", condition: "attention" }, 1000);
  news.note({ name: "c", condition: "offline" }, 2000);
  assert.equal(news.due(3000), "");
  assert.equal(news.due(6000), "b: Needs attention. c: Offline.");
  news.note({ name: "b", condition: "attention" }, 7000);
  assert.equal(news.due(99999), "");
  news.note({ name: "d", condition: "act_now" }, 100000);
  assert.equal(news.due(100000), "d: Act now.");
  for (const name of "efghij") news.note({ name, condition: "silent" }, 200000);
  assert.match(news.due(205000), /And 3 more\.$/);
});

test("words", () => {
  assert.equal(span(59e3), "under a minute");
  assert.equal(span(3 * 60e3), "3 min");
  assert.equal(span(47 * 3600e3), "47 h");
  assert.equal(span(48 * 3600e3), "2 days");
  assert.equal(faultTitle("some_new-code"), "Some new code");
  assert.equal(contactLine({ eda: true, ppg: false, temperature: false }), "In contact: skin. Not: pulse.");
  assert.equal(contactLine({ eda: false }), "No sensor in contact.");
  assert.equal(summaryLine({ wanting: 1, playing: 2, ready: 0, off: 0 }), "1 needs someone · 2 playing");
});

test("every example of the contract is understood", () => {
  const folder = new URL("../../docs/telemetry/examples/", import.meta.url);
  const kinds = new Set();
  for (const name of readdirSync(folder)) {
    const kind = /availability|state|faults|outcome/.exec(name)?.[0];
    const body = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
    if (!kind || body.v !== 1) continue;
    const topic = kind === "outcome" ? `tranquillo/v1/outcomes/${body.id}` : `tranquillo/v1/fleet/${body.unit}/${kind}`;
    assert.equal(read(topic, bytes(body)).kind, kind, name);
    kinds.add(kind);
  }
  assert.equal(kinds.size, 4);
});
