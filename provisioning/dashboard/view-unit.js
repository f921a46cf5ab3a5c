// One unit: how it is, what to do, the last day, its processes, what it is made of.
import { draw, el, icon, svg } from "./page.js";
import { isAway } from "./ward.js";
import { CONDITIONS, SERVICES, SEVERITIES, clockTime, contactLine, faultLine, faultTitle, span, statusLine } from "./words.js";

const DAY_MS = 24 * 3600 * 1000;
const SHOWN_CHANGES = 40;
// Height of a stretch in the strip, so that it can be read without colour.
const HEIGHTS = { playing: 30, act_now: 22, attention: 22, ready: 8, catching: 8 };

/** Draw one unit into a folder of the page. */
export function drawUnit(root, unit, nowMs, forget) {
  if (!unit) {
    draw(root, "nobody", back(), el("h2", {}, "This unit has not been heard"));
    return;
  }
  const gone = isAway(unit.condition);
  const button = el("button", { type: "button", class: "plain" }, "Take it off this screen");
  button.addEventListener("click", forget);
  draw(
    root, unit.name, back(),
    el("header", { class: "unit-head", "data-condition": unit.condition },
      el("span", { class: "sign" }, icon(unit.condition)),
      el("h2", { id: "unit-name", tabindex: "-1" }, unit.name), el("p", { class: "status" }, statusLine(unit, nowMs))),
    el("div", { class: "panels" },
      panel(gone ? "What was wrong when it last spoke" : "What is wrong", faults(unit)), panel("Sensors", el("p", {}, contactOf(unit))),
      panel("Last 24 hours", strip(unit, nowMs), changes(unit, nowMs)),
      panel("Processes", services(unit)), panel("About", about(unit, nowMs))),
    gone ? el("p", { class: "quiet" }, button, " It comes back with its next report.") : "",
  );
}

const back = () => el("p", { class: "back" }, el("a", { href: "#ward" }, "← All units"));
const panel = (title, ...children) => el("section", { class: "panel" }, el("h3", {}, title), ...children);

function contactOf(unit) {
  if (unit.state === null) return "Nothing is known yet.";
  return isAway(unit.condition) ? "Nothing is known now." : contactLine(unit.state.contact);
}

function faults(unit) {
  if (unit.faults.length === 0) return el("p", {}, unit.state === null ? "Nothing is known yet." : "Nothing.");
  return el("ul", { class: "faults" }, ...unit.faults.map((fault) => el("li", { "data-condition": fault.severity },
    el("span", { class: "sign" }, icon(fault.severity)),
    el("strong", {}, faultTitle(fault.code)),
    el("span", { class: "quiet" }, ` ${SEVERITIES[fault.severity]}, ${SERVICES[fault.service] ?? fault.service}`),
    el("p", {}, faultLine(fault)))));
}

function strip(unit, nowMs) {
  const from = nowMs - DAY_MS;
  const x = (atMs) => (1000 * (atMs - from)) / DAY_MS;
  const bars = unit.history.stretches(from, nowMs).filter((one) => one.what !== "").map((one) => {
    const height = HEIGHTS[one.what] ?? 3;
    return svg("rect", {
      x: x(one.from).toFixed(1), width: Math.max(1.5, x(one.to) - x(one.from)).toFixed(1), y: 32 - height, height,
      class: `stretch ${one.what}`,
    });
  });
  const hours = [0, 6, 12, 18].map((hour) => svg("line", {
    x1: (hour * 1000) / 24, x2: (hour * 1000) / 24, y1: 0, y2: 34, class: "hour" }));
  const drawing = svg("svg", {
    viewBox: "0 0 1000 36", preserveAspectRatio: "none", class: "strip", role: "img",
    "aria-label": "Course of the last 24 hours; the list below says the same in words",
  }, ...hours, ...bars);
  return el("figure", {}, drawing, el("figcaption", { class: "quiet" },
    el("span", { class: "ends" }, el("span", {}, "24 h ago"), el("span", {}, "now")),
    "Tall: playing. Middle: needs someone. Low: ready. Line: away."));
}

function changes(unit, nowMs) {
  const rows = unit.history.changes.slice(-SHOWN_CHANGES).reverse().map((one) => el("li", {},
    el("time", { datetime: new Date(one.at).toISOString() }, clockTime(one.at, nowMs)), el("span", {}, changeText(one))));
  return rows.length ? el("ol", { class: "changes" }, ...rows) : el("p", { class: "quiet" }, "Nothing has changed yet.");
}

function changeText(one) {
  const title = faultTitle(one.text.split(" ")[1] ?? "");
  if (one.what === "fault") return `Fault began: ${title}`;
  return one.what === "clear" ? `Fault ended: ${title}` : CONDITIONS[one.what] ?? one.what;
}

function services(unit) {
  if (!unit.state?.services.length) return el("p", {}, "Nothing is known yet.");
  const head = el("tr", {}, ...["Process", "Now", "Up for", "Restarts", "Late"].map((text) => el("th", { scope: "col" }, text)));
  const rows = unit.state.services.map((one) => el("tr", {},
    el("th", { scope: "row" }, SERVICES[one.name] ?? one.name), el("td", {}, one.up ? "up" : "down"),
    el("td", {}, one.uptime_s === null ? "–" : span(1000 * one.uptime_s)),
    el("td", {}, one.restarts ?? "–"), el("td", {}, one.late_steps ?? "–")));
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function about(unit, nowMs) {
  const { state } = unit;
  const facts = [["Connection", unit.online === null ? "not known" : unit.online ? "connected" : `away (${unit.why})`]];
  if (state) {
    const days = (count) => (count === null ? null : `${count} days left`);
    facts.push(
      ["Last report", unit.stateOld ? "from before this page opened" : clockTime(unit.stateAt, nowMs)],
      ["Its own clock", state.clock_set === false || state.at === null ? "not set" : state.at.replace("T", " ").replace("Z", " UTC")],
      ["Version", [state.version, state.python && `Python ${state.python}`, state.system].filter(Boolean).join(", ")],
      ["Machine up for", state.machine_uptime_s === null ? null : span(1000 * state.machine_uptime_s)],
      ["Certificate", days(state.certificate_days)], ["Authority", days(state.authority_days)],
      ["Reports waiting on it", state.outbox_rows], ["Reports dropped", state.outbox_dropped]);
  }
  return el("dl", {}, ...facts.filter(([, value]) => value !== null && value !== "")
    .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
}
