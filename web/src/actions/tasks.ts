// What can be done to tasks: to some by id, or to all that a search finds.
import { t, type Key } from "../i18n";
import { get, post } from "../state/api";
import { ask } from "../ui/ask";
import { complain, doing } from "../ui/toasts";
import type { ActionOutcome, TaskPage } from "../types";

export type TaskAction = "retry" | "revoke" | "terminate" | "redrive" | "delete";
export const taskActions: TaskAction[] = ["retry", "revoke", "terminate", "redrive", "delete"];
const dangerous: TaskAction[] = ["revoke", "terminate", "delete"];
const typedFrom = 1000; // so many want a number typed in, not a click alone

/** The members of a search that say which tasks, without order and page. */
export type Matching = Record<string, string>;

async function act(action: TaskAction, body: { ids: string[] } | { matching: Matching }): Promise<string> {
  const outcome = await post<ActionOutcome>("tasks/actions", { action, ...body });
  for (const one of outcome.failed.slice(0, 3)) complain(t("tasks.one_failed", { id: one.id, text: one.text }));
  if (outcome.done === 0 && outcome.failed.length > 0) throw new Error(t("tasks.none_done", { n: outcome.total }));
  const done = t(`tasks.done_${action}` as Key, { n: outcome.done });
  return outcome.skipped ? `${done} ${t("tasks.skipped", { n: outcome.skipped })}` : done;
}

/** Asks, naming how many, and does it to the tasks with these ids. */
export async function actOn(action: TaskAction, ids: string[], then: () => void): Promise<void> {
  const yes = await ask({
    title: t(`tasks.ask_${action}` as Key, { n: ids.length }),
    text: t(`tasks.means_${action}` as Key),
    yes: t(`action.${action}` as Key),
    danger: dangerous.includes(action),
  });
  if (yes && (await doing(() => act(action, { ids })))) then();
}

/** The same for all that match. The number is asked for anew, so that it is the one of now. */
export async function actOnMatching(action: TaskAction, matching: Matching, then: () => void): Promise<void> {
  let page: TaskPage;
  try {
    page = await get<TaskPage>("tasks?" + new URLSearchParams({ ...matching, limit: "1" }));
  } catch (reason) {
    complain(reason instanceof Error ? reason.message : String(reason));
    return;
  }
  const search = Object.entries(matching).map(([name, value]) => `${name} = ${value}`).join(", ");
  const number = String(page.total);
  const yes = await ask({
    title: t(page.total_is === "exact" ? (`tasks.ask_${action}` as Key) : (`tasks.ask_least_${action}` as Key), { n: page.total }),
    text: `${t(`tasks.means_${action}` as Key)} ${search ? t("tasks.matching_search", { search }) : t("tasks.matching_everything")}`,
    yes: t(`action.${action}` as Key),
    danger: true,
    ...(page.total >= typedFrom ? { type: number } : {}),
  });
  if (yes && (await doing(() => act(action, { matching })))) then();
}

/** Sends a new task; returns its id. */
export async function askSend(names: string[], values: { name?: string; args?: string; kwargs?: string; queue?: string } = {}): Promise<string | null> {
  const given = await ask({
    title: t("send.title"),
    yes: t("send.yes"),
    fields: [
      { name: "name", label: t("task.name"), value: values.name ?? "", options: names },
      { name: "args", label: t("task.args"), kind: "json", is: "array", value: values.args ?? "[]", hint: t("send.args_hint") },
      { name: "kwargs", label: t("task.kwargs"), kind: "json", is: "object", value: values.kwargs ?? "{}" },
      { name: "queue", label: t("task.queue"), value: values.queue ?? "", optional: true, hint: t("send.queue_hint") },
      { name: "countdown", label: t("send.countdown"), kind: "number", min: 0, optional: true },
    ],
  });
  if (!given) return null;
  const body: Record<string, unknown> = { name: given.name, args: JSON.parse(given.args!), kwargs: JSON.parse(given.kwargs!) };
  if (given.queue?.trim()) body.queue = given.queue.trim();
  if (given.countdown?.trim()) body.countdown = Number(given.countdown);
  let id: string | null = null;
  await doing(async () => {
    id = (await post<{ id: string }>("tasks/send", body)).id;
    return t("send.done", { name: given.name!.slice(0, 80) });
  });
  return id;
}
