// Where a workflow's tasks stand, without a browser.
import { expect, test } from "@playwright/test";
import { boxHeight, boxWidth, laidOut } from "../src/graph/layout";
import type { Graph, GraphNode } from "../src/types";

const node = (id: string): GraphNode => ({ id, name: id, state: "PENDING", kind: "task", group: null, parent: null, count: 1, states: null });
const graph = (edges: [string, string][]): Graph => ({ nodes: [...new Set(edges.flat())].map(node), edges });

test("what waits for others stands to the right of them, and no two boxes overlap", () => {
  const drawing = laidOut(graph([["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"], ["a", "d"], ["d", "e"]]));
  for (const { from, to } of drawing.lines) expect(to.x, `${from.node.id} ${to.node.id}`).toBeGreaterThanOrEqual(from.x + boxWidth);
  for (const one of drawing.boxes)
    for (const other of drawing.boxes)
      if (one !== other) expect(Math.abs(one.x - other.x) >= boxWidth || Math.abs(one.y - other.y) >= boxHeight, `${one.node.id} ${other.node.id}`).toBe(true);
  for (const box of drawing.boxes) expect(box.x + boxWidth <= drawing.width && box.y + boxHeight <= drawing.height && box.x >= 0 && box.y >= 0).toBe(true);
});

test("lines do not cross where they need not", () => {
  const drawing = laidOut(graph([["root", "a"], ["root", "b"], ["root", "c"], ["c", "z"], ["b", "y"], ["a", "x"]]));
  const y = (id: string) => drawing.boxes.find((box) => box.node.id === id)!.y;
  expect([y("a") < y("b"), y("b") < y("c")]).toEqual([y("x") < y("y"), y("y") < y("z")]);
});

test("circles, ties to nobody and a lone task are drawn too", () => {
  expect(laidOut(graph([["a", "b"], ["b", "a"], ["b", "b"]])).boxes.length).toBe(2);
  expect(laidOut({ nodes: [node("a")], edges: [["a", "gone"], ["gone", "a"]] }).boxes.length).toBe(1);
  expect(laidOut({ nodes: [], edges: [] }).boxes).toEqual([]);
});
