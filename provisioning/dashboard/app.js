// Wires the page: sign in, connection, one of the two streams, what is drawn when.
import { FLEET, OUTCOMES } from "./contract.js";
import { Outcomes } from "./outcomes.js";
import { News } from "./news.js";
import { Lease } from "./lease.js";
import { Store, bounded } from "./store.js";
import { Ward } from "./ward.js";
import { WardView } from "./view-ward.js";
import { connect, randomName } from "./link.js";
import { drawOutcomes } from "./view-outcomes.js";
import { drawUnit } from "./view-unit.js";
import { setText } from "./page.js";
import { clockTime } from "./words.js";

const DRAW_MS = 250; // changes are gathered, so that two thousand units do not stop the page
const TICK_MS = 5000;
const SAVE_MS = 30000;
const PATIENCE_MS = 4000; // before the first connection is missed
const STREAMS = {
  fleet: { topic: `${FLEET}/+/+`, keepS: 120 },
  outcomes: { topic: `${OUTCOMES}/+`, keepS: 14 * 24 * 3600 }, // outcomes are not retained: the broker keeps them
};
const $ = (id) => document.getElementById(id);

const store = new Store();
const lease = new Lease(store, "sessions-window", randomName());
const news = new News();
const view = new WardView($("ward"), $("finder"));
const page = { account: null, ward: null, outcomes: null, link: null, up: false, downMs: null, upMs: 0, drawn: 0 };

function start(account) {
  if (account.stream === "outcomes" && !lease.take(Date.now())) {
    setText($("login-problem"), "Another window of this browser shows the sessions already.");
    return;
  }
  page.account = account;
  const { topic, keepS } = STREAMS[account.stream];
  if (account.stream === "fleet") page.ward = new Ward(store.get("histories") ?? {});
  else page.outcomes = new Outcomes(Date.now(), store.get("outcomes"));
  page.downMs = Date.now();
  let client = `page-${randomName()}`;
  if (account.stream === "outcomes") { // a lasting name, under which the broker keeps what is missed
    client = store.get("client") ?? client;
    store.set("client", client, true);
  }
  page.link = connect({ ...account, topic, keepS, client }, { up, down, refused, message });
  $("login").hidden = true;
  $("app").hidden = false;
  $("signed").hidden = false;
  route();
}

function up() {
  page.up = true;
  page.upMs = Date.now();
  page.downMs = null;
  store.set("account", page.account, page.account.keep);
  draw();
}

function down() {
  if (page.up || page.downMs === null) page.downMs = Date.now();
  page.up = false;
  draw();
}

function refused() {
  page.link = null;
  store.clear();
  $("login").hidden = false;
  $("app").hidden = true;
  $("signed").hidden = true;
  setText($("link"), "");
  setText($("login-problem"), "The broker does not know this name and password.");
  $("name").focus();
}

function message(topic, payload, retained) {
  const nowMs = Date.now();
  if (page.outcomes) page.outcomes.receive(topic, payload, nowMs);
  else {
    const unit = page.ward.receive(topic, payload, nowMs, retained);
    if (unit) news.note(unit, nowMs, retained);
  }
  soon();
}

function soon() {
  page.drawn ||= setTimeout(() => {
    page.drawn = 0;
    draw();
  }, DRAW_MS);
}

function draw() {
  const nowMs = Date.now();
  drawConnection(nowMs);
  if (page.outcomes) drawOutcomes($("outcomes"), page.outcomes, nowMs);
  if (page.ward) {
    const { text, counts } = view.render(page.ward, nowMs);
    setText($("summary"), text);
    document.title = counts.wanting ? `(${counts.wanting}) Tranquillo` : "Tranquillo";
    if (shownUnit()) drawOne(shownUnit(), nowMs);
    const said = news.due(nowMs);
    if (said) setText($("news"), said);
  }
  drawIgnored();
}

function drawOne(name, nowMs) {
  drawUnit($("unit"), page.ward.units.get(name), nowMs, () => {
    page.ward.forget(name);
    location.hash = "#ward";
  });
}

function drawConnection(nowMs) {
  document.body.classList.toggle("lost", !page.up);
  const since = page.downMs === null ? "" : clockTime(page.downMs, nowMs);
  setText($("link"), page.up ? `Connected, ${clockTime(nowMs, nowMs)}` : "No connection");
  $("link").dataset.up = String(page.up);
  const had = page.upMs > 0;
  $("banner").hidden = page.up || (!had && nowMs - page.downMs < PATIENCE_MS);
  setText($("banner"), had
    ? `No connection to the broker since ${since}. What stands here is from before. Units go on playing by themselves.`
    : `The broker does not answer since ${since}. This page keeps trying.`);
}

function drawIgnored() {
  const { malformed, version, topic } = (page.ward ?? page.outcomes).counts;
  const parts = [[malformed, "malformed"], [version, "of a newer version"], [topic, "on unknown topics"]]
    .filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  setText($("ignored"), parts.length ? `Messages not understood and left out: ${parts.join(", ")}.` : "");
}

const shownUnit = () => (location.hash.startsWith("#unit/") ? location.hash.slice("#unit/".length) : "");

// One of three views; coming back from a unit the focus returns to its card.
function route(event) {
  const name = page.ward ? shownUnit() : "";
  $("ward").hidden = !page.ward || name !== "";
  $("unit").hidden = name === "";
  $("outcomes").hidden = !page.outcomes;
  document.body.dataset.view = name ? "unit" : "all";
  draw();
  if (!event) return;
  const left = /#unit\/(.+)$/.exec(event.oldURL)?.[1];
  if (name) document.getElementById("unit-name")?.focus();
  else if (left) document.querySelector(`[data-unit="${CSS.escape(left)}"] a`)?.focus();
  window.scrollTo(0, name ? 0 : page.scroll ?? 0);
}

function tick() {
  if (page.outcomes && page.link) lease.take(Date.now());
  if (page.ward && page.up) {
    for (const unit of page.ward.tick(Date.now())) news.note(unit, Date.now());
  }
  if (page.link) draw();
}

function save() {
  if (page.link === null) return;
  if (page.ward) store.set("histories", bounded(page.ward.kept()), page.account.keep);
  if (page.outcomes) store.set("outcomes", page.outcomes.toKeep(), true);
}

$("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  setText($("login-problem"), "");
  const form = new FormData(event.target);
  start({
    name: form.get("name").trim(), password: form.get("password"), stream: form.get("stream"),
    keep: form.get("keep") !== null,
  });
});
$("sign-out").addEventListener("click", () => {
  page.link?.end();
  page.link = null;
  store.clear();
  location.replace(location.pathname);
});
$("ward").addEventListener("click", () => { page.scroll = window.scrollY; });
window.addEventListener("hashchange", route);
window.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shownUnit()) location.hash = "#ward";
});
window.addEventListener("pagehide", () => {
  save();
  lease.release(); // a page that is shown again takes it back at its next tick
});
setInterval(tick, TICK_MS);
setInterval(save, SAVE_MS);

const account = store.get("account");
if (account) start(account);
else $("name").focus();
