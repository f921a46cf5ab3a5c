// What the browser keeps: node --test tests/dashboard
import assert from "node:assert/strict";
import { test } from "node:test";
import { Lease } from "../../provisioning/dashboard/lease.js";
import { Store } from "../../provisioning/dashboard/store.js";

class Memory {
  getItem(name) { return Object.hasOwn(this, name) ? this[name] : null; }

  setItem(name, text) { this[name] = text; }

  removeItem(name) { delete this[name]; }
}

test("what is kept for the tab goes before what is kept for good, and signing out forgets both", () => {
  const [kept, passing] = [new Memory(), new Memory()];
  const store = new Store(kept, passing);
  store.set("account", { name: "a" }, true);
  store.set("account", { name: "b" }, false);
  kept["somebody-elses"] = "1";
  assert.deepEqual(store.get("account"), { name: "b" });
  store.clear();
  assert.equal(store.get("account"), null);
  assert.equal(kept["somebody-elses"], "1");
});

test("a store that is full or forbidden is no reason to stop", () => {
  const broken = { getItem() { throw new Error("forbidden"); }, setItem() { throw new Error("full"); } };
  const store = new Store(broken, broken);
  assert.equal(store.set("x", 1, true), false);
  assert.equal(store.get("x"), null);
});

test("one window counts sessions, the next one when the first has gone or fallen silent", () => {
  const store = new Store(new Memory(), new Memory());
  const [one, other] = [new Lease(store, "w", "one"), new Lease(store, "w", "other")];
  assert.ok(one.take(0));
  assert.ok(one.take(5000));
  assert.ok(!other.take(6000));
  assert.ok(other.take(21000), "the first was silent for 15 s");
  one.release();
  assert.ok(!one.take(22000));
  other.release();
  assert.ok(one.take(22000));
});
