// The board: one row a coin, kept and updated in place, so that nothing flickers and focus stays.

import { $, attribute, bar, el, level, text } from "./dom.js";
import { DASH, count, decimal, percent, rate, signed, span, words } from "./format.js";

const ARROW = { BUY: "▲", SELL: "▼", NEUTRAL: "·" };
const RANK = { BUY: 0, SELL: 0, NEUTRAL: 1 };
const REORDER = 4_000;

// What each column is called and sorts by; without a sort the rows stand as the service lists them.
const COLUMNS = [
  { name: "coin", title: "Coin", by: (row) => row.coin, first: 1 },
  { name: "action", title: "Action", by: (row) => RANK[row.action] * -10 + Math.abs(row.score) },
  { name: "confidence", title: "Confidence", by: (row) => row.confidence },
  { name: "score", title: "Score", by: (row) => row.score, help: "Log-odds of up over down, before the gates" },
  { name: "voters", title: "Voters", by: (row) => row.independent_voters, help: "Independent voters, of all who hold the coin" },
  { name: "coverage", title: "Coverage", by: (row) => row.coverage ?? -1, help: "Share of the tracked weight whose position is fresh" },
  { name: "age", title: "Age", by: (row) => row.data_age_seconds ?? Infinity, first: 1 },
  { name: "regime", title: "Regime", by: (row) => row.regime ?? "", first: 1 },
  { name: "price", title: "Reference", by: (row) => Number(row.reference_price ?? -1), help: "The price the signal is scored from" },
  { name: "gate", title: "Held back by", by: (row) => row.failed_gate ?? "", first: 1 },
];

export class Board {
  #rows = new Map();
  #list = [];
  #sort = { column: null, direction: 0 };
  #ordered = 0;

  constructor(table, { onOpen }) {
    this.table = table;
    this.body = $("tbody", table);
    this.shows = "";
    this.finds = "";
    this.open = null;
    this.onOpen = onOpen;
    this.#head();
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row && !window.getSelection().toString()) onOpen(row.dataset.coin);
    });
    this.body.addEventListener("keydown", (event) => this.#walk(event));
  }

  show(list) {
    this.#list = list;
    const seen = new Set(list.map((row) => row.coin));
    for (const [coin, row] of this.#rows) {
      if (!seen.has(coin)) (row.node.remove(), this.#rows.delete(coin));
    }
    const grown = list.some((row) => !this.#rows.has(row.coin));
    list.forEach((row) => this.#write(row));
    if (grown || this.#mayReorder()) this.order();
    this.filter();
  }

  filter() {
    let shown = 0;
    for (const { coin, action } of this.#list) {
      const fits = (!this.shows || action === this.shows) && coin.toLowerCase().includes(this.finds);
      this.#rows.get(coin).node.hidden = !fits;
      shown += fits;
    }
    return shown;
  }

  order() {
    const { column, direction } = this.#sort;
    const sorted = [...this.#list];
    if (column) sorted.sort((a, b) => {
      const [x, y] = [column.by(a), column.by(b)];
      return (x < y ? -1 : x > y ? 1 : 0) * direction || (a.coin < b.coin ? -1 : 1);
    });
    const nodes = sorted.map((row) => this.#rows.get(row.coin).node);
    if (nodes.some((node, index) => this.body.children[index] !== node)) this.body.append(...nodes);
    this.#ordered = performance.now();
  }

  mark(coin) {
    this.open = coin;
    for (const [name, row] of this.#rows) attribute(row.node, "data-open", String(name === coin));
  }

  focus(coin) {
    this.#rows.get(coin)?.button.focus();
  }

  // Rows hold still under the pointer and while the keyboard is among them.
  #mayReorder() {
    const idle = !this.body.matches(":hover") && !this.body.contains(document.activeElement);
    return idle && performance.now() - this.#ordered > REORDER;
  }

  #head() {
    const head = $("thead tr", this.table);
    for (const column of COLUMNS) {
      const button = el("button", { type: "button", title: column.help }, column.title);
      button.addEventListener("click", () => this.#sortBy(column));
      column.cell = el("th", { scope: "col", class: `c-${column.name}` }, button);
      head.append(column.cell);
    }
    this.#sortShown();
  }

  #sortBy(column) {
    const first = column.first ?? -1;
    const again = this.#sort.column === column;
    const over = again && this.#sort.direction !== first;
    this.#sort = over ? { column: null, direction: 0 } : { column, direction: again ? -first : first };
    this.#sortShown();
    this.order();
  }

  #sortShown() {
    for (const column of COLUMNS) {
      const is = column === this.#sort.column;
      attribute(column.cell, "aria-sort", is ? (this.#sort.direction > 0 ? "ascending" : "descending") : "none");
    }
  }

  #walk(event) {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!step) return;
    event.preventDefault();
    let row = event.target.closest("tr")[step];
    while (row?.hidden) row = row[step];
    if (row) $("button", row).focus();
  }

  #write(row) {
    const cells = this.#rows.get(row.coin) ?? this.#add(row.coin);
    const { node } = cells;
    if (node.dataset.action && node.dataset.action !== row.action) this.#flash(node);
    attribute(node, "data-action", row.action);
    attribute(node, "data-status", row.status);
    text(cells.arrow, ARROW[row.action]);
    text(cells.action, row.action);
    text(cells.confidence, percent(row.confidence, 1));
    level(cells.confidenceBar, row.confidence, row.calibrated);
    text(cells.score, signed(row.score));
    level(cells.scoreBar, 2 * row.probability_up - 1);
    text(cells.independent, decimal(row.independent_voters));
    text(cells.heads, ` of ${count(row.voters)}`);
    text(cells.coverage, percent(row.coverage));
    text(cells.age, span(row.data_age_seconds));
    text(cells.regime, words(row.regime));
    text(cells.price, rate(row.reference_price));
    text(cells.gate, row.failed_gate ? words(row.failed_gate) : DASH);
    attribute(cells.gate, "data-failed", String(Boolean(row.failed_gate)));
    text(cells.status, row.status === "LIVE" ? "" : row.status.toLowerCase());
    text(cells.brief, row.failed_gate ? words(row.failed_gate) : `${count(row.independent_voters)} voters`);
  }

  #add(coin) {
    const made = {};
    const make = (name, tag = "span", attributes = {}) => (made[name] = el(tag, attributes));
    const cell = (name, ...children) => el("td", { class: `c-${name}` }, ...children);
    const button = el("button", { type: "button", "aria-haspopup": "dialog" }, coin);
    const node = el("tr", { "data-coin": coin },
      el("th", { scope: "row", class: "c-coin" }, button, make("status", "small", { class: "status" }), make("brief", "small", { class: "brief" })),
      cell("action", el("span", { class: "pill" }, make("arrow", "i", { "aria-hidden": "true" }), make("action"))),
      cell("confidence", (made.confidenceBar = bar("left")), make("confidence")),
      cell("score", (made.scoreBar = bar("middle")), make("score")),
      cell("voters", make("independent"), make("heads", "small")),
      cell("coverage", make("coverage")),
      cell("age", make("age")),
      cell("regime", make("regime")),
      cell("price", make("price")),
      cell("gate", make("gate")));
    Object.assign(made, { node, button });
    attribute(node, "data-open", String(coin === this.open));
    this.#rows.set(coin, made);
    return made;
  }

  #flash(node) {
    node.classList.remove("turned");
    void node.offsetWidth;
    node.classList.add("turned");
  }
}
