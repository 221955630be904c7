import { bytes, count, duration, exactly, rate } from "../format";
import { t, type Key } from "../i18n";
import { useLoad } from "../state/load";
import { Ago, Card, Facts, Page, State, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import type { Alerts, Health, HealthPart } from "../types";

function Part({ title, part }: { title: Key; part: HealthPart | null }) {
  if (!part) return <Card title={t(title)}><p class="faint">{t("health.not_used")}</p></Card>;
  return (
    <Card title={t(title)} note={part.state && <State state={part.state} />} class={part.state === "down" ? "card-bad" : ""}>
      {part.text && <p><Txt text={part.text} /></p>}
      <Facts of={[
        ["health.url", <code><Txt text={part.url} /></code>],
        ["health.answer", part.ms === null || part.ms === undefined ? "–" : duration(part.ms / 1000)],
      ]} />
      {part.abilities && Object.keys(part.abilities).length > 0 && (
        <ul class="chips" aria-label={t("health.abilities")}>
          {Object.entries(part.abilities).map(([name, has]) => (
            <li key={name} class={has ? "" : "faint"}><span aria-hidden="true">{has ? "✓" : "✕"}</span><span class="sr">{t(has ? "health.has" : "health.lacks")}</span> <Txt text={name} />{typeof has !== "boolean" && <>: <Txt clip text={String(has)} /></>}</li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function History({ history, events }: Pick<Health, "history" | "events">) {
  return (
    <>
      {history && (
        <Card title={t("health.history")} note={history.state && <State state={history.state} />} class={history.state === "down" ? "card-bad" : ""}>
          {history.text && <p><Txt text={history.text} /></p>}
          <Facts of={[
            ["health.path", <code><Txt text={history.path} /></code>],
            ["health.tasks", count(history.tasks)],
            ["health.size", bytes(history.bytes)],
            ["health.oldest", exactly(history.oldest)],
            ["health.kept", [history.kept.days !== null && t("health.days", { n: history.kept.days }), history.kept.bytes !== null && bytes(history.kept.bytes)].filter(Boolean).join(", ") || "–"],
          ]} />
        </Card>
      )}
      {events && (
        <Card title={t("health.events")} note={events.state && <State state={events.state} />} class={events.state === "down" ? "card-bad" : ""}>
          {events.text && <p><Txt text={events.text} /></p>}
          <Facts of={[
            ["health.seen", count(events.seen)],
            ["health.refused", count(events.refused)],
            ["health.rate", rate(events.rate)],
          ]} />
        </Card>
      )}
    </>
  );
}

function AlertsCard({ alerts }: { alerts: Alerts }) {
  return (
    <Card title={t("health.alerts")} note={alerts.active.length ? t("health.firing", { n: alerts.active.length }) : t("health.calm")}>
      {alerts.rules.length === 0 ? <Empty title={t("health.no_rules")}><p>{t("health.no_rules_how")}</p></Empty> : (
        <ul class="rows">
          {alerts.rules.map((rule) => {
            const firing = alerts.active.find((one) => one.id === rule.id || one.id.startsWith(rule.id + ":") || one.kind === rule.kind);
            return (
              <li key={rule.id}>
                <span class={"state " + (firing ? "bad" : "good")}><span aria-hidden="true">{firing ? "▲" : "✓"}</span> {t(firing ? "health.fires" : "health.quiet")}</span>
                <span class="grow"><Txt text={rule.text || rule.id} /></span>
                {firing && <Ago at={firing.since} />}
              </li>
            );
          })}
        </ul>
      )}
      {alerts.recent.length > 0 && (
        <>
          <h3>{t("health.recent")}</h3>
          <ul class="rows">
            {alerts.recent.slice(0, 20).map((one, i) => <li key={i}><span class="grow"><Txt text={one.text} /></span><Ago at={one.since} /></li>)}
          </ul>
        </>
      )}
    </Card>
  );
}

export function HealthPage() {
  const loaded = useLoad<Health>("health", 5000);
  const alerts = useLoad<Alerts>("alerts", 5000);
  return (
    <Page title={t("nav.health")}>
      <Ready of={loaded}>
        {(health) => (
          <div class="halves">
            <Part title="health.broker" part={health.broker} />
            <Part title="health.backend" part={health.backend} />
            {health.schedule && <Part title="health.schedule" part={health.schedule} />}
            <History history={health.history} events={health.events} />
          </div>
        )}
      </Ready>
      <Ready of={alerts}>{(data) => <AlertsCard alerts={data} />}</Ready>
    </Page>
  );
}
