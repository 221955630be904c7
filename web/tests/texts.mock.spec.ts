// The dictionaries, without a browser: every text has the same places to fill in, no language was forgotten.
import { expect, test } from "@playwright/test";
import { en } from "../src/i18n/en";
import { readLiteral } from "../src/literal";
import { zhHans } from "../src/i18n/zh-hans";
import { zhHant } from "../src/i18n/zh-hant";

const places = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join(" ");

test("every language fills in the same values", () => {
  for (const [key, text] of Object.entries(en)) {
    expect(places(zhHans[key as keyof typeof en]), key).toBe(places(text));
    expect(places(zhHant[key as keyof typeof en]), key).toBe(places(text));
  }
});

test("Python's values are read, and what is none is not", () => {
  expect(readLiteral("(2, 'it\\'s', None, [True, -1.5e3], {'a': \"b\", 1: ()})")).toEqual([2, "it's", null, [true, -1500], { a: "b", 1: [] }]);
  expect(readLiteral("('\\u00e9\\n',)")).toEqual(["\u00e9\n"]);
  for (const text of ["(1, ...", "<object at 0x7f>", "(1 2)", "'open", "1 2", ""]) expect(readLiteral(text), text).toBeUndefined();
  expect(readLiteral("{'__proto__': 1}")).toEqual(Object.fromEntries([["__proto__", 1]]));
});

test("Chinese texts use Chinese punctuation, and each its own characters", () => {
  for (const [key, text] of [...Object.entries(zhHans), ...Object.entries(zhHant)]) expect(text, key).not.toMatch(/[\u4e00-\u9fff][,:;?(]/);
  for (const [key, text] of Object.entries(zhHans)) expect(text, key).not.toMatch(/[務佇列狀態啟動執錯誤檔設個時間區運]{2}/);
  for (const [key, text] of Object.entries(zhHant)) expect(text, key).not.toMatch(/[务队态启动执错误档设个时间区运]{2}/);
});
