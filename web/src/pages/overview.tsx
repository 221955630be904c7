// How is it going: figures of now, charts of the last minutes, what needs care.
import { useState } from "preact/hooks";
import { count, duration, percent, rate, short } from "../format";
import { t, type Key } from "../i18n";
import { connection, overview } from "../state/live";
import { useLive, useLoad, merged } from "../state/load";
import { go, here, query, to } from "../state/router";
import { Ago, Card, Link, Page, State, Txt } from "../ui/basics";
import { Chart, type ChartLine } from "../ui/chart";
import { Empty, Ready } from "../ui/states";
import { NoWorkers } from "./workers";
import type { Overview, Queue, Series, Task, TaskPage, Worker } from "../types";

const colours = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"];
const ranges: { minutes: number; step: number; name: Key }[] = [
  { minutes: 15, step: 5, name: "range.15m" },
  { minutes: 60, step: 60, name: "range.1h" },
  { minutes: 1440, step: 300, name: "range.1d" },
];

function Figure(props: { name: string; value: string; note?: string; tone?: string; href?: string }) {
  const inner = (
    <>
      <span class="figure-name">{props.name}</span>
      <span class={"figure-value " + (props.tone ?? "")}>{props.value}</span>
      <span class="figure-note">{props.note ?? "\u00a0"}</span>
    </>
  );
  return props.href ? <Link href={props.href} class="figure">{inner}</Link> : <div class="figure">{inner}</div>;
}

function Figures({ now }: { now: Overview }) {
  const waiting = now.queues.reduce((sum, queue) => sum + queue.ready, 0);
  const oldest = now.queues.reduce<number | null>((most, queue) => (queue.oldest !== null && queue.oldest > (most ?? -1) ? queue.oldest : most), null);
  const ended = now.totals.succeeded + now.totals.failed;
  const lost = now.workers.lost;
  return (
    <div class="figures">
      <Figure name={t("overview.throughput")} value={rate(now.rates.succeeded)} note={t("overview.received_rate", { rate: rate(now.rates.received) })} />
      <Figure name={t("overview.failures")} value={percent(now.totals.failed, ended)} tone={now.totals.failed > 0 ? "bad" : ""}
        note={t("overview.failed_hour", { n: now.totals.failed })} href="/failures" />
      <Figure name={t("overview.run_time")} value={duration(now.run.p50)} note={t("overview.p95_p99", { p95: duration(now.run.p95), p99: duration(now.run.p99) })} />
      <Figure name={t("overview.wait_time")} value={duration(now.wait.p50)} note={t("overview.p95_p99", { p95: duration(now.wait.p95), p99: duration(now.wait.p99) })} />
      <Figure name={t("overview.backlog")} value={short(waiting)} note={oldest === null ? t("overview.oldest_unknown") : t("overview.oldest", { age: duration(oldest) })} href="/queues" />
      <Figure name={t("overview.workers")} value={count(now.workers.online)} tone={lost ? "bad" : ""} href="/workers"
        note={lost ? t("overview.lost", { n: lost }) : t("overview.active", { n: now.active })} />
    </div>
  );
}

function Charts({ series }: { series: Series }) {
  const times = series.received.map((_, i) => series.from + i * series.step);
  const each = (line: (number | null)[]) => line.map((n) => (n === null ? null : n / series.step));
  const line = (name: string, colour: string, values: (number | null)[], more: Partial<ChartLine> = {}): ChartLine => ({ name, colour, values, ...more });
  const queues = Object.entries(series.backlog).sort((a, b) => peak(b[1]) - peak(a[1])).slice(0, colours.length);
  return (
    <div class="charts">
      <Card title={t("overview.chart_throughput")}>
        <Chart label={t("overview.chart_throughput")} times={times} say={(n) => rate(n)} lines={[
          line(t("state.SUCCESS"), "--chart-1", each(series.succeeded), { fill: true }),
          line(t("overview.received"), "--chart-2", each(series.received)),
        ]} />
      </Card>
      <Card title={t("overview.chart_failures")}>
        <Chart label={t("overview.chart_failures")} times={times} say={(n) => rate(n)} lines={[
          line(t("state.FAILURE"), "--chart-bad", each(series.failed), { fill: true }),
          line(t("state.RETRY"), "--chart-warn", each(series.retried), { dash: true }),
        ]} />
      </Card>
      <Card title={t("overview.chart_latency")}>
        <Chart label={t("overview.chart_latency")} times={times} say={(n) => duration(n)} lines={[
          line(t("overview.run_p50"), "--chart-1", series.run_p50),
          line(t("overview.run_p95"), "--chart-2", series.run_p95),
          line(t("overview.run_p99"), "--chart-3", series.run_p99),
          line(t("overview.wait_p95"), "--chart-4", series.wait_p95, { dash: true }),
        ]} />
      </Card>
      <Card title={t("overview.chart_backlog")}>
        {queues.length === 0 ? <Empty title={t("queues.none")} /> : (
          <Chart label={t("overview.chart_backlog")} times={times} say={(n) => short(n)} whole
            lines={queues.map(([name, values], i) => line(name, colours[i]!, values, { dash: i > 2 }))} />
        )}
      </Card>
    </div>
  );
}
const peak = (line: (number | null)[]) => line.reduce<number>((most, n) => Math.max(most, n ?? 0), 0);

