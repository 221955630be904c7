// Python's way to write values, as events carry arguments: (2, 'x', None), {'a': [True]}. Read so that they can be
// edited as JSON. What is no plain value, or was shortened ("..."), is not read.

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  whole(): unknown {
    const value = this.value();
    this.space();
    if (this.at < this.text.length) throw new Error("more than one value");
    return value;
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  private take(word: string): boolean {
    this.space();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private value(): unknown {
    if (this.take("(")) return this.list(")");
    if (this.take("[")) return this.list("]");
    if (this.take("{")) return this.map();
    for (const [word, meant] of [["None", null], ["True", true], ["False", false], ["null", null], ["true", true], ["false", false]] as const)
      if (this.take(word)) return meant;
    const quote = this.text[this.at];
    if (quote === "'" || quote === '"') return this.string(quote);
    const number = /^-?\d+(\.\d+)?([eE][-+]?\d+)?/.exec(this.text.slice(this.at));
    if (!number) throw new Error("not a plain value");
    this.at += number[0].length;
    return Number(number[0]);
  }

  private list(end: string): unknown[] {
    const out: unknown[] = [];
    while (!this.take(end)) {
      out.push(this.value());
      if (!this.take(",")) {
        if (this.take(end)) return out;
        throw new Error("no comma");
      }
    }
    return out;
  }

  private map(): Record<string, unknown> {
    const out: [string, unknown][] = [];
    while (!this.take("}")) {
      const key = this.value();
      if (!this.take(":")) throw new Error("no colon");
      out.push([String(key), this.value()]);
      if (!this.take(",")) {
        if (this.take("}")) break;
        throw new Error("no comma");
      }
    }
    return Object.fromEntries(out);
  }

  private string(quote: string): string {
    let out = "";
    for (this.at++; this.at < this.text.length; this.at++) {
      const c = this.text[this.at]!;
      if (c === quote) {
        this.at++;
        return out;
      }
      out += c === "\\" ? this.escape() : c;
    }
    throw new Error("a text without end");
  }

  private escape(): string {
    const c = this.text[++this.at] ?? "";
    const digits = { x: 2, u: 4, U: 8 }[c];
    if (digits === undefined) return { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0" }[c] ?? c;
    const code = this.text.slice(this.at + 1, this.at + 1 + digits);
    this.at += digits;
    return String.fromCodePoint(parseInt(code, 16));
  }
}

/** The value; undefined where the text is no plain value. */
export function readLiteral(text: string): unknown {
  try {
    return new Reader(text).whole();
  } catch {
    return undefined;
  }
}
