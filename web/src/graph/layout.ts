// Places a workflow's tasks: those that wait for others stand to the right of them (layers), and within a layer near
// those they are tied to (two sweeps of barycentres). Pure: no DOM, no clock.
import type { Graph, GraphNode } from "../types";

export interface Box {
  id: string;
  name: string;
  kind: string;
  /** The tasks behind the box: one, or many alike that are drawn as one. */
  tasks: GraphNode[];
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
const joinFrom = 13; // so many alike are one box

interface Knot {
  id: string;
  tasks: GraphNode[];
  before: Set<string>;
  after: Set<string>;
}

function knots(graph: Graph): Map<string, Knot> {
  const all = new Map<string, Knot>();
  for (const node of graph.nodes) all.set(node.id, { id: node.id, tasks: [node], before: new Set(), after: new Set() });
  for (const [from, to] of graph.edges) {
    if (from === to || !all.has(from) || !all.has(to)) continue;
    all.get(from)!.after.add(to);
    all.get(to)!.before.add(from);
  }
  return all;
}

/** Tasks with one name, the same before and the same after them become one knot when they are many. */
function joined(all: Map<string, Knot>): Map<string, Knot> {
  const alike = new Map<string, Knot[]>();
  for (const knot of all.values()) {
    const key = JSON.stringify([knot.tasks[0]!.name, [...knot.before].sort(), [...knot.after].sort()]);
    alike.set(key, [...(alike.get(key) ?? []), knot]);
  }
  const now = new Map<string, string>(); // old id -> the id it goes by
  for (const group of alike.values()) for (const knot of group) now.set(knot.id, group.length >= joinFrom ? group[0]!.id : knot.id);
  const made = new Map<string, Knot>();
  for (const knot of all.values()) {
    const id = now.get(knot.id)!;
    const one = made.get(id) ?? { id, tasks: [], before: new Set<string>(), after: new Set<string>() };
    one.tasks.push(...knot.tasks);
    for (const other of knot.before) one.before.add(now.get(other)!);
    for (const other of knot.after) one.after.add(now.get(other)!);
    made.set(id, one);
  }
  return made;
}

/** The longest way from a start; what stands in a circle is put after what was placed before it. */
function layers(all: Map<string, Knot>): Knot[][] {
  const level = new Map<string, number>();
  const missing = new Map([...all.values()].map((knot) => [knot.id, knot.before.size]));
  let ready = [...all.values()].filter((knot) => knot.before.size === 0);
  while (level.size < all.size) {
    if (ready.length === 0) ready = [[...all.values()].find((knot) => !level.has(knot.id))!];
    const next: Knot[] = [];
    for (const knot of ready) {
      if (level.has(knot.id)) continue;
      let mine = 0;
      for (const id of knot.before) mine = Math.max(mine, (level.get(id) ?? -1) + 1);
      level.set(knot.id, mine);
      for (const id of knot.after) {
        missing.set(id, missing.get(id)! - 1);
        if (missing.get(id) === 0) next.push(all.get(id)!);
      }
    }
    ready = next;
  }
  const rows: Knot[][] = [];
  for (const knot of all.values()) (rows[level.get(knot.id)!] ??= []).push(knot);
  return rows.filter(Boolean);
}

function arranged(rows: Knot[][]): void {
  const place = new Map<string, number>();
  const note = (row: Knot[]) => row.forEach((knot, i) => place.set(knot.id, i / Math.max(1, row.length - 1)));
  rows.forEach(note);
  const middle = (ids: Set<string>, own: string) => {
    const known = [...ids].map((id) => place.get(id)).filter((one) => one !== undefined);
    return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : place.get(own)!;
  };
  const sort = (row: Knot[], side: "before" | "after") => {
    const wish = new Map(row.map((knot) => [knot.id, middle(knot[side], knot.id)]));
    row.sort((a, b) => wish.get(a.id)! - wish.get(b.id)!);
    note(row);
  };
  for (let sweep = 0; sweep < 2; sweep++) {
    for (const row of rows) sort(row, "before");
    for (const row of [...rows].reverse()) sort(row, "after");
  }
}

export function laidOut(graph: Graph): Drawing {
  const all = joined(knots(graph));
  const rows = layers(all);
  arranged(rows);
  const tallest = Math.max(0, ...rows.map((row) => row.length));
  const height = tallest * (boxHeight + gapY) - gapY;
  const boxes = new Map<string, Box>();
  rows.forEach((row, column) => {
    const own = row.length * (boxHeight + gapY) - gapY;
    row.forEach((knot, i) => {
      const task = knot.tasks[0]!;
      boxes.set(knot.id, {
        id: knot.id, name: task.name, kind: task.kind, tasks: knot.tasks,
        x: margin + column * (boxWidth + gapX), y: margin + (height - own) / 2 + i * (boxHeight + gapY),
      });
    });
  });
  const lines = [...all.values()].flatMap((knot) => [...knot.after].map((id) => ({ from: boxes.get(knot.id)!, to: boxes.get(id)! })));
  return {
    boxes: [...boxes.values()], lines,
    width: 2 * margin + Math.max(1, rows.length) * (boxWidth + gapX) - gapX, height: 2 * margin + Math.max(height, boxHeight),
  };
}
