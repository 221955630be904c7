import { count, duration, rate, short } from "../format";
import { t } from "../i18n";
import { able, at, forbidden, post } from "../state/api";
import { merged, useLive, useLoad } from "../state/load";
import { to } from "../state/router";
import { ask } from "../ui/ask";
import { Act, Link, Page, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import { doing } from "../ui/toasts";
import type { Queue } from "../types";

async function pause(queue: Queue, then: () => void): Promise<void> {
  const action = queue.paused ? "resume" : "pause";
  if (action === "pause") {
    const yes = await ask({ title: t("queues.pause_title", { name: queue.name.slice(0, 80) }), text: t("queues.pause_text"), yes: t("queues.pause") });
    if (!yes) return;
  }
  const done = t(action === "pause" ? "queues.did_pause" : "queues.did_resume", { name: queue.name.slice(0, 80) });
  if (await doing(async () => (await post(at("queues", queue.name, action)), done))) then();
}

async function purge(queue: Queue, then: () => void): Promise<void> {
  const n = queue.ready + (queue.delayed ?? 0);
  const yes = await ask({
    title: t("queues.purge_title", { name: queue.name.slice(0, 80) }), text: t("queues.purge_text", { n }), yes: t("queues.purge"), danger: true,
    ...(n >= 100 && queue.name.length <= 60 ? { type: queue.name } : {}),
  });
  if (yes && (await doing(async () => t("queues.did_purge", { n: (await post<{ done: number }>(at("queues", queue.name, "purge"))).done })))) then();
}

export function QueuesPage() {
  const loaded = useLoad<{ queues: Queue[] }>("queues");
  useLive("queues", (changed) => loaded.change((now) => ({ queues: merged(now.queues, changed, (one) => one.name) })));
  const why = forbidden();
  return (
    <Page title={t("nav.queues")}>
      <Ready of={loaded}>
        {({ queues }) => queues.length === 0 ? <Empty title={t("queues.none")}><p>{t("queues.none_how")}</p></Empty> : (
          <Table label={t("nav.queues")} rows={queues} id={(one) => one.name} tone={(one) => (one.paused ? "row-warn" : undefined)} columns={[
            { key: "name", head: t("queues.name"), wide: true, cell: (one) => (
              <>
                <Link href={"/tasks?queue=" + encodeURIComponent(one.name)} class="strong"><Txt clip text={one.name} /></Link>
                {one.paused ? <span class="state warn"><span aria-hidden="true">‖</span> {t("queues.paused")}</span>
                  : one.consumers.length === 0 && one.ready > 0 && <span class="state bad"><span aria-hidden="true">✕</span> {t("queues.no_consumer")}</span>}
              </>
            ) },
            { key: "ready", head: t("queues.ready"), number: true, cell: (one) => <b>{short(one.ready)}</b> },
            { key: "claimed", head: t("queues.claimed"), number: true, cell: (one) => short(one.claimed) },
            { key: "delayed", head: t("queues.delayed"), number: true, cell: (one) => short(one.delayed) },
            { key: "dead", head: t("queues.dead"), number: true, cell: (one) =>
              one.dead ? <Link href={"/dead?queue=" + encodeURIComponent(one.name)} class="bad-text">{count(one.dead)}</Link> : short(one.dead) },
            { key: "in", head: t("queues.rate_in"), number: true, cell: (one) => rate(one.rate_in) },
            { key: "out", head: t("queues.rate_out"), number: true, cell: (one) => rate(one.rate_out) },
            { key: "oldest", head: t("queues.oldest"), number: true, cell: (one) => duration(one.oldest) },
            { key: "consumers", head: t("queues.consumers"), cell: (one) => one.consumers.length === 0 ? "–" : (
              <ul class="plain">
                {one.consumers.slice(0, 3).map((name) => <li key={name}><Link href={to("workers", name)}><Txt clip text={name} /></Link></li>)}
                {one.consumers.length > 3 && <li class="faint">{t("workers.more_running", { n: one.consumers.length - 3 })}</li>}
              </ul>
            ) },
            { key: "acts", head: t("table.actions"), cell: (one) => (
              <span class="acts">
                <Act small why={why ?? (able("pause") ? null : t("forbidden.pause"))} onClick={() => pause(one, loaded.reload)}
                  label={t(one.paused ? "queues.resume_one" : "queues.pause_one", { name: one.name.slice(0, 80) })}>{t(one.paused ? "queues.resume" : "queues.pause")}</Act>
                <Act small danger why={why ?? (able("purge") ? null : t("forbidden.purge"))} label={t("queues.purge_one", { name: one.name.slice(0, 80) })}
                  onClick={() => purge(one, loaded.reload)}>{t("queues.purge")}</Act>
              </span>
            ) },
          ]} />
        )}
      </Ready>
    </Page>
  );
}
