// One task: what happened to it, with what, what came out, and if it waits, why.
import { useRef } from "preact/hooks";
import { actOn, askSend } from "../actions/tasks";
import { duration, exactly, shown, when } from "../format";
import { isKey, t, type Key } from "../i18n";
import { readLiteral } from "../literal";
import { able, at, forbidden, session } from "../state/api";
import { useLive, useLoad } from "../state/load";
import { go, to } from "../state/router";
import { Act, Ago, Card, Code, Facts, Link, Page, State, tone, Txt } from "../ui/basics";
import { Ready } from "../ui/states";
import { TaskTable } from "./tasks";
import type { TaskDetail, TaskFull } from "../types";

const ended = ["SUCCESS", "FAILURE", "REVOKED", "REJECTED"];

export function TaskPage({ id }: { id: string }) {
  const loaded = useLoad<TaskDetail>(at("tasks", id), 15000);
  const due = useRef(0);
  useLive("tasks", (changed) => {
    const mine = changed.find((one) => one.id === id);
    if (mine) loaded.change((now) => ({ ...now, task: { ...now.task, ...mine } }));
    if (!mine && !changed.some((one) => one.parent === id)) return;
    clearTimeout(due.current);
    due.current = setTimeout(loaded.reload, 400); // the timeline and the children; once for a burst
  });
  const task = loaded.data?.task;
  return (
    <Page title={task?.name || id} foreign lead={task && <><State state={task.state} /> <code><Txt text={id} /></code></>}
      actions={task && <Actions task={task} reload={loaded.reload} />}>
      <Ready of={loaded}>{(detail) => <Detail detail={detail} />}</Ready>
    </Page>
  );
}

function Actions({ task, reload }: { task: TaskFull; reload: () => void }) {
  const why = forbidden();
  const over = ended.includes(task.state);
  const ids = [task.id];
  const again = async () => {
    const json = (text: string | null, fallback: string) => {
      const value = text ? readLiteral(text) : undefined;
      return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : fallback;
    };
    const id = await askSend([], { name: task.name, args: json(task.args, "[]"), kwargs: json(task.kwargs, "{}"), queue: task.queue ?? "" });
    if (id) go(to("tasks", id));
  };
  return (
    <>
      {task.root && <Link class="act" href={to("workflows", task.root)}>{t("task.workflow")}</Link>}
      <Act icon="refresh" why={why ?? (over ? null : t("task.not_over"))} onClick={() => actOn("retry", ids, reload)}>{t("action.retry")}</Act>
      <Act icon="send" why={why} onClick={again}>{t("task.send_like")}</Act>
      <Act why={why ?? (able("dead_set") ? null : t("forbidden.dead_set"))} onClick={() => actOn("redrive", ids, reload)}>{t("action.redrive")}</Act>
      <Act danger why={why ?? (over ? t("task.over") : null)} onClick={() => actOn("revoke", ids, reload)}>{t("action.revoke")}</Act>
      <Act danger why={why ?? (task.state === "STARTED" ? null : t("task.not_running"))} onClick={() => actOn("terminate", ids, reload)}>{t("action.terminate")}</Act>
      <Act danger icon="trash" why={why} onClick={() => actOn("delete", ids, () => go("/tasks"))}>{t("action.delete")}</Act>
    </>
  );
}

