import { add, edit, pause, removeEntry, runNow } from "../actions/schedule";
import { count } from "../format";
import { t } from "../i18n";
import { forbidden } from "../state/api";
import { useLoad } from "../state/load";
import { to } from "../state/router";
import { Act, Ago, Card, Link, Page, Txt } from "../ui/basics";
import { HeatMap, PileUps } from "../ui/heat";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { Heat, Schedule, ScheduleEntry } from "../types";

/** Why entries cannot be changed: our role, or where the schedule is kept. */
export const whyNot = (schedule: Schedule): string | null => forbidden() ?? (schedule.can_edit ? null : t("forbidden.schedule"));

export function EntryActs(props: { entry: ScheduleEntry; why: string | null; names: string[]; reload: () => void; removed?: () => void }) {
  const { entry, why, reload } = props;
  const name = entry.name.slice(0, 80);
  return (
    <span class="acts">
      <Act small icon="play" why={forbidden()} label={`${t("schedule.run")}: ${name}`} onClick={() => runNow(entry, reload)}>{t("schedule.run")}</Act>
      <Act small why={why} label={`${t(entry.enabled ? "schedule.pause" : "schedule.resume")}: ${name}`} onClick={() => pause(entry, reload)}>
        {t(entry.enabled ? "schedule.pause" : "schedule.resume")}
      </Act>
      <Act small icon="edit" why={why} label={`${t("schedule.edit")}: ${name}`} onClick={() => edit(entry, props.names, reload)}>{t("schedule.edit")}</Act>
      <Act small danger why={why} label={`${t("schedule.remove")}: ${name}`} onClick={() => removeEntry(entry, props.removed ?? reload)}>{t("schedule.remove")}</Act>
    </span>
  );
}

export function SchedulePage() {
  const loaded = useLoad<Schedule>("schedule", 10000);
  const heat = useLoad<Heat>("schedule/heat", 60000);
  const names = useLoad<{ names: string[] }>("names");
  const all = names.data?.names ?? [];
  const reload = () => {
    loaded.reload();
    heat.reload();
  };
  return (
    <Page title={t("nav.schedule")} lead={loaded.data?.store && <><span>{t("schedule.kept")}</span> <code><Txt text={loaded.data.store} /></code></>}
      actions={loaded.data && <Act icon="plus" main why={whyNot(loaded.data)} onClick={() => add(all, reload)}>{t("schedule.add")}</Act>}>
      <Ready of={loaded}>
        {(schedule) => schedule.entries.length === 0 ? (
          <Empty title={t("schedule.none")}>
            <p>{t("schedule.none_how")}</p>
            <pre class="command" tabIndex={0}>lovage schedule add hourly-sum "0 * * * *" shop.add 1 2{"\n"}lovage beat</pre>
          </Empty>
        ) : (
          <>
            <Table label={t("nav.schedule")} rows={schedule.entries} id={(one) => one.name} tone={(one) => (one.enabled ? undefined : "row-off")} columns={[
              { key: "name", head: t("schedule.name"), wide: true, cell: (one) => (
                <>
                  <Link href={to("schedule", one.name)} class="strong"><Txt clip text={one.name} /></Link>
                  {!one.enabled && <span class="state warn"><span aria-hidden="true">‖</span> {t("queues.paused")}</span>}
                  <span class="sub"><Txt clip text={one.task} /></span>
                </>
              ) },
              { key: "when", head: t("schedule.when"), wide: true, cell: (one) => <><code><Txt clip text={one.schedule} /></code><span class="sub"><Txt clip text={one.words ?? ""} /></span></> },
              { key: "next", head: t("schedule.next"), cell: (one) => (one.enabled ? <Ago at={one.next} /> : "–") },
              { key: "last", head: t("schedule.last"), cell: (one) => <Ago at={one.last} /> },
              { key: "runs", head: t("schedule.runs"), number: true, cell: (one) => count(one.runs) },
              { key: "origin", head: t("schedule.origin"), cell: (one) => <Txt clip text={one.origin} /> },
              { key: "acts", head: t("table.actions"), cell: (one) => <EntryActs entry={one} why={whyNot(schedule)} names={all} reload={reload} /> },
            ]} />
            <Card title={t("heat.title")} note={t("heat.note")}>
              <Ready of={heat}>{(data) => <><HeatMap heat={data} /><PileUps heat={data} /></>}</Ready>
            </Card>
          </>
        )}
      </Ready>
    </Page>
  );
}
