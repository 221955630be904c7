// Numbers, times and texts for people.
import { locale, t } from "./i18n";

const none = "–";

export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? none : n.toLocaleString(locale());
}

/** A count in little room: 12,345 is 12.3K. */
export function short(n: number | null | undefined): string {
  if (n === null || n === undefined) return none;
  if (Math.abs(n) < 10000) return count(Math.round(n));
  return new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(n);
}

/** Something a second. */
export function rate(n: number | null | undefined): string {
  if (n === null || n === undefined) return none;
  const digits = n >= 100 ? 0 : n >= 10 ? 1 : 2;
  return t("unit.per_second", { x: new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(n) });
}

export function percent(part: number, whole: number): string {
  const share = whole > 0 ? part / whole : 0;
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);
}

/** A length of time in seconds: 0.0031 is "3.1 ms", 75 is "1 min 15 s". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return none;
  const say = (value: number, digits: number) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
  const size = Math.abs(seconds);
  if (size < 0.0005 && size > 0) return t("unit.us", { x: say(seconds * 1e6, 0) });
  if (size < 1) return t("unit.ms", { x: say(seconds * 1e3, size < 0.01 ? 1 : 0) });
  if (size < 60) return t("unit.s", { x: say(seconds, size < 10 ? 1 : 0) });
  const whole = Math.round(size);
  const two = (big: number, small: number, bigUnit: "unit.min" | "unit.h" | "unit.d", smallUnit: "unit.s" | "unit.min" | "unit.h") =>
    t(bigUnit, { x: say(big, 0) }) + (small ? " " + t(smallUnit, { x: say(small, 0) }) : "");
  if (whole < 3600) return two(Math.floor(whole / 60), whole % 60, "unit.min", "unit.s");
  if (whole < 86400) return two(Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), "unit.h", "unit.min");
  return two(Math.floor(whole / 86400), Math.floor((whole % 86400) / 3600), "unit.d", "unit.h");
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return none;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let left = n;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: left < 10 && unit > 0 ? 1 : 0 }).format(left)} ${units[unit]}`;
}

const date = (seconds: number, options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(locale(), { hourCycle: "h23", ...options }).format(new Date(seconds * 1000));

/** Of today the time alone, else with the day. */
export function when(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return none;
  const today = new Date().toDateString() === new Date(seconds * 1000).toDateString();
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return date(seconds, today ? time : { month: "short", day: "numeric", ...time });
}

/** All of it, with the time zone: for tips and details. */
export function exactly(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return none;
  return date(seconds, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    fractionalSecondDigits: 3, timeZoneName: "short",
  });
}

export function clock(seconds: number): string {
  return date(seconds, { hour: "2-digit", minute: "2-digit" });
}

/** "3 minutes ago", "in 20 seconds". */
export function ago(seconds: number | null | undefined, now = Date.now() / 1000): string {
  if (seconds === null || seconds === undefined) return none;
  const by = seconds - now;
  const size = Math.abs(by);
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" });
  if (size < 60) return words.format(Math.round(by), "second");
  if (size < 3600) return words.format(Math.round(by / 60), "minute");
  if (size < 86400) return words.format(Math.round(by / 3600), "hour");
  return words.format(Math.round(by / 86400), "day");
}

// Characters that turn the reading direction or are not seen at all: a name may not look like another.
const hidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Text of strangers with its unseen characters made visible, as U+202E. */
export function visible(text: string): string {
  return text.replace(hidden, (one) => `⟨U+${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

export function shown(value: unknown): string {
  if (value === null || value === undefined) return none;
  if (typeof value === "string") return value;
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

const brief = 60; // so short it stays on one line

/** JSON, or Python's way to write values (`repr`), on several lines; what is neither stays as it is. */
export function pretty(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2) ?? "";
  try {
    const read: unknown = JSON.parse(value);
    return typeof read === "object" && read !== null && value.length > brief ? JSON.stringify(read, null, 2) : value;
  } catch {
    return spread(value);
  }
}

/** Breaks a repr after its outer commas and indents by brackets; texts in quotes are left alone. */
function spread(text: string): string {
  if (text.length <= brief || text.length > 50000 || !/^[[({]/.test(text)) return text;
  let out = "";
  let depth = 0;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      out += c;
      if (c === "\\") out += text[++i] ?? "";
      else if (c === quote) quote = "";
      continue;
    }
    if (c === "'" || c === '"') quote = c;
    if ("[({".includes(c) && !"])}".includes(text[i + 1] ?? "")) out += c + "\n" + "  ".repeat(++depth);
    else if ("[({".includes(c)) out += c + text[++i];
    else if ("])}".includes(c)) out += "\n" + "  ".repeat(Math.max(0, --depth)) + c;
    else if (c === "," && text[i + 1] === " ") {
      out += ",\n" + "  ".repeat(depth);
      i++;
    } else out += c;
  }
  return depth === 0 && !quote ? out : text;
}
