// Outcomes of sessions, as shares of groups of five and more.
import { draw, el, svg } from "./page.js";
import { clockTime } from "./words.js";
import { LEAST } from "./outcomes.js";

const BEGAN = { high: "began with high stress", medium: "began with medium stress", low: "began with low stress" };
const WAYS = [["lower", "ended lower"], ["same", "ended the same"], ["higher", "ended higher"]];
const percent = (share) => `${Math.round(100 * share)} %`;

/** Draw the aggregates. */
export function drawOutcomes(root, outcomes, nowMs) {
  const summary = outcomes.summary();
  const since = `Counted on this screen since ${clockTime(outcomes.sinceMs, nowMs)}.`;
  if (!summary.enough) {
    draw(root, "few", el("h2", {}, "Sessions"), el("section", { class: "panel" },
      el("p", { class: "big" }, `Fewer than ${LEAST} sessions so far`),
      el("p", {}, `Figures are shown from ${LEAST} sessions up, so that nobody can be found in them. ` +
        "Outcomes arrive days after a session."), el("p", { class: "quiet" }, since)));
    return;
  }
  draw(root, "enough", el("h2", {}, "Sessions"),
    el("p", {}, el("span", { class: "big" }, `${summary.total} or a few more`), ` sessions; ${percent(summary.estimated)} of them with an estimate of stress at both ends.`),
    el("div", { class: "panels" }, ...summary.began.map(drawGroup), drawRatings(summary)),
    el("p", { class: "quiet" }, `${since} Numbers are rounded down to fives and shares to 5 %. The stress level is an ` +
      "estimate by a small model, not a diagnosis; it shows no effect of the music by itself."));
}

function drawGroup(group) {
  const title = el("h3", {}, `Sessions that ${BEGAN[group.first]}`);
  if (group.lower === null) return el("section", { class: "panel" }, title, el("p", { class: "quiet" }, `Fewer than ${LEAST}`));
  return el("section", { class: "panel" }, title, el("p", { class: "quiet" }, `${group.sessions} or a few more`),
    shares(WAYS.map(([way, text]) => [text, group[way]])));
}

function drawRatings(summary) {
  const title = el("h3", {}, "How people felt afterwards");
  if (summary.ratings[0].share === null) {
    return el("section", { class: "panel" }, title, el("p", { class: "quiet" }, `Fewer than ${LEAST} answers`));
  }
  return el("section", { class: "panel" }, title, el("p", { class: "quiet" }, `${summary.rated} answers or a few more`),
    shares(summary.ratings.map((one) => [one.name, one.share])));
}

function shares(rows) {
  return el("table", { class: "shares" }, el("tbody", {}, ...rows.map(([text, share]) => el("tr", {},
    el("th", { scope: "row" }, text), el("td", { class: "number" }, percent(share)),
    el("td", { class: "drawn", "aria-hidden": "true" },
      svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "share" },
        svg("rect", { width: "100", height: "8", class: "whole" }),
        svg("rect", { width: String(Math.round(100 * share)), height: "8", class: "done" })))))));
}
