// One coin, whole: why it says what it says, what would turn it, and how to check it.

import { attribute, bar, el, svg, text } from "./dom.js";
import { DASH, address, count, decimal, minute, moment, money, percent, rate, signed, signedMoney, span, words } from "./format.js";

const HORIZONS = ["1h", "4h", "24h"];

export class Detail {
  constructor(panel, { onClose, onHorizon }) {
    this.panel = panel;
    this.onClose = onClose;
    this.title = el("h2", { id: "d-coin" });
    this.tabs = HORIZONS.map((name) => {
      const tab = el("button", { type: "button" }, name);
      tab.addEventListener("click", () => onHorizon(name));
      return tab;
    });
    const close = el("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
    close.addEventListener("click", onClose);
    this.body = el("div", { class: "sheet" });
    panel.append(
      el("header", {}, this.title, el("div", { class: "filters", role: "group", "aria-label": "Horizon" }, ...this.tabs), close),
      this.body,
    );
  }

  open(coin, horizon) {
    text(this.title, coin);
    this.tabs.forEach((tab) => attribute(tab, "aria-pressed", String(tab.textContent === horizon)));
    if (this.panel.hidden) this.panel.hidden = false;
  }

  close() {
    this.panel.hidden = true;
    this.body.replaceChildren();
  }

  failed(error) {
    this.body.replaceChildren(el("p", { class: "empty" }, error.message, el("br"), el("small", {}, error.hint ?? "")));
  }

  // Rebuilt whole, but only when the document changed; open folds and the scroll stay as they were.
  show(signal, past, horizon) {
    const folds = new Set([...this.body.querySelectorAll("details[open]")].map((fold) => fold.dataset.name));
    const scroll = this.panel.scrollTop;
    this.body.replaceChildren(
      verdict(signal),
      exposure(signal),
      ...(past.length > 1 ? [course(past)] : []),
      gates(signal.gates),
      contributions("For the tilt", signal.contributions_for),
      contributions("Against it", signal.contributions_against),
      provenance(signal, horizon),
    );
    this.body.querySelectorAll("details").forEach((fold) => (fold.open = folds.has(fold.dataset.name)));
    this.panel.scrollTop = scroll;
  }
}

function verdict(signal) {
  const how = signal.calibrated ? "calibrated on past outcomes" : "the base rate: too few outcomes yet to calibrate";
  const against = signal.gates.filter((gate) => !gate.passed);
  const said = against.length
    ? `Held back by ${against.map((gate) => words(gate.name)).join(", ")}.`
    : signal.action === "NEUTRAL"
      ? "Every gate passed, and neither side is worth taking."
      : "Every gate passed.";
  return el("section", { class: "verdict", "data-action": signal.action },
    el("p", { class: "call" }, el("strong", {}, signal.action), el("span", {}, percent(signal.confidence, 1)), el("small", {}, "confidence")),
    bar("left", signal.confidence, signal.calibrated),
    el("p", {}, `${said} Confidence is ${how}.`),
    facts([
      ["Probability up", percent(signal.probability_up, 1)],
      ["Score", signed(signal.score)],
      ["Value after costs", signal.expected_value_after_costs === null ? DASH : `${signed(signal.expected_value_after_costs * 10_000, 1)} bp`],
      ["Reference", rate(signal.reference_price)],
      ["Voters", `${decimal(signal.independent_voters)} of ${count(signal.voters)}`],
      ["Coverage", percent(signal.coverage, 1)],
      ["Data age", `${span(signal.data_age_seconds)} (limit ${span(signal.freshness_limit_seconds)})`],
      ["Regime", regime(signal.regime)],
    ]));
}

function exposure(signal) {
  const [long, short] = [Number(signal.long_exposure ?? 0), Number(signal.short_exposure ?? 0)].map(Math.abs);
  const share = long + short ? long / (long + short) : 0.5;
  const known = signal.long_exposure !== null && signal.short_exposure !== null;
  return el("section", {},
    el("h3", {}, "What they hold, weighted"),
    known ? bar("sides", share) : null,
    known ? el("p", { class: "ends" }, el("span", {}, `long ${money(long)}`), el("span", {}, `short ${money(short)}`)) : null,
    facts([
      ["Net", signedMoney(signal.net_exposure)],
      ["Change", signedMoney(signal.net_exposure_change)],
      ["Would flip it", money(signal.cost_to_flip_usd)],
      ["Counted by", signal.independence_method],
    ]));
}

function gates(all) {
  const row = (gate) => el("tr", { "data-passed": String(gate.passed) },
    el("td", { class: "mark", "aria-label": gate.passed ? "passed" : "failed" }, gate.passed ? "✓" : "✕"),
    el("th", { scope: "row" }, words(gate.name), gate.reason ? el("small", {}, gate.reason) : null),
    el("td", {}, measure(gate.value)),
    el("td", {}, measure(gate.threshold)));
  return el("section", {}, el("h3", {}, "Gates"),
    all.length
      ? el("table", { class: "small" }, head("", "gate", "value", "threshold"), el("tbody", {}, ...all.map(row)))
      : el("p", { class: "none" }, "No gate applies."));
}

function contributions(title, all) {
  const most = Math.max(...all.map((each) => Math.abs(each.effect)), 1e-9);
  const row = (each) => el("tr", {},
    el("th", { scope: "row" }, el("code", { title: each.address }, address(each.address)), el("small", {}, dimensions(each.dimensions))),
    el("td", {}, signedMoney(each.exposure)),
    el("td", {}, decimal(each.weight, 2)),
    el("td", { class: "effect" }, bar("middle", each.effect / most), signed(each.effect)));
  return el("section", {}, el("h3", {}, title),
    all.length
      ? el("table", { class: "small" }, head("account", "holds", "weight", "effect"), el("tbody", {}, ...all.map(row)))
      : el("p", { class: "none" }, "Nobody."));
}

function provenance(signal, horizon) {
  const { models } = signal;
  return el("details", { "data-name": "provenance" },
    el("summary", {}, "How to check it"),
    facts([
      ["As of", moment(signal.as_of)],
      ["Valid until", moment(signal.valid_until)],
      ["Price taken", moment(signal.reference_price_at)],
      ["Journal position", count(signal.journal_position)],
      ["Scheme", `${signal.scheme}, arm ${signal.arm}`],
      ["Models", [models.regime, models.calibration, models.classifier].filter(Boolean).join(", ") || "none"],
      ["Configuration", signal.config_hash],
      ["Hash", signal.hash || "given when it is issued"],
      ["Hash before", signal.prev_hash || DASH],
    ]),
    el("p", { class: "links" },
      el("a", { href: `/api/v1/signals/${encodeURIComponent(signal.coin)}?horizon=${horizon}` }, "this signal as JSON"), " · ",
      el("a", { href: `/api/v1/signals/${encodeURIComponent(signal.coin)}/history?horizon=${horizon}` }, "its history")));
}

// The score over the stored signals, oldest left, with the moments at which the action turned.
function course(past) {
  const old = [...past].reverse();
  const times = old.map((each) => Date.parse(each.as_of));
  const [from, to] = [times[0], times[times.length - 1]];
  const most = Math.max(...old.map((each) => Math.abs(each.score)), 0.5);
  const x = (index) => (to > from ? ((times[index] - from) / (to - from)) * 400 : 0).toFixed(1);
  const y = (score) => (32 - (score / most) * 28).toFixed(1);
  const line = old.map((each, index) => `${index ? `H${x(index)}V` : `M${x(0)} `}${y(each.score)}`).join("");
  const turns = old
    .map((each, index) => (index && each.action !== old[index - 1].action ? [each, index] : null))
    .filter(Boolean)
    .map(([each, index]) => svg("circle", { cx: x(index), cy: y(each.score), r: 3, "data-action": each.action }));
  const label = `Score over the last ${count(old.length)} signals, from ${signed(old[0].score)} to ${signed(old[old.length - 1].score)}`;
  return el("section", {}, el("h3", {}, "Score so far"),
    svg("svg", { class: "course", viewBox: "-4 0 408 64", role: "img", "aria-label": label },
      svg("line", { x1: 0, x2: 400, y1: 32, y2: 32 }), svg("path", { d: line }), ...turns),
    el("p", { class: "ends" }, el("span", {}, minute(old[0].as_of)), el("span", {}, turns.length === 1 ? "1 turn" : `${count(turns.length)} turns`), el("span", {}, minute(old[old.length - 1].as_of))));
}

const regime = (seen) => (seen ? `${words(seen.state)}${seen.probability === null ? "" : ` ${percent(seen.probability)}`}` : DASH);
const measure = (value) => (value === null || Math.abs(value) < 1_000 ? decimal(value, 2) : count(value));
const dimensions = (parts) => Object.entries(parts ?? {}).map(([name, value]) => `${words(name)} ${decimal(value, 2)}`).join(" · ");
const NAMES = new Set(["", "gate", "account"]);
const head = (...titles) =>
  el("thead", {}, el("tr", {}, ...titles.map((title) => el("th", { scope: "col", class: NAMES.has(title) && "name" }, title))));

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value))));
}
