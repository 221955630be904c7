import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n";
import { go, here, path, query } from "../state/router";
import { Txt } from "../ui/basics";

/** The members of GET /api/v1/tasks that say which tasks. */
export const searchMembers = ["q", "name", "state", "worker", "queue", "from", "to", "error", "root", "group", "periodic"];
const states = ["PENDING", "RECEIVED", "STARTED", "SUCCESS", "FAILURE", "RETRY", "REVOKED", "REJECTED"] as const;

const toLocal = (seconds: string | null): string => {
  const n = Number(seconds);
  if (!seconds || !Number.isFinite(n)) return "";
  const local = new Date(n * 1000 - new Date(n * 1000).getTimezoneOffset() * 60000);
  return Number.isNaN(local.getTime()) ? "" : local.toISOString().slice(0, 16);
};
const fromLocal = (text: string): string | null => (text ? String(new Date(text).getTime() / 1000) : null);

function States() {
  const chosen = (query.value.get("state") ?? "").split(",").filter(Boolean);
  const flip = (state: string) => {
    const next = chosen.includes(state) ? chosen.filter((one) => one !== state) : [...chosen, state];
    go(here({ state: next.join(","), cursor: null }), true);
  };
  return (
    <div class="segments wrap" role="group" aria-label={t("task.state")}>
      {states.map((state) => (
        <button type="button" key={state} aria-pressed={chosen.includes(state)} onClick={() => flip(state)}>{t(`state.${state}`)}</button>
      ))}
    </div>
  );
}

function Choice(props: { name: string; label: string; options: string[] }) {
  const value = query.value.get(props.name) ?? "";
  const id = "by-" + props.name;
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input id={id} list={id + "-list"} value={text} autoComplete="off" onInput={(event) => setText((event.target as HTMLInputElement).value)}
        onChange={(event) => go(here({ [props.name]: (event.target as HTMLInputElement).value.trim(), cursor: null }), true)} />
      <datalist id={id + "-list"}>
        {props.options.slice(0, 500).map((one) => <option key={one} value={one} />)}
      </datalist>
    </div>
  );
}

function Time({ name, label }: { name: "from" | "to"; label: string }) {
  return (
    <div class="field">
      <label for={"by-" + name}>{label}</label>
      <input id={"by-" + name} type="datetime-local" value={toLocal(query.value.get(name))}
        onChange={(event) => go(here({ [name]: fromLocal((event.target as HTMLInputElement).value), cursor: null }), true)} />
    </div>
  );
}

/** What a link from another page narrowed the search to, and a way out of it. */
function Narrowed() {
  const only = (["error", "root", "group", "periodic"] as const).filter((name) => query.value.get(name));
  return (
    <>
      {only.map((name) => (
        <span key={name} class="chip">
          {t(`search.${name}`)} <Txt clip text={query.value.get(name)} />
          <button type="button" class="ghost" aria-label={t("search.drop", { what: t(`search.${name}`) })} onClick={() => go(here({ [name]: null, cursor: null }))}>✕</button>
        </span>
      ))}
    </>
  );
}

export function SearchForm(props: { names: string[]; queues: string[]; workers: string[] }) {
  const now = query.value.get("q") ?? "";
  const [text, setText] = useState(now);
  useEffect(() => setText(now), [now]);
  const submit = (event: Event) => {
    event.preventDefault();
    (document.activeElement as HTMLElement | null)?.dispatchEvent(new Event("change", { bubbles: true }));
    go(here({ q: text.trim(), cursor: null }), true);
  };
  return (
    <form class="card finder" onSubmit={submit} role="search" aria-label={t("search.label")}>
      <div class="finder-row">
        <div class="field grow">
          <label for="by-q">{t("search.text")}</label>
          <input id="by-q" type="search" value={text} placeholder={t("search.hint")} onInput={(event) => setText((event.target as HTMLInputElement).value)} autoComplete="off" />
        </div>
        <button type="submit" class="act main">{t("search.go")}</button>
        <button type="button" class="act" onClick={() => go(path.value)}>{t("tasks.clear")}</button>
      </div>
      <States />
      <details open={["name", "queue", "worker", "from", "to"].some((one) => query.value.get(one))}>
        <summary>{t("search.more")}</summary>
        <div class="finder-grid">
          <Choice name="name" label={t("task.name")} options={props.names} />
          <Choice name="queue" label={t("task.queue")} options={props.queues} />
          <Choice name="worker" label={t("task.worker")} options={props.workers} />
          <Time name="from" label={t("search.from")} />
          <Time name="to" label={t("search.to")} />
        </div>
      </details>
      <Narrowed />
    </form>
  );
}
