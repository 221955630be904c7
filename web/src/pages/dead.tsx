// The dead set: messages that nothing runs any more. They can be changed, sent again, or dropped.
import { useEffect, useState } from "preact/hooks";
import { count, shown } from "../format";
import { t } from "../i18n";
import { able, forbidden, post } from "../state/api";
import { useLoad } from "../state/load";
import { go, here, query, to } from "../state/router";
import { ask } from "../ui/ask";
import { Act, Ago, Link, Page, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import { doing } from "../ui/toasts";
import type { DeadMessage, Queue } from "../types";

type Which = { ids: string[] } | { queue: string } | { all: true };

async function redrive(which: Which, n: number | null, then: () => void): Promise<void> {
  const title = n === null ? t("dead.redrive_all") : t("dead.redrive_title", { n });
  const yes = await ask({ title, text: t("dead.redrive_text"), yes: t("dead.redrive") });
  if (yes && (await doing(async () => t("dead.did_redrive", { n: (await post<{ done: number }>("dead/redrive", which)).done })))) then();
}

async function purge(which: Which, n: number | null, then: () => void): Promise<void> {
  const title = n === null ? t("dead.purge_all") : t("dead.purge_title", { n });
  const yes = await ask({ title, text: t("dead.purge_text"), yes: t("dead.purge"), danger: true });
  if (yes && (await doing(async () => t("dead.did_purge", { n: (await post<{ done: number }>("dead/purge", which)).done })))) then();
}

async function edit(message: DeadMessage, then: () => void): Promise<void> {
  const json = (value: unknown, fallback: string) => {
    try {
      return JSON.stringify(typeof value === "string" ? JSON.parse(value) : (value ?? JSON.parse(fallback)), null, 2);
    } catch {
      return fallback;
    }
  };
  const given = await ask({
    title: t("dead.edit_title", { name: message.task.slice(0, 80) }), text: message.reason, yes: t("dead.redrive"),
    fields: [
      { name: "args", label: t("task.args"), kind: "json", is: "array", value: json(message.args, "[]") },
      { name: "kwargs", label: t("task.kwargs"), kind: "json", is: "object", value: json(message.kwargs, "{}") },
    ],
  });
  if (!given) return;
  const body = { ids: [message.id], edit: { args: JSON.parse(given.args!) as unknown, kwargs: JSON.parse(given.kwargs!) as unknown } };
  if (await doing(async () => t("dead.did_redrive", { n: (await post<{ done: number }>("dead/redrive", body)).done }))) then();
}

function Messages({ messages, reload, chosen, choose }: { messages: DeadMessage[]; reload: () => void; chosen: Set<string>; choose: (to: Set<string>) => void }) {
  const why = forbidden();
  return (
    <Table label={t("nav.dead")} rows={messages} id={(one) => one.id} select={{ chosen, change: choose, name: (one) => one.task }} columns={[
      { key: "task", head: t("task.name"), wide: true, cell: (one) => (
        <>
          <Link href={to("tasks", one.task_id || one.id)} class="strong"><Txt clip text={one.task} /></Link>
          <span class="sub mono"><Txt clip text={one.task_id} /></span>
        </>
      ) },
      { key: "reason", head: t("dead.reason"), wide: true, cell: (one) => <span class="bad-text"><Txt clip text={one.reason} /></span> },
      { key: "args", head: t("task.args"), wide: true, cell: (one) => <span class="mono"><Txt clip text={shown(one.args)} /><span class="sub"><Txt clip text={shown(one.kwargs)} /></span></span> },
      { key: "queue", head: t("task.queue"), cell: (one) => <Txt clip text={one.queue} /> },
      { key: "died", head: t("dead.died"), cell: (one) => <Ago at={one.died} /> },
      { key: "attempts", head: t("dead.attempts"), number: true, cell: (one) => count(one.attempts) },
      { key: "acts", head: t("table.actions"), cell: (one) => (
        <span class="acts">
          <Act small icon="edit" why={why} label={t("dead.edit_one", { name: one.task.slice(0, 80) })} onClick={() => edit(one, reload)}>{t("dead.edit")}</Act>
          <Act small why={why} label={t("dead.redrive_one", { name: one.task.slice(0, 80) })} onClick={() => redrive({ ids: [one.id] }, 1, reload)}>{t("dead.redrive")}</Act>
        </span>
      ) },
    ]} />
  );
}

export function DeadPage() {
  const queue = query.value.get("queue") ?? "";
  const loaded = useLoad<{ messages: DeadMessage[] }>(able("dead_set") ? "dead?limit=200" + (queue ? "&queue=" + encodeURIComponent(queue) : "") : null, 10000);
  const queues = useLoad<{ queues: Queue[] }>("queues");
  const [chosen, setChosen] = useState(new Set<string>());
  useEffect(() => setChosen(new Set<string>()), [queue]);
  if (!able("dead_set")) return <Page title={t("nav.dead")}><Empty title={t("dead.cannot")}><p>{t("forbidden.dead_set")}</p></Empty></Page>;
  const done = () => {
    setChosen(new Set());
    loaded.reload();
  };
  const messages = loaded.data?.messages ?? [];
  const which: Which = chosen.size > 0 ? { ids: [...chosen] } : queue ? { queue } : { all: true };
  const n = chosen.size > 0 ? chosen.size : null;
  const why = forbidden() ?? (messages.length === 0 ? t("dead.none") : null);
  const names = [...new Set([...(queues.data?.queues.map((one) => one.name) ?? []), ...(queue ? [queue] : [])])];
  return (
    <Page title={t("nav.dead")} lead={t("dead.lead")} actions={
      <>
        <label class="sr" for="dead-queue">{t("task.queue")}</label>
        <select id="dead-queue" value={queue} onChange={(event) => go(here({ queue: (event.target as HTMLSelectElement).value }))}>
          <option value="">{t("dead.all_queues")}</option>
          {names.map((name) => <option key={name} value={name}>{name.slice(0, 60)}</option>)}
        </select>
        <Act icon="refresh" why={why} onClick={() => redrive(which, n, done)}>{n ? t("dead.redrive_n", { n }) : t("dead.redrive_everything")}</Act>
        <Act danger icon="trash" why={why} onClick={() => purge(which, n, done)}>{n ? t("dead.purge_n", { n }) : t("dead.purge_everything")}</Act>
      </>
    }>
      <Ready of={loaded}>
        {() => messages.length === 0 ? <Empty title={t("dead.none")}><p>{t("dead.none_how")}</p></Empty>
          : <Messages messages={messages} reload={done} chosen={chosen} choose={setChosen} />}
      </Ready>
    </Page>
  );
}
