// Numbers as people read them. What is unknown is a dash, never a zero.

export const DASH = "–";

const number = (digits) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const plain = [0, 1, 2].map(number);
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const price = new Intl.NumberFormat("en-US", { minimumSignificantDigits: 5, maximumSignificantDigits: 7 });
const SPANS = [[86_400, "d"], [3_600, "h"], [60, "min"]];

const known = (value, say) => (value === null || value === undefined ? DASH : say(Number(value)));

export const percent = (value, digits = 0) => known(value, (v) => `${plain[digits].format(v * 100)} %`);
export const decimal = (value, digits = 1) => known(value, (v) => plain[digits].format(v));
export const count = (value) => known(value, (v) => plain[0].format(v));
export const signed = (value, digits = 2) =>
  known(value, (v) => {
    const size = plain[digits].format(Math.abs(v));
    return `${Number(size) === 0 ? "" : v > 0 ? "+" : "−"}${size}`;
  });
export const money = (value) => known(value, (v) => `${v < 0 ? "−" : ""}$${short.format(Math.abs(v))}`);
export const signedMoney = (value) => known(value, (v) => `${v > 0 ? "+" : ""}${money(v)}`);
export const rate = (value) => known(value, (v) => price.format(v));
export const words = (name) => (name ? name.replaceAll("_", " ") : DASH);
export const address = (full) => `${full.slice(0, 6)}…${full.slice(-4)}`;

export function span(seconds) {
  return known(seconds, (s) => {
    const [unit, name] = SPANS.find(([least]) => s >= least) ?? [1, "s"];
    const value = s / unit;
    const said = value < 10 ? plain[1].format(value) : plain[0].format(value);
    return `${unit > 1 ? said.replace(/\.0$/, "") : said} ${name}`;
  });
}

export function moment(iso) {
  return iso ? `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC` : DASH;
}

export const minute = (iso) => moment(iso).replace(/:\d\d UTC$/, "");
