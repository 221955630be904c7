// What can be done to entries of the schedule.
import { t } from "../i18n";
import { at, patch, post } from "../state/api";
import { ask, type Answers, type Field } from "../ui/ask";
import { doing } from "../ui/toasts";
import type { ScheduleEntry } from "../types";

const briefly = (entry: ScheduleEntry) => entry.name.slice(0, 80);

export async function pause(entry: ScheduleEntry, then: () => void): Promise<void> {
  const action = entry.enabled ? "pause" : "resume";
  const done = t(entry.enabled ? "schedule.did_pause" : "schedule.did_resume", { name: briefly(entry) });
  if (await doing(async () => (await post(at("schedule", entry.name, action)), done))) then();
}

export async function runNow(entry: ScheduleEntry, then: () => void): Promise<void> {
  const yes = await ask({ title: t("schedule.run_title", { name: briefly(entry) }), text: t("schedule.run_text"), yes: t("schedule.run") });
  if (!yes) return;
  if (await doing(async () => (await post(at("schedule", entry.name, "run")), t("schedule.did_run", { name: briefly(entry) })))) then();
}

export async function removeEntry(entry: ScheduleEntry, then: () => void): Promise<void> {
  const yes = await ask({ title: t("schedule.remove_title", { name: briefly(entry) }), text: t("schedule.remove_text"), yes: t("schedule.remove"), danger: true });
  if (!yes) return;
  if (await doing(async () => (await post(at("schedule", entry.name, "remove")), t("schedule.did_remove", { name: briefly(entry) })))) then();
}

const text = (value: unknown, fallback: string) => (value === null || value === undefined ? fallback : JSON.stringify(value, null, 2));

function fields(entry: ScheduleEntry | null, names: string[]): Field[] {
  const own: Field[] = entry ? [] : [{ name: "name", label: t("schedule.name") }];
  return [
    ...own,
    { name: "schedule", label: t("schedule.when"), hint: t("schedule.when_hint"), value: entry?.schedule ?? "" },
    { name: "task", label: t("task.name"), value: entry?.task ?? "", options: names },
    { name: "args", label: t("task.args"), kind: "json", is: "array", value: text(entry?.args, "[]") },
    { name: "kwargs", label: t("task.kwargs"), kind: "json", is: "object", value: text(entry?.kwargs, "{}") },
  ];
}

const body = (given: Answers): Record<string, unknown> => ({ ...given, args: JSON.parse(given.args!), kwargs: JSON.parse(given.kwargs!) });

export async function add(names: string[], then: () => void): Promise<void> {
  const given = await ask({ title: t("schedule.add_title"), yes: t("schedule.add"), fields: fields(null, names) });
  if (given && (await doing(async () => (await post("schedule", body(given)), t("schedule.did_add", { name: given.name!.slice(0, 80) }))))) then();
}

export async function edit(entry: ScheduleEntry, names: string[], then: () => void): Promise<void> {
  const given = await ask({ title: t("schedule.edit_title", { name: briefly(entry) }), yes: t("schedule.save"), fields: fields(entry, names) });
  if (given && (await doing(async () => (await patch(at("schedule", entry.name), body(given)), t("schedule.did_edit", { name: briefly(entry) }))))) then();
}
