import { bytes, count, duration } from "../format";
import { t } from "../i18n";
import { forbidden } from "../state/api";
import { merged, useLive, useLoad } from "../state/load";
import { go, here, query, to } from "../state/router";
import { askRestart, askShutdown } from "../actions/workers";
import { Act, Ago, Link, Page, State, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { Running, Worker } from "../types";

export function Pool({ worker }: { worker: Worker }) {
  const pool = worker.pool;
  if (!pool) return <span class="faint">–</span>;
  const range = pool.min !== null && pool.max !== null && pool.min !== pool.max ? ` (${pool.min}–${pool.max})` : "";
  return <span class="nowrap">{pool.kind.slice(0, 40)} × {count(pool.size)}{range}</span>;
}

/** One square a slot: full ones run something. */
export function Slots({ worker }: { worker: Worker }) {
  const size = Math.max(worker.pool?.size ?? 0, worker.active);
  const drawn = Math.min(size, 16);
  return (
    <span class="slots" title={t("workers.slots", { busy: worker.active, size })}>
      <span class="sr">{t("workers.slots", { busy: worker.active, size })}</span>
      <span aria-hidden="true" class="slot-row">
        {Array.from({ length: drawn }, (_, i) => <i key={i} class={i < (worker.active * drawn) / Math.max(1, size) ? "busy" : ""} />)}
      </span>
      <span aria-hidden="true">{worker.active}/{size}</span>
    </span>
  );
}

export function RunningList({ running, few }: { running: Running[]; few?: boolean }) {
  const list = few ? running.slice(0, 3) : running;
  if (list.length === 0) return <span class="faint">{t("workers.idle")}</span>;
  return (
    <ul class="running">
      {list.map((one) => (
        <li key={one.id}>
          <Link href={to("tasks", one.id)}><Txt clip text={one.name} /></Link>
          <span class="faint">{!few && one.pid !== null && `pid ${one.pid} · `}{one.started !== null && duration(Math.max(0, Date.now() / 1000 - one.started))}</span>
        </li>
      ))}
      {list.length < running.length && <li class="faint">{t("workers.more_running", { n: running.length - list.length })}</li>}
    </ul>
  );
}

export function NoWorkers() {
  return (
    <Empty title={t("workers.none")}>
      <p>{t("workers.none_how")}</p>
      <pre class="command" tabIndex={0}>lovage worker -A ./libtasks.so -E</pre>
      <pre class="command" tabIndex={0}>celery -A proj worker -E</pre>
    </Empty>
  );
}

function WorkerTable({ workers, reload }: { workers: Worker[]; reload: () => void }) {
  return (
    <Table label={t("nav.workers")} rows={workers} id={(one) => one.name} tone={(one) => (one.state === "lost" ? "row-bad" : undefined)} columns={[
      { key: "name", head: t("workers.name"), wide: true, cell: (one) => (
        <>
          <Link href={to("workers", one.name)} class="strong"><Txt clip text={one.name} /></Link>
          <span class="sub"><Txt clip text={[one.software, one.version].filter(Boolean).join(" ") || "–"} /></span>
        </>
      ) },
      { key: "state", head: t("workers.state"), cell: (one) => <><State state={one.state} /><span class="sub"><Ago at={one.heartbeat} /></span></> },
      { key: "pool", head: t("workers.pool"), cell: (one) => <><Pool worker={one} /><Slots worker={one} /></> },
      { key: "now", head: t("workers.now"), wide: true, cell: (one) => <RunningList running={one.running ?? []} few /> },
      { key: "done", head: t("workers.processed"), number: true, cell: (one) => <>{count(one.processed)}<span class="sub">{t("workers.failed", { n: one.failed })}</span></> },
      { key: "memory", head: t("workers.memory"), number: true, cell: (one) => <>{bytes(one.memory)}<span class="sub">{one.load && t("workers.load_short", { load: one.load[0]!.toFixed(2) })}</span></> },
      { key: "queues", head: t("nav.queues"), cell: (one) => <Txt clip text={one.queues.join(", ") || "–"} /> },
      { key: "acts", head: t("table.actions"), cell: (one) => (
        <span class="acts">
          <Act small why={forbidden()} label={t("workers.restart_one", { name: one.name.slice(0, 80) })} onClick={() => askRestart(one.name, reload)}>{t("workers.restart")}</Act>
          <Act small danger why={forbidden()} label={t("workers.stop_one", { name: one.name.slice(0, 80) })} onClick={() => askShutdown(one.name, reload)}>{t("workers.stop")}</Act>
        </span>
      ) },
    ]} />
  );
}

export function WorkersPage() {
  const loaded = useLoad<{ workers: Worker[] }>("workers");
  useLive("workers", (changed) => loaded.change((now) => ({ workers: merged(now.workers, changed, (one) => one.name) })));
  const only = query.value.get("state") ?? "";
  const all = loaded.data?.workers ?? [];
  const named = query.value.get("name") ?? "";
  const matching = all.filter((one) => (!only || one.state === only) && one.name.includes(named));
  return (
    <Page title={t("nav.workers")} actions={
      <>
        <input type="search" class="narrow" value={named} placeholder={t("workers.filter")} aria-label={t("workers.filter")}
          onInput={(event) => go(here({ name: (event.target as HTMLInputElement).value }), true)} />
        <div class="segments" role="group" aria-label={t("workers.state")}>
          {["", "online", "lost", "offline"].map((state) => (
            <button type="button" key={state} aria-pressed={only === state} onClick={() => go(here({ state }), true)}>
              {state ? t(`state.${state as "online"}`) : t("filter.all")} <b>{state ? all.filter((one) => one.state === state).length : all.length}</b>
            </button>
          ))}
        </div>
        <Act why={forbidden()} onClick={() => askRestart("*", loaded.reload)}>{t("workers.restart_all")}</Act>
      </>
    }>
      <Ready of={loaded}>{() => (all.length === 0 ? <NoWorkers /> : <WorkerTable workers={matching} reload={loaded.reload} />)}</Ready>
    </Page>
  );
}