function QueueBars({ queues }: { queues: Queue[] }) {
  if (queues.length === 0) return <Empty title={t("queues.none")} />;
  const most = Math.max(1, ...queues.map((queue) => queue.ready));
  return (
    <ul class="bars">
      {[...queues].sort((a, b) => b.ready - a.ready || (a.name < b.name ? -1 : 1)).slice(0, 8).map((queue) => (
        <li key={queue.name}>
          <Link href={"/tasks?queue=" + encodeURIComponent(queue.name)}><Txt clip text={queue.name} /></Link>
          {queue.paused && <span class="state warn"><span aria-hidden="true">‖</span> {t("queues.paused")}</span>}
          <span class="bar-track" aria-hidden="true"><span class="bar-fill" style={{ width: (100 * queue.ready) / most + "%" }} /></span>
          <b>{short(queue.ready)}</b>
        </li>
      ))}
    </ul>
  );
}

function WorkerList({ workers }: { workers: Worker[] }) {
  if (workers.length === 0) return <NoWorkers />;
  const order = { lost: 0, online: 1, offline: 2 };
  return (
    <ul class="rows">
      {[...workers].sort((a, b) => order[a.state] - order[b.state] || (a.name < b.name ? -1 : 1)).slice(0, 8).map((worker) => (
        <li key={worker.name}>
          <Link href={to("workers", worker.name)}><Txt clip text={worker.name} /></Link>
          <State state={worker.state} />
          <span class="faint">{t("workers.runs", { n: worker.active })}</span>
        </li>
      ))}
    </ul>
  );
}

function FailureList({ tasks }: { tasks: Task[] }) {
  if (tasks.length === 0) return <Empty title={t("overview.no_failures")} />;
  return (
    <ul class="rows">
      {tasks.slice(0, 8).map((task) => (
        <li key={task.id}>
          <Link href={to("tasks", task.id)}><Txt clip text={task.name} /></Link>
          <span class="faint grow"><Txt clip text={task.exception} /></span>
          <Ago at={task.ended ?? task.received} />
        </li>
      ))}
    </ul>
  );
}

export function OverviewPage() {
  const minutes = Number(query.value.get("minutes") ?? 15);
  const range = ranges.find((one) => one.minutes === minutes) ?? ranges[0]!;
  const [first] = useState(() => "overview");
  const loaded = useLoad<Overview>(first);
  const series = useLoad<Series>(`series?minutes=${range.minutes}&step=${range.step}`, range.minutes === 15 ? 5000 : 30000);
  const workers = useLoad<{ workers: Worker[] }>("workers");
  const failed = useLoad<TaskPage>("tasks?state=FAILURE&order=-received&limit=8", 15000);
  useLive("workers", (changed) => workers.change((now) => ({ workers: merged(now.workers, changed, (one) => one.name) })));
  const live = connection.value === "on" ? overview.value : null;
  return (
    <Page title={t("nav.overview")} actions={
      <div class="segments" role="group" aria-label={t("range.label")}>
        {ranges.map((one) => (
          <button type="button" key={one.minutes} aria-pressed={one === range} onClick={() => go(here({ minutes: one.minutes === 15 ? null : String(one.minutes) }), true)}>
            {t(one.name)}
          </button>
        ))}
      </div>
    }>
      {live ? <Content now={live} /> : <Ready of={loaded}>{(data) => <Content now={data} />}</Ready>}
      <Ready of={series}>{(data) => <Charts series={data} />}</Ready>
      <div class="thirds">
        <Card title={t("nav.queues")} actions={<Link href="/queues">{t("overview.all")}<span class="sr"> {t("nav.queues")}</span></Link>}>
          <QueueBars queues={(live ?? loaded.data)?.queues ?? []} />
        </Card>
        <Card title={t("nav.workers")} actions={<Link href="/workers">{t("overview.all")}<span class="sr"> {t("nav.workers")}</span></Link>}>
          <Ready of={workers}>{(data) => <WorkerList workers={data.workers} />}</Ready>
        </Card>
        <Card title={t("overview.last_failures")} actions={<Link href="/failures">{t("overview.all")}<span class="sr"> {t("nav.failures")}</span></Link>}>
          <Ready of={failed}>{(data) => <FailureList tasks={data.tasks} />}</Ready>
        </Card>
      </div>
    </Page>
  );
}

function Content({ now }: { now: Overview }) {
  return (
    <>
      {now.alerts.length > 0 && (
        <ul class="alerts" aria-label={t("overview.alerts")}>
          {now.alerts.map((alert) => (
            <li key={alert.id}><span aria-hidden="true">▲</span> <Txt text={alert.text} /> <span class="faint"><Ago at={alert.since} /></span></li>
          ))}
        </ul>
      )}
      <Figures now={now} />
    </>
  );
}
