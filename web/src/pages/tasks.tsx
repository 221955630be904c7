// Searching tasks. What is searched for is the address, so a search is a link.
import { useEffect, useRef, useState } from "preact/hooks";
import { actOn, actOnMatching, askSend, taskActions, type TaskAction } from "../actions/tasks";
import { count, duration } from "../format";
import { t, type Key } from "../i18n";
import { able, forbidden } from "../state/api";
import { patched, useLive, useLoad } from "../state/load";
import { go, here, path, query, to } from "../state/router";
import { Act, Ago, Link, Page, State, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import { SearchForm, searchMembers } from "./tasks-search";
import type { Queue, Task, TaskPage as Found, Worker } from "../types";

const newestFirst = "-received";

export function TaskTable(props: { tasks: Task[]; label: string; order?: string; select?: { chosen: Set<string>; change: (to: Set<string>) => void } }) {
  const order = (up: string, down: string) =>
    props.order === undefined ? undefined : { up, down, now: props.order, set: (to: string) => go(here({ order: to === newestFirst ? null : to, cursor: null }), true) };
  return (
    <Table label={props.label} rows={props.tasks} id={(one) => one.id}
      select={props.select && { ...props.select, name: (one) => `${one.name} ${one.id}` }} columns={[
        { key: "name", head: t("task.name"), wide: true, order: order("name", "-name"), cell: (one) => (
          <>
            <Link href={to("tasks", one.id)} class="strong"><Txt clip text={one.name || "–"} /></Link>
            <span class="sub mono"><Txt clip text={one.id} /></span>
          </>
        ) },
        { key: "state", head: t("task.state"), cell: (one) => <><State state={one.state} />{one.retries ? <span class="sub">{t("task.retries_n", { n: one.retries })}</span> : null}</> },
        { key: "what", head: t("task.what"), wide: true, cell: (one) => <What task={one} /> },
        { key: "where", head: t("task.where"), cell: (one) => <><Txt clip text={one.queue} /><span class="sub"><Txt clip text={one.worker} /></span></> },
        { key: "received", head: t("task.received"), order: order("received", "-received"), cell: (one) => <Ago at={one.received ?? one.sent} /> },
        { key: "runtime", head: t("task.runtime"), number: true, order: order("runtime", "-runtime"), cell: (one) => duration(one.runtime) },
      ]} />
  );
}

/** Arguments, and under them what came out. */
function What({ task }: { task: Task }) {
  const args = [task.args, task.kwargs].filter((one) => one && one !== "{}" && one !== "()" && one !== "[]").join(" ");
  return (
    <span class="mono what">
      <Txt clip text={args || "()"} />
      {task.exception ? <span class="sub bad-text"><Txt clip text={task.exception} /></span>
        : task.result !== null && <span class="sub"><span aria-hidden="true">→ </span><Txt clip text={task.result} /></span>}
    </span>
  );
}

/** The bar of actions: on those chosen, or on all that match. */
function Bulk(props: { chosen: Set<string>; found: Found; clear: () => void; reload: () => void }) {
  const [action, setAction] = useState<TaskAction>("retry");
  const why = forbidden() ?? (action === "redrive" && !able("dead_set") ? t("forbidden.dead_set") : null);
  const n = props.chosen.size;
  const done = () => {
    props.clear();
    props.reload();
  };
  const matching = Object.fromEntries(searchMembers.map((name) => [name, query.value.get(name) ?? ""]).filter(([, value]) => value)) as Record<string, string>;
  return (
    <div class="bulk" role="group" aria-label={t("tasks.bulk")}>
      <label for="bulk-action">{t("tasks.action")}</label>
      <select id="bulk-action" value={action} onChange={(event) => setAction((event.target as HTMLSelectElement).value as TaskAction)}>
        {taskActions.map((one) => <option key={one} value={one}>{t(`action.${one}` as Key)}</option>)}
      </select>
      <Act small why={why ?? (n === 0 ? t("tasks.choose_first") : null)} onClick={() => actOn(action, [...props.chosen], done)}>
        {t("tasks.on_chosen", { n })}
      </Act>
      <Act small why={why ?? (props.found.total === 0 ? t("tasks.nothing_matches") : null)} onClick={() => actOnMatching(action, matching, done)}>
        {t("tasks.on_matching", { n: count(props.found.total) + (props.found.total_is === "exact" ? "" : "+") })}
      </Act>
    </div>
  );
}

/** Tasks that came while one reads: they are counted, and shown when asked for, so that nothing jumps. */
function useNews(found: Found | null): { news: number; none: () => void } {
  const seen = useRef(new Set<string>());
  const known = useRef(new Set<string>());
  const [news, setNews] = useState(0);
  known.current = new Set(found?.tasks.map((one) => one.id));
  useLive("tasks", (changed) => {
    if (!found) return;
    for (const one of changed) if (!known.current.has(one.id) && (one.received ?? 0) > (found.tasks[0]?.received ?? 0)) seen.current.add(one.id);
    if (seen.current.size > 5000) seen.current = new Set([...seen.current].slice(-2500));
    setNews(seen.current.size);
  });
  const none = () => {
    seen.current.clear();
    setNews(0);
  };
  useEffect(none, [found?.tasks[0]?.id]);
  return { news, none };
}

export function TasksPage() {
  const order = query.value.get("order") ?? newestFirst;
  const cursor = query.value.get("cursor");
  const members = new URLSearchParams();
  for (const name of searchMembers) {
    const value = query.value.get(name);
    if (value) members.set(name, value);
  }
  const searching = [...members.keys()].length > 0;
  const asked = new URLSearchParams(members);
  asked.set("order", order);
  asked.set("limit", "50");
  if (cursor) asked.set("cursor", cursor);
  const loaded = useLoad<Found>("tasks?" + asked);
  const names = useLoad<{ names: string[] }>("names");
  const queues = useLoad<{ queues: Queue[] }>("queues");
  const workers = useLoad<{ workers: Worker[] }>("workers");
  const [chosen, setChosen] = useState(new Set<string>());
  useEffect(() => setChosen(new Set<string>()), [asked.toString()]);
  useLive("tasks", (changed) => loaded.change((now) => ({ ...now, tasks: patched(now.tasks, changed, (one) => one.id) })));
  const { news, none } = useNews(order === newestFirst && !cursor && !searching ? loaded.data : null);
  const send = async () => {
    const id = await askSend(names.data?.names ?? []);
    if (id) go(to("tasks", id));
  };
  return (
    <Page title={t("nav.tasks")} actions={<Act icon="send" why={forbidden()} onClick={send}>{t("send.open")}</Act>}>
      <SearchForm names={names.data?.names ?? []} queues={queues.data?.queues.map((one) => one.name) ?? []} workers={workers.data?.workers.map((one) => one.name) ?? []} />
      <Ready of={loaded}>
        {(found) => (
          <>
            <div class="result-bar">
              <p role="status" class="faint">
                {t(found.total_is === "exact" ? "tasks.found" : "tasks.found_least", { n: found.total })} <span>{t("tasks.took", { ms: Math.round(found.took_ms) })}</span>
              </p>
              {news > 0 && (
                <button type="button" class="act small main" onClick={() => { none(); loaded.reload(); }}>{t("tasks.news", { n: news })}</button>
              )}
              <Bulk chosen={chosen} found={found} clear={() => setChosen(new Set())} reload={loaded.reload} />
            </div>
            {found.tasks.length === 0 ? <Nothing searching={searching} /> : (
              <TaskTable tasks={found.tasks} label={t("nav.tasks")} order={order} select={{ chosen, change: setChosen }} />
            )}
            <nav class="pager" aria-label={t("tasks.pages")}>
              {cursor && <Link class="act small" href={here({ cursor: null })}>{t("tasks.first_page")}</Link>}
              {found.next && <Link class="act small" href={here({ cursor: found.next })}>{t("tasks.next_page")}</Link>}
            </nav>
          </>
        )}
      </Ready>
    </Page>
  );
}

function Nothing({ searching }: { searching: boolean }) {
  if (searching)
    return (
      <Empty title={t("tasks.nothing")}>
        <p>{t("tasks.nothing_how")}</p>
        <Link class="act small" href={path.value}>{t("tasks.clear")}</Link>
      </Empty>
    );
  return (
    <Empty title={t("tasks.no_tasks")}>
      <p>{t("tasks.no_tasks_how")}</p>
      <pre class="command" tabIndex={0}>lovage worker -A ./libtasks.so -E{"\n"}lovage call shop.add 2 3</pre>
    </Empty>
  );
}
