// Where a workflow's tasks stand, without a browser.
import { expect, test } from "@playwright/test";
import { boxHeight, boxWidth, laidOut } from "../src/graph/layout";
import type { Graph } from "../src/types";

const graph = (edges: [string, string][], names: Record<string, string> = {}): Graph => {
  const ids = [...new Set(edges.flat())];
  return { nodes: ids.map((id) => ({ id, name: names[id] ?? id, state: "PENDING", kind: "task" })), edges };
};

test("what waits for others stands to the right of them, and no two boxes overlap", () => {
  const drawing = laidOut(graph([["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"], ["a", "d"], ["d", "e"]]));
  for (const { from, to } of drawing.lines) expect(to.x, `${from.id} ${to.id}`).toBeGreaterThanOrEqual(from.x + boxWidth);
  for (const one of drawing.boxes)
    for (const other of drawing.boxes)
      if (one !== other) expect(Math.abs(one.x - other.x) >= boxWidth || Math.abs(one.y - other.y) >= boxHeight, `${one.id} ${other.id}`).toBe(true);
  for (const box of drawing.boxes) expect(box.x + boxWidth <= drawing.width && box.y + boxHeight <= drawing.height && box.x >= 0 && box.y >= 0).toBe(true);
});

test("lines do not cross where they need not", () => {
  const drawing = laidOut(graph([["root", "a"], ["root", "b"], ["root", "c"], ["c", "z"], ["b", "y"], ["a", "x"]]));
  const y = (id: string) => drawing.boxes.find((box) => box.id === id)!.y;
  expect([y("a") < y("b"), y("b") < y("c")]).toEqual([y("x") < y("y"), y("y") < y("z")]);
});

test("many alike are one box that knows them all, few are not", () => {
  const edges: [string, string][] = Array.from({ length: 100 }, (_, i) => ["root", `part ${i}`]);
  const names = Object.fromEntries(edges.map(([, id]) => [id, "shop.part"]));
  const drawing = laidOut(graph(edges, names));
  expect(drawing.boxes.length).toBe(2);
  expect(drawing.boxes.find((box) => box.name === "shop.part")!.tasks.length).toBe(100);
  expect(drawing.lines.length).toBe(1);
  expect(laidOut(graph(edges.slice(0, 12), names)).boxes.length).toBe(13);
});

test("circles, ties to nobody and a lone task are drawn too", () => {
  expect(laidOut(graph([["a", "b"], ["b", "a"], ["b", "b"]])).boxes.length).toBe(2);
  expect(laidOut({ nodes: [{ id: "a", name: "a", state: "SUCCESS", kind: "task" }], edges: [["a", "gone"], ["gone", "a"]] }).boxes.length).toBe(1);
  expect(laidOut({ nodes: [], edges: [] }).boxes).toEqual([]);
});
