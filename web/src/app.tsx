// The frame around every page: who we are, where we are, whether it is live.
import { useEffect, useState } from "preact/hooks";
import { t } from "./i18n";
import { AuditPage } from "./pages/audit";
import { DeadPage } from "./pages/dead";
import { FailuresPage } from "./pages/failures";
import { HealthPage } from "./pages/health";
import { LoginPage } from "./pages/login";
import { OverviewPage } from "./pages/overview";
import { QueuesPage } from "./pages/queues";
import { SchedulePage } from "./pages/schedule";
import { ScheduleEntryPage } from "./pages/schedule-entry";
import { SettingsPage } from "./pages/settings";
import { TaskPage } from "./pages/task";
import { TasksPage } from "./pages/tasks";
import { WorkerPage } from "./pages/worker";
import { WorkersPage } from "./pages/workers";
import { WorkflowPage } from "./pages/workflow";
import { Shell } from "./shell";
import { refreshSession, session } from "./state/api";
import { connect, disconnect } from "./state/live";
import { go, parts, path, query, within } from "./state/router";
import { Asking } from "./ui/ask";
import { Page } from "./ui/basics";
import { Empty, Failed } from "./ui/states";
import { Toasts } from "./ui/toasts";

function Content() {
  const [first, second] = parts();
  switch (first) {
    case undefined: return <OverviewPage />;
    case "workers": return second ? <WorkerPage key={second} name={second} /> : <WorkersPage />;
    case "tasks": return second ? <TaskPage key={second} id={second} /> : <TasksPage />;
    case "workflows": return <WorkflowPage key={second} id={second ?? ""} />;
    case "queues": return <QueuesPage />;
    case "dead": return <DeadPage />;
    case "schedule": return second ? <ScheduleEntryPage key={second} name={second} /> : <SchedulePage />;
    case "failures": return <FailuresPage />;
    case "health": return <HealthPage />;
    case "settings": return <SettingsPage />;
    case "audit": return <AuditPage />;
    default:
      return (
        <Page title={t("missing.title")}>
          <Empty title={t("missing.text")} />
        </Page>
      );
  }
}

export function App() {
  const [error, setError] = useState<string | null>(null);
  const start = () => {
    setError(null);
    refreshSession().catch((reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)));
  };
  useEffect(start, []);
  const now = session.value;
  const known = now !== null && now.role !== null;
  useEffect(() => {
    if (known) connect();
    return disconnect;
  }, [known]);
  useEffect(() => {
    if (now === null) return;
    const onLogin = path.value === "/login";
    if (known && onLogin) go(within(query.value.get("next")), true);
    if (!known && !onLogin) go("/login?next=" + encodeURIComponent(path.value + location.search), true);
  }, [known, now === null, path.value]);

  if (error) return <main class="alone"><Failed text={error} again={start} /></main>;
  if (now === null) return <main class="alone" aria-busy="true"><span class="sr">{t("loading")}</span></main>;
  return (
    <>
      {known ? <Shell><Content /></Shell> : <LoginPage />}
      <Asking />
      <Toasts />
    </>
  );
}
