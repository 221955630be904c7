// Words of the dashboard. A key that lacks in one language does not compile.
import { signal } from "@preact/signals";
import { en } from "./en";
import { zhHans } from "./zh-hans";
import { zhHant } from "./zh-hant";

export type Key = keyof typeof en;
export type Dictionary = Record<Key, string>;
export type Language = "en" | "zh-Hans" | "zh-Hant";

export const languages: { code: Language; name: string }[] = [
  { code: "en", name: "English" },
  { code: "zh-Hans", name: "简体中文" },
  { code: "zh-Hant", name: "繁體中文" },
];
const dictionaries: Record<Language, Dictionary> = { en, "zh-Hans": zhHans, "zh-Hant": zhHant };

/** The first language of the browser that we have. */
export function fromBrowser(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const low = tag.toLowerCase();
    if (low.startsWith("en")) return "en";
    if (/^zh\b.*(hant|tw|hk|mo)/.test(low)) return "zh-Hant";
    if (low.startsWith("zh")) return "zh-Hans";
  }
  return "en";
}

function chosen(): Language {
  try {
    const stored = localStorage.getItem("lovage.language");
    if (languages.some((one) => one.code === stored)) return stored as Language;
  } catch {
    // No storage: the browser's language.
  }
  return fromBrowser(navigator.languages);
}

export const language = signal<Language>(chosen());
document.documentElement.lang = language.value;

export function choose(code: Language): void {
  language.value = code;
  document.documentElement.lang = code;
  try {
    localStorage.setItem("lovage.language", code);
  } catch {
    // It lasts until the page is left.
  }
}

/** For Intl: zh-Hans and zh-Hant are known there; English as the browser's owner writes it (dates!). */
export function locale(): string {
  if (language.value !== "en") return language.value;
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith("en")) ?? "en";
}

export const isKey = (key: string): key is Key => key in en;

/** The words for `key`. `{name}` is replaced; "one|many" is chosen by `n`. Numbers are written as the language does. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  let text = dictionaries[language.value][key];
  const bar = text.indexOf("|");
  if (bar >= 0) text = values.n === 1 ? text.slice(0, bar) : text.slice(bar + 1);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" && name !== "status" ? value.toLocaleString(locale()) : String(value);
  });
}
