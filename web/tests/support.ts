// What every spec needs: opening a page in a mode of the made-up server, and looking for faults of any kind.
import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type APIRequestContext, type Page } from "@playwright/test";

export const real = Boolean(process.env.LOVAGE_WEB_URL);

/** Faults that the browser told of: errors of scripts, what the content policy stopped. */
export const test = base.extend<{ faults: string[]; mode: string }>({
  mode: ["lively", { option: true }],
  faults: [
    async ({ page, context, baseURL, mode }, use) => {
      const faults: string[] = [];
      if (!real) await context.addCookies([{ name: "mock", value: mode, url: baseURL! }]);
      page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) faults.push(message.text());
      });
      await use(faults);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});
export { expect };

export async function get<T>(request: APIRequestContext, where: string): Promise<T> {
  const answer = await request.get("/api/v1/" + where);
  expect(answer.ok(), `GET ${where}: ${answer.status()}`).toBeTruthy();
  return (await answer.json()) as T;
}

/** What a script would do: for what a spec needs and does not drive itself. */
export async function post<T>(request: APIRequestContext, where: string, data: unknown): Promise<T> {
  const { csrf } = await get<{ csrf: string }>(request, "session");
  const answer = await request.post("/api/v1/" + where, { data, headers: { "X-CSRF-Token": csrf } });
  expect(answer.ok(), `POST ${where}: ${answer.status()} ${await answer.text()}`).toBeTruthy();
  return (await answer.json()) as T;
}

export interface Named {
  name: string;
}
export interface Worker extends Named {
  state: string;
  software: string | null;
  queues: string[];
  pool: { size: number; min: number | null; max: number | null; processes: number[] } | null;
}
export interface Task extends Named {
  id: string;
  state: string;
  queue: string | null;
  worker: string | null;
}
export interface Found {
  tasks: Task[];
  total: number;
}
export type Software = "lovage" | "py-celery";

/** A worker of this kind, whose pool grows by itself or does not. */
export async function workerOf(ask: APIRequestContext, software: Software, scaled = false): Promise<Worker> {
  const { workers } = await get<{ workers: Worker[] }>(ask, "workers");
  const found = workers.find((one) => one.state === "online" && one.software === software && one.pool !== null && (one.pool.min !== null) === scaled);
  expect(found, `a worker of ${software}`).toBeDefined();
  return found!;
}

/** A task that takes two numbers. */
export const anAdd = (names: string[]): string => names.find((one) => /\.add$/.test(one)) ?? names.find((one) => /charge$/.test(one))!;
/** Addresses of all pages, with a worker, a task, a workflow and an entry that are there. */
export async function addresses(page: Page): Promise<Record<string, string>> {
  const ask = page.context().request;
  const path = (...parts: string[]) => "/" + parts.map(encodeURIComponent).join("/");
  const { workers } = await get<{ workers: Named[] }>(ask, "workers");
  const { tasks } = await get<{ tasks: { id: string }[] }>(ask, "tasks?limit=1");
  const failed = await get<{ tasks: { id: string }[] }>(ask, "tasks?state=FAILURE&limit=1");
  const { entries } = await get<{ entries: Named[] }>(ask, "schedule");
  const root = await workflow(ask);
  return {
    overview: "/", workers: "/workers", worker: path("workers", workers[0]!.name), tasks: "/tasks", task: path("tasks", failed.tasks[0]?.id ?? tasks[0]!.id),
    workflow: path("workflows", root), queues: "/queues", dead: "/dead", schedule: "/schedule", entry: path("schedule", entries[0]!.name), failures: "/failures",
    health: "/health", settings: "/settings", audit: "/audit",
  };
}

/** The root of a workflow: a task that others name as theirs. */
export async function workflow(ask: APIRequestContext): Promise<string> {
  const { tasks } = await get<{ tasks: { id: string; root: string | null; parent: string | null }[] }>(ask, "tasks?order=received&limit=500");
  const child = tasks.find((one) => one.root && one.root !== one.id && one.parent);
  return child?.root ?? "11111111-2222-4333-8444-555555555555";
}

/** Opens a page and waits until nothing on it is loading. */
export async function open(page: Page, where: string): Promise<void> {
  await page.goto(where);
  await settled(page);
}
export async function settled(page: Page): Promise<void> {
  await expect(page.locator("main h1")).toBeVisible();
  await expect(page.locator(".waiting")).toHaveCount(0);
}

/** axe finds nothing serious. There are no frames, and only faults are asked for: that is a third of the time. */
export async function noFaults(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] }).analyze();
  const bad = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
  expect(bad.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200) + " " + (node.failureSummary ?? "").slice(0, 200)).join(" | ")}`)).toEqual([]);
}

/** Nothing sticks out of the window: the page does not scroll sideways, and where rows are cards no list does. */
export async function fits(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    const lists = room > 700 ? [] : [...document.querySelectorAll(".table-frame")].filter((one) => one.scrollWidth > one.clientWidth + 1);
    const out = (one: Element, within: Element) => one.getBoundingClientRect().right > within.getBoundingClientRect().right + 1;
    if (document.documentElement.scrollWidth > room)
      lists.push(...[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > room + 1 && !one.closest(".table-frame, .graph-frame, .heat-frame, pre")));
    return lists.slice(0, 5).map((one) => ([...one.querySelectorAll("td *")].find((inner) => out(inner, one)) ?? one).outerHTML.slice(0, 200));
  });
  expect(wide).toEqual([]);
}

/** A field of the dialog that is open. */
export const field = (page: Page, label: string) => page.getByRole("dialog").getByLabel(new RegExp("^" + label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
export const toast = (page: Page) => page.locator(".toast");
/** Waits for what came of an action to be said, and closes it: the next one is not mistaken for it. */
export async function told(page: Page, text: string | RegExp): Promise<void> {
  await expect(toast(page).filter({ hasText: text }).first()).toBeVisible();
  await page.evaluate(() => document.querySelectorAll<HTMLElement>(".toast button").forEach((one) => one.click()));
  await expect(toast(page)).toHaveCount(0);
}
/** Says yes in the dialog that is open. */
export async function agree(page: Page, button: string): Promise<void> {
  await page.getByRole("dialog").getByRole("button", { name: button, exact: true }).click();
}

export const shots = process.env.LOVAGE_WEB_SHOTS ?? "../build/web-shots";
export async function shoot(page: Page, name: string, whole = false): Promise<void> {
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: whole });
}
