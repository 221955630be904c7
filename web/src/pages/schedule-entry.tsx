import { count, exactly, shown } from "../format";
import { t } from "../i18n";
import { at } from "../state/api";
import { useLoad } from "../state/load";
import { go } from "../state/router";
import { Ago, Card, Facts, Page, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import type { Schedule, ScheduleEntry, Task } from "../types";
import { EntryActs, whyNot } from "./schedule";
import { TaskTable } from "./tasks";

function About({ entry }: { entry: ScheduleEntry }) {
  return (
    <Card title={t("schedule.about")}>
      <Facts of={[
        ["schedule.when", <><code><Txt text={entry.schedule} /></code> <Txt text={entry.words ?? ""} /></>],
        ["task.name", <Txt text={entry.task} />],
        ["task.args", <code><Txt text={shown(entry.args)} /></code>],
        ["task.kwargs", <code><Txt text={shown(entry.kwargs)} /></code>],
        ["schedule.next", entry.enabled ? <>{exactly(entry.next)} (<Ago at={entry.next} />)</> : t("queues.paused")],
        ["schedule.last", <Ago at={entry.last} />],
        ["schedule.runs", count(entry.runs)],
        ["schedule.origin", <Txt text={entry.origin} />],
        ["schedule.spread", <Txt text={shown(entry.spread)} />],
        ["schedule.overlap", <Txt text={shown(entry.overlap)} />],
        ["schedule.catch_up", <Txt text={shown(entry.catch_up)} />],
      ]} />
    </Card>
  );
}

export function ScheduleEntryPage({ name }: { name: string }) {
  const loaded = useLoad<Schedule>("schedule", 10000);
  const past = useLoad<{ tasks: Task[] }>(at("schedule", name, "history"), 10000);
  const entry = loaded.data?.entries.find((one) => one.name === name);
  const reload = () => {
    loaded.reload();
    past.reload();
  };
  return (
    <Page title={name} foreign actions={loaded.data && entry && <EntryActs entry={entry} why={whyNot(loaded.data)} names={[]} reload={reload} removed={() => go("/schedule")} />}>
      <Ready of={loaded}>{() => (entry ? <About entry={entry} /> : <Empty title={t("schedule.gone")} />)}</Ready>
      <Card title={t("schedule.history")}>
        <Ready of={past}>{({ tasks }) => (tasks.length === 0 ? <Empty title={t("schedule.no_history")} /> : <TaskTable tasks={tasks} label={t("schedule.history")} />)}</Ready>
      </Card>
    </Page>
  );
}
