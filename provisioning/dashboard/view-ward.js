// The ward at a glance: a card a unit, in four groups; what needs someone stands first.
import { el, icon, setText, svg } from "./page.js";
import { SENSORS, contactLine, faultLine, progress, statusLine, summaryLine } from "./words.js";
import { isAway, wantsSomeone } from "./ward.js";

const GROUPS = [
  ["wanting", "Needs someone", (condition) => wantsSomeone(condition)],
  ["playing", "Playing", (condition) => condition === "playing"],
  ["ready", "Ready", (condition) => condition === "ready"],
  ["off", "Not in use", () => true],
];
const byName = new Intl.Collator(undefined, { numeric: true }).compare;
const MANY = 24; // from here on a field to find a unit is worth its place

export class WardView {
  /** @param {Element} root for the cards. @param {Element} finder for the field to find a unit. */
  constructor(root, finder) {
    this.cards = new Map();
    this.find = el("input", { type: "search", id: "find", autocomplete: "off", spellcheck: "false" });
    this.finder = finder;
    finder.replaceChildren(el("label", { for: "find" }, "Find"), this.find);
    this.find.addEventListener("input", () => this.filter());
    this.empty = el("p", { class: "quiet empty" });
    this.groups = GROUPS.map(([name, title, holds]) => {
      const count = el("span", { class: "count" });
      const list = el("ul", { class: "cards" });
      const section = el("section", { class: `group ${name}`, hidden: true, "aria-labelledby": `h-${name}` },
        el("h2", { id: `h-${name}` }, `${title} `, count), list);
      return { name, holds, count, list, section };
    });
    root.replaceChildren(this.empty, ...this.groups.map((group) => group.section));
  }

  /** Draw the changed units, and all texts that time has changed. Returns the one-line summary and counts. */
  render(ward, nowMs) {
    const counts = Object.fromEntries(this.groups.map((group) => [group.name, 0]));
    const members = new Map(this.groups.map((group) => [group, []]));
    for (const unit of ward.units.values()) {
      const group = this.groups.find((one) => one.holds(unit.condition));
      counts[group.name] += 1;
      members.get(group).push(this.card(unit, nowMs));
    }
    for (const [name, card] of this.cards) {
      if (!ward.units.has(name)) {
        card.item.remove();
        this.cards.delete(name);
      }
    }
    for (const [group, cards] of members) place(group, cards);
    this.finder.hidden = ward.units.size < MANY;
    this.empty.hidden = ward.units.size > 0;
    setText(this.empty, "No unit has been heard yet. Units report once a minute.");
    this.filter();
    return { text: summaryLine(counts), counts };
  }

  card(unit, nowMs) {
    let card = this.cards.get(unit.name);
    if (!card) {
      card = newCard(unit.name);
      this.cards.set(unit.name, card);
    }
    fill(card, unit, nowMs);
    return card;
  }

  filter() {
    const wanted = this.find.value.trim().toLowerCase();
    for (const [name, card] of this.cards) {
      const hide = wanted !== "" && !name.includes(wanted);
      if (card.item.hidden !== hide) card.item.hidden = hide;
    }
  }
}

const URGENCY = { act_now: 0, attention: 1 };
const urgency = (card) => URGENCY[card.sign] ?? 2;

// Put cards in order by moving only those that are out of place, so that the focus stays where it is.
function place(group, cards) {
  cards.sort((one, other) => urgency(one) - urgency(other) || byName(one.name, other.name));
  cards.forEach((card, index) => {
    if (group.list.children[index] !== card.item) {
      const focused = card.item.contains(document.activeElement);
      group.list.insertBefore(card.item, group.list.children[index] ?? null);
      if (focused) card.link.focus();
    }
  });
  group.section.hidden = cards.length === 0;
  setText(group.count, String(cards.length));
}

function newCard(name) {
  const card = {
    name, icon: el("span", { class: "sign" }), status: el("span", { class: "status" }),
    bar: svg("svg", { class: "bar", viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true" }),
    done: svg("rect", { height: "3", width: "0", class: "done" }),
    contact: el("span", { class: "contact" }), fault: el("span", { class: "fault" }), sign: "", touched: "", told: "",
  };
  card.bar.append(svg("rect", { height: "3", width: "100", class: "whole" }), card.done);
  card.link = el("a", { href: `#unit/${name}`, class: "card" },
    card.icon, el("span", { class: "name" }, name), card.status, card.bar, card.contact, card.fault);
  card.item = el("li", { "data-unit": name }, card.link);
  return card;
}

function fill(card, unit, nowMs) {
  if (card.sign !== unit.condition) {
    card.sign = unit.condition;
    card.icon.replaceChildren(icon(unit.condition));
    card.item.dataset.condition = unit.condition;
  }
  setText(card.status, statusLine(unit, nowMs));
  const away = isAway(unit.condition);
  const share = away ? null : progress(unit);
  card.bar.classList.toggle("none", share === null);
  if (share !== null) card.done.setAttribute("width", String(Math.round(100 * share)));
  fillContact(card, unit, away);
  const [worst, ...others] = unit.faults.filter((fault) => fault.severity !== "info");
  const more = others.length ? ` (and ${others.length} more)` : "";
  const told = worst && !away ? `${faultLine(worst)}${more}` : "";
  card.fault.classList.toggle("none", told === "");
  setText(card.fault, told);
}

// While something plays all sensors are shown, else only those in contact; nothing for a unit that is away.
function fillContact(card, unit, away) {
  const contact = away || unit.state === null ? {} : unit.state.contact;
  const plays = unit.state?.phase === "running";
  const shown = Object.entries(contact).filter(([name, value]) => value || (plays && name !== "temperature"));
  const key = shown.map(([name, value]) => `${name}${value}`).join();
  if (card.touched === key) return;
  card.touched = key;
  const chips = shown.map(([name, value]) => el("span", { class: value ? "chip in" : "chip", "aria-hidden": "true" },
    SENSORS[name] ?? name));
  const spoken = el("span", { class: "sr" }, contactLine(contact));
  card.contact.replaceChildren(...chips, ...(shown.length ? [spoken] : []));
}
