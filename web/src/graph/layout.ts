// Places a workflow's tasks: those that wait for others stand to the right of them (layers), and within a layer near
// those they are tied to (two sweeps of barycentres). Pure: no DOM, no clock.
import type { Graph, GraphNode } from "../types";

export interface Box {
  node: GraphNode;
  x: number;
  y: number;
}
export interface Drawing {
  boxes: Box[];
  lines: { from: Box; to: Box }[];
  width: number;
  height: number;
}
export const boxWidth = 200;
export const boxHeight = 52;
const gapX = 60;
const gapY = 18;
const margin = 12;

interface Knot {
  node: GraphNode;
  before: Set<string>;
  after: Set<string>;
}

function knots(graph: Graph): Map<string, Knot> {
  const all = new Map<string, Knot>();
  for (const node of graph.nodes) all.set(node.id, { node, before: new Set(), after: new Set() });
  for (const [from, to] of graph.edges) {
    if (from === to || !all.has(from) || !all.has(to)) continue;
    all.get(from)!.after.add(to);
    all.get(to)!.before.add(from);
  }
  return all;
}

/** The longest way from a start; what stands in a circle is put after what was placed before it. */
function layers(all: Map<string, Knot>): Knot[][] {
  const level = new Map<string, number>();
  const missing = new Map([...all.values()].map((knot) => [knot.node.id, knot.before.size]));
  let ready = [...all.values()].filter((knot) => knot.before.size === 0);
  while (level.size < all.size) {
    if (ready.length === 0) ready = [[...all.values()].find((knot) => !level.has(knot.node.id))!];
    const next: Knot[] = [];
    for (const knot of ready) {
      if (level.has(knot.node.id)) continue;
      let mine = 0;
      for (const id of knot.before) mine = Math.max(mine, (level.get(id) ?? -1) + 1);
      level.set(knot.node.id, mine);
      for (const id of knot.after) {
        missing.set(id, missing.get(id)! - 1);
        if (missing.get(id) === 0) next.push(all.get(id)!);
      }
    }
    ready = next;
  }
  const rows: Knot[][] = [];
  for (const knot of all.values()) (rows[level.get(knot.node.id)!] ??= []).push(knot);
  return rows.filter(Boolean);
}

function arranged(rows: Knot[][]): void {
  const place = new Map<string, number>();
  const note = (row: Knot[]) => row.forEach((knot, i) => place.set(knot.node.id, i / Math.max(1, row.length - 1)));
  rows.forEach(note);
  const middle = (ids: Set<string>, own: string) => {
    const known = [...ids].map((id) => place.get(id)).filter((one) => one !== undefined);
    return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : place.get(own)!;
  };
  const sort = (row: Knot[], side: "before" | "after") => {
    const wish = new Map(row.map((knot) => [knot.node.id, middle(knot[side], knot.node.id)]));
    row.sort((a, b) => wish.get(a.node.id)! - wish.get(b.node.id)!);
    note(row);
  };
  for (let sweep = 0; sweep < 2; sweep++) {
    for (const row of rows) sort(row, "before");
    for (const row of [...rows].reverse()) sort(row, "after");
  }
}

export function laidOut(graph: Graph): Drawing {
  const all = knots(graph);
  const rows = layers(all);
  arranged(rows);
  const tallest = Math.max(0, ...rows.map((row) => row.length));
  const height = tallest * (boxHeight + gapY) - gapY;
  const boxes = new Map<string, Box>();
  rows.forEach((row, column) => {
    const own = row.length * (boxHeight + gapY) - gapY;
    row.forEach((knot, i) => {
      boxes.set(knot.node.id, { node: knot.node, x: margin + column * (boxWidth + gapX), y: margin + (height - own) / 2 + i * (boxHeight + gapY) });
    });
  });
  const lines = [...all.values()].flatMap((knot) => [...knot.after].map((id) => ({ from: boxes.get(knot.node.id)!, to: boxes.get(id)! })));
  return {
    boxes: [...boxes.values()], lines,
    width: 2 * margin + Math.max(1, rows.length) * (boxWidth + gapX) - gapX, height: 2 * margin + Math.max(height, boxHeight),
  };
}
