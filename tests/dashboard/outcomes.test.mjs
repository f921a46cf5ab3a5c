// Aggregates that give nobody away: node --test tests/dashboard
import assert from "node:assert/strict";
import { test } from "node:test";
import { Outcomes } from "../../provisioning/dashboard/outcomes.js";

let made = 0;

function add(outcomes, first, last, count = 1, rating = null) {
  for (let time = 0; time < count; time += 1) {
    const id = (made += 1).toString(16).padStart(32, "0");
    const body = { id, v: 1, year: 2026, stress_first_third: first, stress_last_third: last, rating };
    assert.ok(outcomes.receive(`tranquillo/v1/outcomes/${id}`, new TextEncoder().encode(JSON.stringify(body)), 0));
  }
}

test("nothing is shown of fewer than five sessions", () => {
  const outcomes = new Outcomes(0);
  add(outcomes, "high", "low", 4);
  assert.deepEqual(outcomes.summary(), { enough: false, total: 0, began: [], ratings: [] });
  add(outcomes, "high", "low");
  assert.equal(outcomes.summary().total, 5);
  assert.equal(outcomes.summary().began[0].lower, 1);
});

test("a group of fewer than five shows no share, and its size cannot be worked out", () => {
  const outcomes = new Outcomes(0);
  add(outcomes, "high", "medium", 7);
  add(outcomes, "high", "high", 5);
  add(outcomes, "low", "low", 4);
  add(outcomes, "unknown", "unknown", 1);
  const { total, began } = outcomes.summary();
  const [high, medium, low] = began;
  assert.equal(total, 15, "17, rounded down");
  assert.deepEqual(high, { first: "high", sessions: 10, lower: 0.6, same: 0.4, higher: 0 });
  assert.equal(low.lower, null);
  assert.equal(low.sessions, 0);
  assert.deepEqual(medium, { ...low, first: "medium" }, "four and none look alike");
});

test("a repetition counts once, and a reload forgets nothing", () => {
  const outcomes = new Outcomes(0);
  add(outcomes, "medium", "low", 6, "better");
  made -= 1;
  const again = new Outcomes(9, JSON.parse(JSON.stringify(outcomes.toKeep())));
  assert.equal(again.sinceMs, 0);
  const id = (made + 1).toString(16).padStart(32, "0");
  const body = { id, v: 1, year: 2026, stress_first_third: "medium", stress_last_third: "low", rating: "better" };
  assert.ok(!again.receive(`tranquillo/v1/outcomes/${id}`, new TextEncoder().encode(JSON.stringify(body)), 0));
  made += 1;
  assert.deepEqual(again.summary(), outcomes.summary());
  assert.equal(again.counts.repeated, 1);
});

test("ratings need five answers", () => {
  const outcomes = new Outcomes(0);
  add(outcomes, "low", "low", 20);
  add(outcomes, "low", "low", 4, "better");
  assert.equal(outcomes.summary().ratings[0].share, null);
  add(outcomes, "low", "low", 4, "worse");
  assert.deepEqual(outcomes.summary().ratings.map((one) => one.share), [0.5, 0, 0.5]);
});

test("what is not understood is counted and left out", () => {
  const outcomes = new Outcomes(0);
  const send = (body) => outcomes.receive("tranquillo/v1/outcomes/x", new TextEncoder().encode(JSON.stringify(body)), 0);
  assert.ok(!send({ v: 2 }));
  assert.ok(!send({ v: 1, id: "0".repeat(32), stress_first_third: "furious", stress_last_third: "low" }));
  assert.equal(outcomes.counts.version, 1);
  assert.equal(outcomes.counts.malformed, 1);
});
