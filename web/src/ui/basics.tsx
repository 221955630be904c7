// Small parts that every page uses.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ago, exactly, pretty, visible } from "../format";
import { isKey, t, type Key } from "../i18n";
import { go } from "../state/router";
import { Icon, type IconName } from "./icons";

/** Text that came from outside: isolated, with its unseen characters made visible. */
export function Txt({ text, clip }: { text: string | null | undefined; clip?: boolean }) {
  const seen = visible(text ?? "–");
  const cut = seen.length > 2000 ? seen.slice(0, 2000) + "…" : seen;
  return clip ? <bdi class="clip" title={cut.slice(0, 500)}>{cut}</bdi> : <bdi>{cut}</bdi>;
}

/** A link within the dashboard. */
export function Link(props: { href: string; class?: string; children: ComponentChildren; current?: boolean; label?: string }) {
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    go(props.href);
  };
  return (
    <a href={props.href} class={props.class} onClick={follow} aria-current={props.current ? "page" : undefined} aria-label={props.label}>
      {props.children}
    </a>
  );
}

const looks: Record<string, { tone: string; glyph: string }> = {
  SUCCESS: { tone: "good", glyph: "✓" },
  FAILURE: { tone: "bad", glyph: "✕" },
  STARTED: { tone: "busy", glyph: "▶" },
  RECEIVED: { tone: "wait", glyph: "◔" },
  PENDING: { tone: "wait", glyph: "○" },
  RETRY: { tone: "warn", glyph: "↻" },
  REVOKED: { tone: "off", glyph: "⊘" },
  REJECTED: { tone: "off", glyph: "⊘" },
  online: { tone: "good", glyph: "●" },
  lost: { tone: "bad", glyph: "✕" },
  offline: { tone: "off", glyph: "○" },
  ok: { tone: "good", glyph: "✓" },
  down: { tone: "bad", glyph: "✕" },
  off: { tone: "off", glyph: "○" },
};

/** A state: colour, sign and word, so that none of them stands alone. */
export function State({ state }: { state: string }) {
  const look = looks[state] ?? { tone: "off", glyph: "•" };
  const key = "state." + state;
  return (
    <span class={"state " + look.tone}>
      <span aria-hidden="true">{look.glyph}</span> {isKey(key) ? t(key) : visible(state).slice(0, 40)}
    </span>
  );
}
export const tone = (state: string): string => looks[state]?.tone ?? "off";
export const glyph = (state: string): string => looks[state]?.glyph ?? "•";

/** A button for an action. With `why` it cannot be used and tells the reason, to the keyboard's and reader's user too. */
export function Act(props: {
  onClick: () => void; children: ComponentChildren; why?: string | null; danger?: boolean; main?: boolean; small?: boolean;
  icon?: IconName; label?: string; busy?: boolean;
}) {
  const blocked = props.why ?? null;
  const classes = ["act", props.danger && "danger", props.main && "main", props.small && "small"].filter(Boolean).join(" ");
  return (
    <button type="button" class={classes} aria-disabled={blocked || props.busy ? "true" : undefined} title={blocked ?? undefined}
      aria-label={props.label ? visible(blocked ? `${props.label}. ${blocked}` : props.label) : undefined}
      onClick={() => !blocked && !props.busy && props.onClick()}>
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </button>
  );
}

/** How long ago; the exact time as a tip. Ticks by itself. */
export function Ago({ at }: { at: number | null | undefined }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 5000);
    return () => clearInterval(timer);
  }, []);
  if (at === null || at === undefined) return <span class="faint">–</span>;
  return <time dateTime={new Date(at * 1000).toISOString()} title={exactly(at)}>{ago(at)}</time>;
}

export function Page(props: { title: string; children: ComponentChildren; actions?: ComponentChildren; lead?: ComponentChildren; foreign?: boolean }) {
  useEffect(() => {
    document.title = visible(props.title).slice(0, 80) + " · lovage";
  }, [props.title]);
  return (
    <>
      <header class="page-head">
        <div class="page-title">
          <h1 tabIndex={-1}>{props.foreign ? <Txt text={props.title} /> : props.title}</h1>
          {props.lead && <p class="lead">{props.lead}</p>}
        </div>
        {props.actions && <div class="actions">{props.actions}</div>}
      </header>
      {props.children}
    </>
  );
}

export function Card(props: { title?: string; note?: ComponentChildren; children: ComponentChildren; class?: string; actions?: ComponentChildren }) {
  return (
    <section class={"card " + (props.class ?? "")} aria-label={props.title}>
      {props.title && (
        <div class="card-head">
          <h2>{props.title}</h2>
          {props.note && <span class="faint">{props.note}</span>}
          {props.actions && <div class="actions">{props.actions}</div>}
        </div>
      )}
      {props.children}
    </section>
  );
}

export function Facts({ of }: { of: [Key, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([key, value]) => (
        <div key={key}>
          <dt>{t(key)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const longest = 20000;

/** Arguments, results, tracebacks: as text, with a way to copy all of it. */
export function Code({ value, label }: { value: unknown; label: string }) {
  const [whole, setWhole] = useState(false);
  const [copied, setCopied] = useState(false);
  const text = pretty(value);
  const cut = !whole && text.length > longest;
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    });
  };
  return (
    <div class="code">
      <pre tabIndex={0} role="region" aria-label={label}>{visible(cut ? text.slice(0, longest) + "…" : text)}</pre>
      <div class="code-tools">
        {cut && <button type="button" class="act small" onClick={() => setWhole(true)}>{t("code.all", { n: text.length })}</button>}
        <button type="button" class="act small" onClick={copy} aria-label={t("code.copy_what", { what: label })}>
          <Icon name="copy" /> {copied ? t("code.copied") : t("code.copy")}
        </button>
      </div>
    </div>
  );
}
