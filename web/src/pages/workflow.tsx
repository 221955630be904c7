// A workflow as a drawing that lives: boxes are tasks, their colour and sign follow what happens.
import { useMemo, useRef } from "preact/hooks";
import { count, visible } from "../format";
import { boxHeight, boxWidth, laidOut, type Box } from "../graph/layout";
import { isKey, t } from "../i18n";
import { at } from "../state/api";
import { useLive, useLoad } from "../state/load";
import { go, to } from "../state/router";
import { Card, glyph, Link, Page, State, tone, Txt } from "../ui/basics";
import { Empty, Ready } from "../ui/states";
import { Table } from "../ui/table";
import type { Graph, GraphNode, Task } from "../types";

const word = (state: string) => (isKey("state." + state) ? t(("state." + state) as "state.SUCCESS") : visible(state).slice(0, 20));
const cut = (text: string, most: number) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

/** "✓ 990 ▶ 8" */
const counts = (node: GraphNode) => Object.entries(node.states ?? {}).sort(([, a], [, b]) => b - a).slice(0, 4).map(([state, n]) => `${glyph(state)} ${count(n)}`).join("  ");

function title(node: GraphNode): string {
  const name = visible(node.name);
  if (node.kind === "group") return name ? t("workflow.group_of", { n: node.count, name }) : t("workflow.group", { n: node.count });
  if (node.kind === "more") return t("workflow.more", { n: node.count });
  return node.kind === "body" ? t("workflow.body") : name;
}
/** The line below says how many they are. */
const drawnName = (node: GraphNode) => (node.kind === "group" && node.name ? visible(node.name) : title(node));
function detail(node: GraphNode): string {
  if (node.kind === "more") return counts(node);
  if (node.kind === "group") return t("workflow.of", { done: node.states?.SUCCESS ?? 0, n: node.count });
  return `${glyph(node.state)} ${word(node.state)}`;
}
/** Where more is told of it; nothing is of a task that was not called yet. */
function address(node: GraphNode, root: string): string | null {
  if (node.kind === "body") return null;
  if (node.kind === "task") return to("tasks", node.id);
  const group = node.kind === "group" ? node.id : node.group;
  return "/tasks?" + new URLSearchParams(group ? { group } : { root, ...(node.name ? { name: node.name } : {}) });
}

function BoxView({ box, root }: { box: Box; root: string }) {
  const { node } = box;
  const href = address(node, root);
  const drawn = (
    <g transform={`translate(${box.x} ${box.y})`} class={`node ${node.kind} ${tone(node.state)}`}>
      {node.kind === "more" && <rect x={4} y={4} width={boxWidth} height={boxHeight} rx={8} class="node-behind" />}
      <rect width={boxWidth} height={boxHeight} rx={node.kind === "group" ? boxHeight / 2 : 8} class="node-box" />
      <text x={node.kind === "group" ? 22 : 14} y={22} class="node-name">{cut(drawnName(node), node.kind === "group" ? 20 : 23)}</text>
      <text x={node.kind === "group" ? 22 : 14} y={40} class="node-state">{detail(node)}</text>
    </g>
  );
  if (href === null) return drawn;
  return (
    <a href={href} aria-label={`${title(node).slice(0, 100)}: ${detail(node)}`}
      onClick={(event: MouseEvent) => { if (!event.metaKey && !event.ctrlKey) { event.preventDefault(); go(href); } }}>{drawn}</a>
  );
}

function Drawing({ graph, root }: { graph: Graph; root: string }) {
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
            return <path key={from.node.id + " " + end.node.id} class="edge" d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${end.x - 6} ${y2}M${end.x - 11} ${y2 - 4}l5 4-5 4`} />;
          })}
        </g>
        {drawn.boxes.map((box) => <BoxView key={box.node.id} root={root} box={{ ...box, node: now.get(box.node.id) ?? box.node }} />)}
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
    // What is not drawn by itself is counted anew.
    const known = new Set(nodes.map((one) => one.id));
    const drawn = new Set(nodes.filter((one) => one.kind === "task").map((one) => one.id));
    const ours = (one: Task) => one.root === id || [one.id, one.parent, one.group].some((other) => other !== null && known.has(other));
    if (!changed.some((one) => (!drawn.has(one.id) || (one.group !== null && known.has(one.group))) && ours(one))) return;
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
            <Card><Drawing graph={graph} root={id} /></Card>
            <details class="card">
              <summary>{t("workflow.list")}</summary>
              <Table label={t("workflow.list")} rows={graph.nodes} id={(one) => one.id} columns={[
                { key: "name", head: t("task.name"), wide: true, cell: (one) => <Entry node={one} root={id} /> },
                { key: "state", head: t("task.state"), cell: (one) => (one.states ? <span>{counts(one)}</span> : <State state={one.state} />) },
                { key: "after", head: t("workflow.after"), wide: true, cell: (one) => <Txt clip text={before(graph, one.id).join(", ") || "–"} /> },
              ]} />
            </details>
          </>
        )}
      </Ready>
    </Page>
  );
}

function Entry({ node, root }: { node: GraphNode; root: string }) {
  const href = address(node, root);
  const text = <Txt clip text={title(node)} />;
  return href === null ? text : <Link href={href}>{text}</Link>;
}

function before(graph: Graph, id: string): string[] {
  const found = graph.edges.filter(([, end]) => end === id).map(([start]) => graph.nodes.find((one) => one.id === start));
  return found.map((one) => (one ? title(one) : ""));
}

function Progress({ nodes }: { nodes: GraphNode[] }) {
  const by = new Map<string, number>();
  for (const one of nodes)
    if (one.kind === "task" || one.kind === "more")
      for (const [state, n] of Object.entries(one.states ?? { [one.state]: 1 })) by.set(state, (by.get(state) ?? 0) + n);
  return (
    <ul class="chips" aria-label={t("workflow.progress")}>
      {[...by].map(([state, n]) => <li key={state}><State state={state} /> <b>{count(n)}</b></li>)}
    </ul>
  );
}
