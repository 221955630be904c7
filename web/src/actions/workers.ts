// What can be done to a worker, "*" being all of them.
import { t, type Key } from "../i18n";
import { at, post } from "../state/api";
import { ask, type Field } from "../ui/ask";
import { complain, doing } from "../ui/toasts";
import type { Replies } from "../types";

async function send(worker: string, action: string, body: unknown, done: string): Promise<string> {
  const answer = await post<Replies>(at("workers", worker, action), body);
  const bad = answer.replies.filter((one) => !one.ok);
  for (const one of bad.slice(0, 3)) complain(t("workers.refused", { name: one.worker, text: one.text }));
  if (answer.replies.length === 0 && !["shutdown", "restart"].includes(action)) throw new Error(t("workers.no_reply"));
  if (bad.length > 0 && bad.length === answer.replies.length) throw new Error(t("workers.all_refused"));
  const said = answer.replies.find((one) => one.ok && one.text);
  return said ? `${done} (${said.text})` : done;
}

const nameOf = (worker: string) => (worker === "*" ? t("workers.all") : worker);

export async function askShutdown(worker: string, then: () => void): Promise<void> {
  const yes = await ask({ title: t("workers.stop_title", { name: nameOf(worker) }), text: t("workers.stop_text"), yes: t("workers.stop"), danger: true });
  if (yes && (await doing(() => send(worker, "shutdown", {}, t("workers.stopping", { name: nameOf(worker) }))))) then();
}

export async function askRestart(worker: string, then: () => void): Promise<void> {
  const yes = await ask({ title: t("workers.restart_title", { name: nameOf(worker) }), text: t("workers.restart_text"), yes: t("workers.restart"), danger: true });
  if (yes && (await doing(() => send(worker, "restart", {}, t("workers.restarting", { name: nameOf(worker) }))))) then();
}

/** Asks for values and sends them; fields that are numbers are sent as numbers, empty ones not at all. */
export async function askValues(worker: string, action: string, title: Key, fields: Field[], then: () => void): Promise<void> {
  const given = await ask({ title: t(title, { name: nameOf(worker) }), yes: t("ask.yes"), fields });
  if (!given) return;
  const body: Record<string, string | number> = {};
  for (const field of fields) {
    const value = given[field.name]!.trim();
    if (value) body[field.name] = field.kind === "number" ? Number(value) : value;
  }
  if (await doing(() => send(worker, action, body, t("workers.asked", { name: nameOf(worker) })))) then();
}

export async function tell(worker: string, action: string, body: unknown, then: () => void): Promise<void> {
  if (await doing(() => send(worker, action, body, t("workers.asked", { name: nameOf(worker) })))) then();
}