function Detail({ detail }: { detail: TaskDetail }) {
  const { task } = detail;
  const masked = session.value?.masked ? t("task.masked") : undefined;
  return (
    <>
      {detail.why && (
        <div class="why" role="status">
          <h2>{t("task.why")}</h2>
          <p><Txt text={detail.why.text} /></p>
        </div>
      )}
      <div class="task-columns">
        <div>
          {task.exception && (
            <Card title={t("task.error")} class="card-bad" actions={task.error_group && <Link href={"/tasks?error=" + encodeURIComponent(task.error_group)}>{t("task.same_error")}</Link>}>
              <p class="exception"><Txt text={task.exception} /></p>
              {(task.traceback || detail.stored?.traceback) && <Code value={task.traceback || detail.stored?.traceback} label={t("task.traceback")} />}
            </Card>
          )}
          <Card title={t("task.args")} note={masked}><Code value={task.args ?? "()"} label={t("task.args")} /></Card>
          {task.kwargs && task.kwargs !== "{}" && <Card title={t("task.kwargs")} note={masked}><Code value={task.kwargs} label={t("task.kwargs")} /></Card>}
          {task.result !== null && <Card title={t("task.result")}><Code value={task.result} label={t("task.result")} /></Card>}
          {detail.stored && (detail.stored.result !== null || detail.stored.state === "SUCCESS") && (
            <Card title={t("task.stored")} note={<State state={detail.stored.state} />}><Code value={shown(detail.stored.result)} label={t("task.stored")} /></Card>
          )}
        </div>
        <div>
          <Timeline detail={detail} />
          <About task={task} />
        </div>
      </div>
      {detail.parent && <Card title={t("task.parent")}><TaskTable tasks={[detail.parent]} label={t("task.parent")} /></Card>}
      {detail.children.length > 0 && <Card title={t("task.children")}><TaskTable tasks={detail.children} label={t("task.children")} /></Card>}
    </>
  );
}

const states: Record<string, string> = { sent: "PENDING", received: "RECEIVED", started: "STARTED", succeeded: "SUCCESS", failed: "FAILURE", retried: "RETRY", revoked: "REVOKED", rejected: "REJECTED" };

function Timeline({ detail }: { detail: TaskDetail }) {
  const events = detail.timeline;
  return (
    <Card title={t("task.timeline")}>
      {events.length === 0 ? <p class="faint">{t("task.no_timeline")}</p> : (
        <ol class="timeline">
          {events.map((event, i) => {
            const word = event.what.replace(/^task-/, "");
            const key = "event." + word;
            const since = i > 0 ? event.at - events[i - 1]!.at : null;
            return (
              <li key={i} class={tone(states[word] ?? "")}>
                <strong>{isKey(key) ? t(key as Key) : <Txt text={word} />}</strong>
                <time dateTime={new Date(event.at * 1000).toISOString()} title={exactly(event.at)}>{when(event.at)}</time>
                {since !== null && <span class="faint">+{duration(Math.max(0, since))}</span>}
                {event.worker && <Link href={to("workers", event.worker)} class="sub"><Txt clip text={event.worker} /></Link>}
                {event.text && <span class="sub"><Txt clip text={event.text} /></span>}
              </li>
            );
          })}
        </ol>
      )}
    </Card>
  );
}

function About({ task }: { task: TaskFull }) {
  return (
    <Card title={t("task.about")}>
      <Facts of={[
        ["task.worker", task.worker ? <Link href={to("workers", task.worker)}><Txt text={task.worker} /></Link> : "–"],
        ["task.queue", task.queue ? <Link href={"/tasks?queue=" + encodeURIComponent(task.queue)}><Txt text={task.queue} /></Link> : "–"],
        ["task.routing_key", <Txt text={task.routing_key} />],
        ["task.runtime", duration(task.runtime)],
        ["task.waited", task.started !== null && task.received !== null ? duration(Math.max(0, task.started - task.received)) : "–"],
        ["task.retries", task.retries ?? "–"],
        ["task.received", <Ago at={task.received} />],
        ["task.eta", exactly(task.eta)],
        ["task.expires", exactly(task.expires)],
        ["task.root", task.root ? <Link href={to("tasks", task.root)}><code><Txt text={task.root} /></code></Link> : "–"],
        ["task.stamps", task.stamps && Object.keys(task.stamps).length ? <code><Txt text={JSON.stringify(task.stamps)} /></code> : "–"],
      ]} />
    </Card>
  );
}
