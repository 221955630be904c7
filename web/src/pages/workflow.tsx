// A workflow as a drawing that lives: boxes are tasks, their colour and sign follow what happens.
import { useMemo, useRef } from "preact/hooks";
import { visible } from "../format";
import { boxHeight, boxWidth, laidOut, type Box } from "../graph/layout";
import { isKey, t } from "../i18n";
import { at } from "../state/api";
import { useLive, useLoad } from "../state/load";
import { go, to } from "../state/router";
import { Card, glyph, Link, Page, State, tone, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { Graph, GraphNode } from "../types";

/** One state for many tasks: the one that most needs a look. */
function stateOf(tasks: GraphNode[]): string {
  const urgent = ["FAILURE", "REJECTED", "REVOKED", "RETRY", "STARTED", "RECEIVED", "PENDING", "SUCCESS"];
  return urgent.find((state) => tasks.some((one) => one.state === state)) ?? tasks[0]?.state ?? "PENDING";
}
const word = (state: string) => (isKey("state." + state) ? t(("state." + state) as "state.SUCCESS") : visible(state).slice(0, 20));
const cut = (text: string, most: number) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

function BoxView({ box }: { box: Box }) {
  const state = stateOf(box.tasks);
  const many = box.tasks.length > 1;
  const done = box.tasks.filter((one) => one.state === "SUCCESS").length;
  const second = many ? t("workflow.of", { done, n: box.tasks.length }) : word(state);
  const first = box.tasks.find((one) => one.state === state) ?? box.tasks[0]!;
  const address = to("tasks", first.id);
  return (
    <a href={address} aria-label={`${visible(box.name).slice(0, 100)}: ${second}`}
      onClick={(event: MouseEvent) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); go(address); } }}>
      <g transform={`translate(${box.x} ${box.y})`} class={"node " + tone(state)}>
        {many && <rect x={4} y={4} width={boxWidth} height={boxHeight} rx={8} class="node-behind" />}
        <rect width={boxWidth} height={boxHeight} rx={8} class="node-box" />
        <text x={14} y={22} class="node-name">{cut(visible(box.name), 27)}</text>
        <text x={14} y={40} class="node-state">{glyph(state)} {second}</text>
        {box.kind !== "task" && <text x={boxWidth - 12} y={40} text-anchor="end" class="node-kind">{cut(visible(box.kind), 12)}</text>}
      </g>
    </a>
  );
}

function Drawing({ graph }: { graph: Graph }) {
  // The layout hangs on the tasks and their ties alone: a change of state moves nothing.
  const shape = JSON.stringify([graph.nodes.map((one) => [one.id, one.name, one.kind]), graph.edges]);
  const drawn = useMemo(() => laidOut(graph), [shape]);
  const now = new Map(graph.nodes.map((one) => [one.id, one]));
  return (
    <div class="graph-frame" tabIndex={0} role="region" aria-label={t("workflow.drawing")}>
      <svg class="graph" style={{ width: "100%", minWidth: drawn.width * 0.62 + "px", maxWidth: drawn.width + "px" }} viewBox={`0 0 ${drawn.width} ${drawn.height}`}>
        <g aria-hidden="true">
          {drawn.lines.map(({ from, to: end }) => {
            const x1 = from.x + boxWidth;
            const y1 = from.y + boxHeight / 2;
            const y2 = end.y + boxHeight / 2;
            const middle = (x1 + end.x) / 2;
            return <path key={from.id + " " + end.id} class="edge" d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${end.x - 6} ${y2}M${end.x - 11} ${y2 - 4}l5 4-5 4`} />;
          })}
        </g>
        {drawn.boxes.map((box) => <BoxView key={box.id} box={{ ...box, tasks: box.tasks.map((one) => now.get(one.id) ?? one) }} />)}
      </svg>
    </div>
  );
}

export function WorkflowPage({ id }: { id: string }) {
  const loaded = useLoad<Graph>(at("tasks", id, "graph"), 10000);
  const due = useRef(0);
  useLive("tasks", (changed) => {
    const nodes = loaded.data?.nodes;
    if (!nodes) return;
    const states = new Map(changed.map((one) => [one.id, one.state]));
    if (nodes.some((one) => states.has(one.id) && states.get(one.id) !== one.state))
      loaded.change((now) => ({ ...now, nodes: now.nodes.map((one) => ({ ...one, state: states.get(one.id) ?? one.state })) }));
    const known = new Set(nodes.map((one) => one.id));
    if (!changed.some((one) => !known.has(one.id) && (one.root === id || (one.parent !== null && known.has(one.parent))))) return;
    clearTimeout(due.current);
    due.current = setTimeout(loaded.reload, 400);
  });
  return (
    <Page title={t("workflow.title")} lead={<code><Txt text={id} /></code>}
      actions={<Link class="act" href={"/tasks?root=" + encodeURIComponent(id)}>{t("workflow.tasks")}</Link>}>
      <Ready of={loaded}>
        {(graph) => graph.nodes.length === 0 ? <Empty title={t("workflow.none")}><p>{t("workflow.none_how")}</p></Empty> : (
          <>
            <Progress nodes={graph.nodes} />
            <Card><Drawing graph={graph} /></Card>
            <details class="card">
              <summary>{t("workflow.list")}</summary>
              <Table label={t("workflow.list")} rows={graph.nodes} id={(one) => one.id} columns={[
                { key: "name", head: t("task.name"), wide: true, cell: (one) => <Link href={to("tasks", one.id)}><Txt clip text={one.name} /></Link> },
                { key: "state", head: t("task.state"), cell: (one) => <State state={one.state} /> },
                { key: "after", head: t("workflow.after"), wide: true, cell: (one) => <Txt clip text={before(graph, one.id).join(", ") || "–"} /> },
              ]} />
            </details>
          </>
        )}
      </Ready>
    </Page>
  );
}

const before = (graph: Graph, id: string): string[] =>
  graph.edges.filter(([, end]) => end === id).map(([start]) => graph.nodes.find((one) => one.id === start)?.name ?? start);

function Progress({ nodes }: { nodes: GraphNode[] }) {
  const tasks = nodes.filter((one) => one.kind !== "group" && one.kind !== "chord");
  const by = new Map<string, number>();
  for (const one of tasks) by.set(one.state, (by.get(one.state) ?? 0) + 1);
  return (
    <ul class="chips" aria-label={t("workflow.progress")}>
      {[...by].map(([state, n]) => <li key={state}><State state={state} /> <b>{n}</b></li>)}
    </ul>
  );
}
