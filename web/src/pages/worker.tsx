import { askRestart, askShutdown, askValues, tell } from "../actions/workers";
import { bytes, count, exactly, percent, shown } from "../format";
import { t } from "../i18n";
import { able, at, forbidden } from "../state/api";
import { useLive, useLoad } from "../state/load";
import { to } from "../state/router";
import { Act, Ago, Card, Code, Facts, Link, Page, State, Txt } from "../ui/basics";
import { ask } from "../ui/ask";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { WorkerDetail } from "../types";
import { Pool, RunningList, Slots } from "./workers";

export function WorkerPage({ name }: { name: string }) {
  const loaded = useLoad<WorkerDetail>(at("workers", name), 10000);
  useLive("workers", (changed) => {
    const mine = changed.find((one) => one.name === name);
    if (mine) loaded.change((now) => ({ ...now, ...mine }));
  });
  const why = forbidden();
  return (
    <Page title={name} foreign lead={loaded.data && <State state={loaded.data.state} />} actions={
      <>
        <Link class="act" href={"/tasks?worker=" + encodeURIComponent(name)}>{t("worker.tasks")}</Link>
        <Act why={why} onClick={() => askRestart(name, loaded.reload)}>{t("workers.restart")}</Act>
        <Act danger why={why} onClick={() => askShutdown(name, loaded.reload)}>{t("workers.stop")}</Act>
      </>
    }>
      <Ready of={loaded}>{(worker) => <Detail worker={worker} reload={loaded.reload} />}</Ready>
    </Page>
  );
}

function Detail({ worker, reload }: { worker: WorkerDetail; reload: () => void }) {
  return (
    <>
      <div class="halves">
        <Card title={t("worker.about")}>
          <Facts of={[
            ["worker.software", <Txt text={[worker.software, worker.version].filter(Boolean).join(" ") || "–"} />],
            ["worker.since", <Ago at={worker.since} />],
            ["worker.heartbeat", <Ago at={worker.heartbeat} />],
            ["worker.pid", worker.pid ?? "–"],
            ["workers.memory", bytes(worker.memory)],
            ["workers.load", worker.load ? worker.load.map((n) => n.toFixed(2)).join("  ") : "–"],
            ["workers.processed", count(worker.processed)],
            ["overview.failures", `${count(worker.failed)} (${percent(worker.failed, worker.succeeded + worker.failed)})`],
          ]} />
        </Card>
        <PoolCard worker={worker} reload={reload} />
      </div>
      <Card title={t("worker.running")} note={<Slots worker={worker} />}><RunningList running={worker.running ?? []} /></Card>
      <QueuesCard worker={worker} reload={reload} />
      <TasksCard worker={worker} reload={reload} />
      <Waiting worker={worker} />
      <Card title={t("worker.stats")}><Code value={worker.stats ?? {}} label={t("worker.stats")} /></Card>
      <Card title={t("worker.conf")} note={t("worker.masked")}><Conf conf={worker.conf ?? {}} /></Card>
    </>
  );
}

function PoolCard({ worker, reload }: { worker: WorkerDetail; reload: () => void }) {
  const why = forbidden();
  const name = worker.name;
  const number = (field: string, label: "worker.by" | "worker.min" | "worker.max", value: number) =>
    ({ name: field, label: t(label), kind: "number" as const, value: String(value), min: field === "n" ? 1 : 0 });
  const pool = worker.pool;
  return (
    <Card title={t("workers.pool")}>
      <Facts of={[
        ["worker.kind", <Pool worker={worker} />],
        ["worker.prefetch", worker.prefetch ?? "–"],
        ["worker.processes", <Txt text={pool?.processes.join(", ") || "–"} />],
      ]} />
      <div class="acts wrap">
        <Act why={why} onClick={() => askValues(name, "grow", "worker.grow_title", [number("n", "worker.by", 1)], reload)}>{t("worker.grow")}</Act>
        <Act why={why} onClick={() => askValues(name, "shrink", "worker.shrink_title", [number("n", "worker.by", 1)], reload)}>{t("worker.shrink")}</Act>
        <Act why={why} onClick={() => askValues(name, "autoscale", "worker.autoscale_title",
          [number("min", "worker.min", pool?.min ?? 1), number("max", "worker.max", pool?.max ?? pool?.size ?? 4)], reload)}>{t("worker.autoscale")}</Act>
        <Act why={why ?? (able("events") ? null : t("forbidden.events"))} onClick={() => tell(name, "enable_events", {}, reload)}>{t("worker.events_on")}</Act>
        <Act why={why ?? (able("events") ? null : t("forbidden.events"))} onClick={() => tell(name, "disable_events", {}, reload)}>{t("worker.events_off")}</Act>
      </div>
    </Card>
  );
}

