// Asks the API: every second while somebody looks, with the tag of what is here already.

const KEY = "signal-system-key";
const SLOWEST = 8_000;
const PATIENCE = 5_000;

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  drop: () => sessionStorage.removeItem(KEY),
};

// Any answer but a good one; status 0 if there was none.
export class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? (status ? `The service answered ${status}.` : "No answer."));
    this.status = status;
    this.hint = error?.hint ?? "";
  }
}

// One address, asked again and again: `changed` is false when the answer is the one from before.
export class Source {
  #tag = null;
  #value = null;

  constructor(path) {
    this.path = path;
  }

  async read() {
    const headers = {};
    if (this.#tag) headers["If-None-Match"] = this.#tag;
    if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(this.path, { headers, signal, cache: "no-store" }).catch(away);
    if (response.status === 304) return { value: this.#value, changed: false };
    const body = await response.json().catch(away);
    if (!response.ok) throw new Refused(response.status, body?.error);
    this.#tag = response.headers.get("ETag");
    this.#value = body;
    return { value: body, changed: true };
  }
}

function away() {
  throw new Refused(0);
}

// Runs `turn` every `milliseconds`, less often while it fails, never while the page is hidden.
export class Pulse {
  #timer = 0;
  #failures = 0;
  #running = false;
  #again = false;

  constructor(turn, milliseconds) {
    this.turn = turn;
    this.milliseconds = milliseconds;
    document.addEventListener("visibilitychange", () => this.now());
  }

  now() {
    clearTimeout(this.#timer);
    this.#again = this.#running;
    if (!document.hidden && !this.#running) this.#beat();
  }

  async #beat() {
    this.#running = true;
    const well = await this.turn();
    this.#running = false;
    this.#failures = well ? 0 : this.#failures + 1;
    const slowest = Math.max(SLOWEST, this.milliseconds);
    const wait = this.#again ? 0 : Math.min(this.milliseconds * 2 ** this.#failures, slowest);
    if (!document.hidden) this.#timer = setTimeout(() => this.now(), wait);
  }
}
