// Connects what is asked to what is shown.

import { Board } from "./table.js";
import { Detail } from "./detail.js";
import { $, text } from "./dom.js";
import { DASH, count, moment, percent, span, words } from "./format.js";
import { Pulse, Refused, Source, key } from "./source.js";

const SECOND = 1_000;
const PAST = 600;
const NOT_THERE = new Set([404, 422]);
const list = new Source("/api/v1/signals");
const status = new Source("/api/v1/status");
const regime = new Source("/api/v1/regime");
const view = { coin: null, horizon: "4h", document: null, past: [], lost: null, progress: null, stale: false, behind: 0, locked: false };

const board = new Board($("#signals"), { onOpen: (coin) => go(coin === view.coin ? "" : coin) });
const detail = new Detail($("#detail"), { onClose: () => go(""), onHorizon: (horizon) => go(view.coin, horizon) });

const lists = new Pulse(() => attempt(refresh), SECOND);
const regimes = new Pulse(() => attempt(async () => showRegime((await regime.read()).value)), 15 * SECOND);

async function refresh() {
  const [signals, state] = await Promise.all([list.read(), status.read(), refreshDocument()]);
  if (signals.changed) {
    board.show(signals.value.signals);
    showCounts(signals.value.signals);
    view.stale = signals.value.status === "STALE";
  }
  showStatus(state.value);
  showEmpty(signals.value.signals.length);
}

async function refreshDocument() {
  const { coin, horizon, document: source } = view;
  if (!coin) return;
  try {
    const { value, changed } = await source.read();
    if (!changed || source !== view.document) return;
    view.past = await pastOf(coin, horizon);
    if (source === view.document) detail.show(value, view.past, horizon);
  } catch (error) {
    if (!(error instanceof Refused) || !NOT_THERE.has(error.status)) throw error;
    if (source === view.document) detail.failed(error);
  }
}

async function pastOf(coin, horizon) {
  const path = `/api/v1/signals/${encodeURIComponent(coin)}/history?horizon=${horizon}&limit=200`;
  return (await new Source(path).read()).value.signals;
}

// Returns whether it went well: a pulse slows down when it did not.
async function attempt(work) {
  if (view.locked) return false;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    view.lost ??= new Date();
    if (error.status === 401) askForKey();
    else showLink();
    return false;
  }
  view.lost = null;
  showLink();
  return true;
}

function askForKey() {
  if (view.locked) return;
  view.locked = true;
  text($("#key-said"), key.get() ? "That is not the key." : "");
  key.drop();
  $("#key").hidden = false;
  $("#key-input").focus();
  showLink("locked");
}

function showLink(given) {
  const state = given ?? (view.lost ? "lost" : !view.progress ? "waiting" : view.stale ? "stale" : view.behind > PAST ? "past" : "live");
  const said = {
    broken: "This page failed; load it again",
    live: "Live",
    locked: "Locked",
    past: `Connected, showing the past: ${span(view.behind)} ago`,
    lost: `No answer since ${view.lost?.toTimeString().slice(0, 8)}, trying again`,
    stale: "Connected, but the data is stale",
    waiting: "Connecting",
  };
  document.body.dataset.link = state;
  text($("#link"), state === "live" && view.progress.phase !== "live" ? "Connected, still starting" : said[state]);
}

function showStatus(state) {
  const { progress } = state;
  const newest = Object.values(state.newest).sort().at(-1);
  const lag = Object.values(state.lag).reduce((sum, each) => sum + each, 0);
  view.progress = progress;
  view.behind = state.event_time ? (Date.parse(state.now) - Date.parse(state.event_time)) / SECOND : 0;
  $("#key").hidden = true;
  text($("#event-time"), moment(state.event_time));
  text($("#r-coverage"), percent(progress.coverage, 1));
  text($("#r-traders"), `${count(progress.known)} of ${count(progress.tracked)}`);
  text($("#r-age"), newest ? span(Math.max(0, (Date.parse(state.now) - Date.parse(newest)) / SECOND)) : DASH);
  text($("#r-journal"), `${count(state.journal_position)}${lag ? `, ${count(lag)} behind` : ""}`);
  showStart(progress);
}

function showStart(progress) {
  $("#start").hidden = progress.phase === "live";
  text($("#phase"), words(progress.phase));
  text($("#start-said"), progress.message);
  const bar = $("#start-bar");
  if (progress.coverage === null) bar.removeAttribute("value");
  else bar.value = progress.coverage;
}

function showRegime({ market }) {
  const probability = market?.probabilities?.[market.state];
  text($("#r-regime"), market ? `${words(market.state)}${probability === undefined ? "" : ` ${percent(probability)}`}` : DASH);
}

function showCounts(signals) {
  const of = (action) => signals.filter((row) => row.action === action).length;
  text($("#r-opinions"), `${count(of("BUY") + of("SELL"))} of ${count(signals.length)}`);
  for (const button of document.querySelectorAll("#filters button")) {
    const { show } = button.dataset;
    text($("b", button), count(show ? of(show) : signals.length));
  }
}

function showEmpty(total) {
  const shown = board.filter();
  $("#empty").hidden = shown > 0;
  text($("#empty"), total ? "No coin fits." : `No signal yet. ${view.progress?.message ?? ""}`);
}

// The address bar says what is open, so that Back closes it and a link opens it.
function go(coin, horizon = "4h") {
  window.location.hash = coin ? (horizon === "4h" ? coin : `${coin}/${horizon}`) : "";
}

function follow() {
  const [coin, horizon = "4h"] = window.location.hash.slice(1).split("/");
  const before = view.coin;
  Object.assign(view, { coin: coin || null, horizon, past: [] });
  document.body.dataset.detail = String(Boolean(coin));
  board.mark(view.coin);
  if (!coin) {
    detail.close();
    if (before) board.focus(before);
    return;
  }
  view.document = new Source(`/api/v1/signals/${encodeURIComponent(coin)}?horizon=${encodeURIComponent(horizon)}`);
  detail.open(coin, horizon);
  if (!before) $("#detail").focus({ preventScroll: true });
  lists.now();
}

$("#filters").addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (!chosen) return;
  board.shows = chosen.dataset.show;
  for (const button of $("#filters").children) button.setAttribute("aria-pressed", String(button === chosen));
  showEmpty(1);
});

$("#find").addEventListener("input", (event) => {
  board.finds = event.target.value.trim().toLowerCase();
  showEmpty(1);
});

$("#key").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set($("#key-input").value);
  $("#key-input").value = "";
  view.locked = false;
  lists.now();
  regimes.now();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && view.coin) go("");
  if (event.key === "/" && event.target.tagName !== "INPUT") {
    event.preventDefault();
    $("#find").focus();
  }
});

window.addEventListener("hashchange", follow);
window.addEventListener("error", () => showLink("broken"));
window.addEventListener("unhandledrejection", () => showLink("broken"));
lists.now();
regimes.now();
follow();