function QueuesCard({ worker, reload }: { worker: WorkerDetail; reload: () => void }) {
  const why = forbidden();
  const leave = async (queue: string) => {
    const yes = await ask({ title: t("worker.leave_title", { queue }), text: t("worker.leave_text"), yes: t("worker.leave"), danger: true });
    if (yes) await tell(worker.name, "cancel_consumer", { queue }, reload);
  };
  const join = () => askValues(worker.name, "add_consumer", "worker.join_title", [{ name: "queue", label: t("task.queue") }], reload);
  return (
    <Card title={t("nav.queues")} actions={<Act small icon="plus" why={why} onClick={join}>{t("worker.join")}</Act>}>
      {worker.queues.length === 0 ? <Empty title={t("worker.no_queues")} /> : (
        <ul class="chips">
          {worker.queues.map((queue) => (
            <li key={queue}>
              <Link href={"/tasks?queue=" + encodeURIComponent(queue)}><Txt clip text={queue} /></Link>
              <Act small why={why} label={t("worker.leave_one", { queue: queue.slice(0, 80) })} onClick={() => leave(queue)}>{t("worker.leave")}</Act>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function TasksCard({ worker, reload }: { worker: WorkerDetail; reload: () => void }) {
  const why = forbidden();
  const rateLimit = (task: string) =>
    askValues(worker.name, "rate_limit", "worker.rate_title", [
      { name: "task", label: t("task.name"), value: task },
      { name: "rate", label: t("worker.rate"), hint: t("worker.rate_hint"), value: "10/m" },
    ], reload);
  const timeLimit = (task: string) =>
    askValues(worker.name, "time_limit", "worker.time_title", [
      { name: "task", label: t("task.name"), value: task },
      { name: "soft", label: t("worker.soft"), kind: "number", optional: true, min: 0 },
      { name: "hard", label: t("worker.hard"), kind: "number", optional: true, min: 0 },
    ], reload);
  const names = worker.registered ?? [];
  return (
    <Card title={t("worker.registered")} note={count(names.length)}>
      {names.length === 0 ? <Empty title={t("worker.no_answer")} /> : (
        <Table label={t("worker.registered")} rows={names} id={(one) => one} columns={[
          { key: "name", head: t("task.name"), wide: true, cell: (one) => <Link href={"/tasks?name=" + encodeURIComponent(one.split(" ")[0]!)}><Txt clip text={one} /></Link> },
          { key: "acts", head: t("table.actions"), cell: (one) => {
            const task = one.split(" ")[0]!;
            return (
              <span class="acts">
                <Act small why={why} label={`${t("worker.rate_limit")}: ${task.slice(0, 80)}`} onClick={() => rateLimit(task)}>{t("worker.rate_limit")}</Act>
                <Act small why={why} label={`${t("worker.time_limit")}: ${task.slice(0, 80)}`} onClick={() => timeLimit(task)}>{t("worker.time_limit")}</Act>
              </span>
            );
          } },
        ]} />
      )}
    </Card>
  );
}

/** What the worker took but does not run yet: reserved, and scheduled for later. */
function Waiting({ worker }: { worker: WorkerDetail }) {
  interface Held { id: string; name: string; eta: string; args: unknown }
  const held = (list: unknown[]): Held[] =>
    list.map((one, i) => {
      const item = (one ?? {}) as Record<string, unknown>;
      const request = (item.request ?? item) as Record<string, unknown>;
      return { id: String(request.id ?? i), name: String(request.name ?? request.type ?? "–"), eta: typeof item.eta === "number" ? exactly(item.eta) : String(item.eta ?? ""), args: request.args };
    });
  const rows = [...held(worker.reserved ?? []), ...held(worker.scheduled ?? [])];
  if (rows.length === 0) return null;
  return (
    <Card title={t("worker.held")} note={count(rows.length)}>
      <Table label={t("worker.held")} rows={rows.slice(0, 200)} id={(one) => one.id} columns={[
        { key: "name", head: t("task.name"), wide: true, cell: (one) => <Link href={to("tasks", one.id)}><Txt clip text={one.name} /></Link> },
        { key: "args", head: t("task.args"), wide: true, cell: (one) => <Txt clip text={shown(one.args)} /> },
        { key: "eta", head: t("task.eta"), cell: (one) => <Txt text={one.eta || "–"} /> },
      ]} />
    </Card>
  );
}

function Conf({ conf }: { conf: Record<string, unknown> }) {
  const rows = Object.entries(conf).sort(([a], [b]) => (a < b ? -1 : 1));
  if (rows.length === 0) return <Empty title={t("worker.no_answer")} />;
  return (
    <Table label={t("worker.conf")} rows={rows} id={([name]) => name} columns={[
      { key: "name", head: t("settings.name"), cell: ([name]) => <code><Txt text={name} /></code> },
      { key: "value", head: t("settings.value"), wide: true, cell: ([, value]) => <code><Txt clip text={shown(value)} /></code> },
    ]} />
  );
}
