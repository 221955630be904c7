// Failures of one kind stand together: what, how often, since when, and one example.
import { actOnMatching } from "../actions/tasks";
import { count, short } from "../format";
import { t, type Key } from "../i18n";
import { forbidden } from "../state/api";
import { useLoad } from "../state/load";
import { go, here, query, to } from "../state/router";
import { Act, Ago, Link, Page, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { FailureGroup } from "../types";

const ranges: { minutes: number; name: Key }[] = [
  { minutes: 60, name: "range.1h" },
  { minutes: 1440, name: "range.1d" },
  { minutes: 10080, name: "range.7d" },
];

export function FailuresPage() {
  const minutes = Number(query.value.get("minutes") ?? 1440);
  const range = ranges.find((one) => one.minutes === minutes) ?? ranges[1]!;
  const loaded = useLoad<{ groups: FailureGroup[] }>("failures?minutes=" + range.minutes, 10000);
  const most = Math.max(1, ...(loaded.data?.groups.map((one) => one.count) ?? []));
  const why = forbidden();
  return (
    <Page title={t("nav.failures")} lead={t("failures.lead")} actions={
      <div class="segments" role="group" aria-label={t("range.label")}>
        {ranges.map((one) => (
          <button type="button" key={one.minutes} aria-pressed={one === range} onClick={() => go(here({ minutes: one.minutes === 1440 ? null : String(one.minutes) }), true)}>{t(one.name)}</button>
        ))}
      </div>
    }>
      <Ready of={loaded}>
        {({ groups }) => groups.length === 0 ? <Empty title={t("failures.none")}><p>{t("failures.none_how")}</p></Empty> : (
          <Table label={t("nav.failures")} rows={groups} id={(one) => one.id} columns={[
            { key: "error", head: t("task.error"), wide: true, cell: (one) => (
              <>
                <Link href={"/tasks?error=" + encodeURIComponent(one.id)} class="strong bad-text"><Txt clip text={one.type} /></Link>
                <span class="sub"><Txt clip text={one.text} /></span>
              </>
            ) },
            { key: "task", head: t("task.name"), wide: true, cell: (one) => <Txt clip text={one.task} /> },
            { key: "count", head: t("failures.count"), number: true, cell: (one) => (
              <span class="count-bar"><b>{short(one.count)}</b><span class="bar-track" aria-hidden="true"><span class="bar-fill bad" style={{ width: (100 * one.count) / most + "%" }} /></span></span>
            ) },
            { key: "first", head: t("failures.first"), cell: (one) => <Ago at={one.first} /> },
            { key: "last", head: t("failures.last"), cell: (one) => <Ago at={one.last} /> },
            { key: "workers", head: t("nav.workers"), number: true, cell: (one) => <span title={one.workers.slice(0, 20).join(", ").slice(0, 500)}>{count(one.workers.length)}</span> },
            { key: "acts", head: t("table.actions"), cell: (one) => (
              <span class="acts">
                <Link class="act small" href={to("tasks", one.example)} label={`${t("failures.example")}: ${one.type.slice(0, 60)}`}>{t("failures.example")}</Link>
                <Act small icon="refresh" why={why} label={`${t("failures.retry_all")}: ${one.type.slice(0, 60)}`}
                  onClick={() => actOnMatching("retry", { error: one.id, state: "FAILURE" }, loaded.reload)}>{t("failures.retry_all")}</Act>
              </span>
            ) },
          ]} />
        )}
      </Ready>
    </Page>
  );
}
