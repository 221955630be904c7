// Every action, from the button to what the server then says.
import { addresses, agree, expect, field, get, open, settled, test, toast, told, type Named } from "./support";

interface Worker extends Named {
  state: string;
  software: string | null;
  queues: string[];
  pool: { size: number } | null;
}
interface Queue extends Named {
  paused: boolean;
  ready: number;
}

/** A worker of lovage that is there: what it can do is known. */
async function aWorker(ask: Parameters<typeof get>[0]): Promise<Worker> {
  const { workers } = await get<{ workers: Worker[] }>(ask, "workers");
  return workers.find((one) => one.state === "online" && one.software === "lovage" && one.pool !== null)!;
}

/** A task that takes two numbers. */
const anAdd = (names: string[]): string => names.find((one) => /\.add$/.test(one)) ?? names.find((one) => /charge$/.test(one))!;

test("a worker's pool grows and shrinks", async ({ page, context }) => {
  const worker = await aWorker(context.request);
  const size = async () => (await get<Worker>(context.request, "workers/" + encodeURIComponent(worker.name))).pool?.size;
  const before = (await size())!;
  await open(page, "/workers/" + encodeURIComponent(worker.name));
  await page.getByRole("button", { name: "Grow" }).click();
  await field(page, "By how many").fill("2");
  await agree(page, "Apply");
  await expect(toast(page)).toContainText("did it");
  await expect.poll(size, { timeout: 30_000 }).toBe(before + 2);
  await page.getByRole("button", { name: "Shrink" }).click();
  await field(page, "By how many").fill("2");
  await agree(page, "Apply");
  await expect.poll(size, { timeout: 30_000 }).toBe(before);
});

test("wrong values are told at their field and nothing is sent", async ({ page, context }) => {
  const worker = await aWorker(context.request);
  await open(page, "/workers/" + encodeURIComponent(worker.name));
  await page.getByRole("button", { name: "Grow" }).click();
  await field(page, "By how many").fill("0");
  await agree(page, "Apply");
  await expect(page.getByRole("alert")).toContainText("At least 1.");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(toast(page)).toHaveCount(0);
});

test("a worker takes from one more queue and leaves it", async ({ page, context }) => {
  const worker = await aWorker(context.request);
  const queues = async () => (await get<Worker>(context.request, "workers/" + encodeURIComponent(worker.name))).queues;
  await open(page, "/workers/" + encodeURIComponent(worker.name));
  await page.getByRole("button", { name: "Take from a queue" }).click();
  await field(page, "Queue").fill("one-more");
  await agree(page, "Apply");
  await expect.poll(queues, { timeout: 30_000 }).toContain("one-more");
  await page.reload();
  await settled(page);
  await page.getByRole("button", { name: "Take no more from one-more" }).click();
  await agree(page, "Leave");
  await expect.poll(queues, { timeout: 30_000 }).not.toContain("one-more");
});

test("limits and events of a worker are set", async ({ page, context }) => {
  const worker = await aWorker(context.request);
  await open(page, "/workers/" + encodeURIComponent(worker.name));
  await page.getByRole("button", { name: /^Rate limit: / }).first().click();
  await field(page, "Rate").fill("500/s");
  await agree(page, "Apply");
  await told(page, "did it");
  await page.getByRole("button", { name: /^Time limit: / }).first().click();
  await field(page, "Soft limit, seconds").fill("100");
  await field(page, "Hard limit, seconds").fill("120");
  await agree(page, "Apply");
  await told(page, "did it");
  await page.getByRole("button", { name: "Events on" }).click();
  await told(page, "did it");
});

test("a queue is paused and goes on", async ({ page, context }) => {
  const name = "celery";
  const paused = async () => (await get<{ queues: Queue[] }>(context.request, "queues")).queues.find((one) => one.name === name)?.paused;
  await open(page, "/queues");
  await page.getByRole("button", { name: `Pause ${name}`, exact: true }).click();
  await agree(page, "Pause");
  await expect(toast(page)).toContainText(`${name} is paused.`);
  await expect.poll(paused, { timeout: 20_000 }).toBe(true);
  await page.getByRole("button", { name: `Resume ${name}`, exact: true }).click();
  await expect.poll(paused, { timeout: 20_000 }).toBe(false);
});

test("a queue is purged after its name was typed or the button pressed", async ({ page, context }) => {
  const { queues } = await get<{ queues: Queue[] }>(context.request, "queues");
  const queue = [...queues].filter((one) => one.name !== "celery").sort((a, b) => b.ready - a.ready)[0]!;
  await open(page, "/queues");
  await page.getByRole("button", { name: `Purge ${queue.name}`, exact: true }).click();
  const typed = page.getByLabel(`Type ${queue.name} to confirm`);
  if (await typed.count()) {
    await page.getByRole("dialog").getByRole("button", { name: "Purge" }).click({ force: true });
    await expect(page.getByRole("dialog")).toBeVisible(); // not yet
    await typed.fill(queue.name);
  }
  await agree(page, "Purge");
  await expect(toast(page)).toContainText("dropped.");
});

test("a task is sent, seen and found by its argument", async ({ page, context }) => {
  const { names } = await get<{ names: string[] }>(context.request, "names");
  const name = anAdd(names);
  await open(page, "/tasks");
  await page.getByRole("button", { name: "Send a task" }).click();
  await field(page, "Task").fill(name);
  await field(page, "Arguments").fill("[4711, ");
  await agree(page, "Send");
  await expect(page.getByRole("alert")).toContainText("This is not JSON");
  await field(page, "Arguments").fill("[471147, 2]");
  await agree(page, "Send");
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await expect(page.locator("main h1")).toContainText(name, { timeout: 30_000 });
  await expect
    .poll(async () => (await get<{ total: number }>(context.request, "tasks?q=471147")).total, { timeout: 30_000 })
    .toBeGreaterThan(0);
  await open(page, "/tasks?q=471147");
  await expect(page.locator("tbody tr").first()).toContainText("471147");
});

test("the search's state is its address", async ({ page }) => {
  await open(page, "/tasks");
  await page.getByRole("button", { name: "Succeeded" }).click();
  await expect(page).toHaveURL(/state=SUCCESS/);
  await page.getByRole("button", { name: "Failed" }).click();
  await expect(page).toHaveURL(/state=SUCCESS%2CFAILURE/);
  await page.getByRole("button", { name: /^Run time/ }).click();
  await expect(page).toHaveURL(/order=-runtime/);
  await page.reload();
  await settled(page);
  await expect(page.getByRole("button", { name: "Failed" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.locator("th[aria-sort=descending]")).toContainText("Run time");
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page).toHaveURL(/\/tasks$/);
});

test("chosen tasks are run again", async ({ page }) => {
  await open(page, "/tasks?state=SUCCESS");
  const boxes = page.locator("tbody input[type=checkbox]");
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.getByLabel("Action", { exact: true }).selectOption("retry");
  await page.getByRole("button", { name: "Chosen (2)" }).click();
  await expect(page.getByRole("dialog")).toContainText("Run 2 tasks again?");
  await agree(page, "Run again");
  await expect(toast(page)).toContainText("2 tasks sent again.");
});

test("all matching are acted on after a question that tells how many", async ({ page, context }) => {
  const { total } = await get<{ total: number }>(context.request, "tasks?state=FAILURE&limit=1");
  expect(total).toBeGreaterThan(0);
  await open(page, "/tasks?state=FAILURE");
  await page.getByLabel("Action", { exact: true }).selectOption("delete");
  await page.getByRole("button", { name: /^All matching/ }).click();
  await expect(page.getByRole("dialog")).toContainText(/Delete \d+ tasks? from the history\?/);
  await expect(page.getByRole("dialog")).toContainText("Search: state = FAILURE");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByLabel("Action", { exact: true }).selectOption("retry");
  await page.getByRole("button", { name: /^All matching/ }).click();
  await agree(page, "Run again");
  await expect(toast(page).filter({ hasText: "sent again." })).toHaveCount(1, { timeout: 60_000 });
});

test("a task is deleted from the history", async ({ page, context }) => {
  const { tasks } = await get<{ tasks: { id: string }[] }>(context.request, "tasks?state=SUCCESS&order=received&limit=1");
  await open(page, "/tasks/" + tasks[0]!.id);
  await page.getByRole("button", { name: "Delete from history" }).click();
  await agree(page, "Delete from history");
  await expect(page).toHaveURL(/\/tasks$/);
  const left = await get<{ tasks: { id: string }[] }>(context.request, "tasks?state=SUCCESS&order=received&limit=1"); // its result may still be known
  expect(left.tasks[0]!.id).not.toBe(tasks[0]!.id);
});

test("a dead message is edited and sent again", async ({ page, context }) => {
  const dead = async () => (await get<{ messages: unknown[] }>(context.request, "dead")).messages.length;
  const before = await dead();
  expect(before).toBeGreaterThan(0);
  await open(page, "/dead");
  await page.getByRole("button", { name: /^Edit and redrive/ }).first().click();
  await field(page, "Arguments").fill('{"not": "a list"}');
  await agree(page, "Send again");
  await expect(page.getByRole("alert")).toContainText("must be a JSON list");
  await field(page, "Arguments").fill("[1, 2]");
  await agree(page, "Send again");
  await expect(toast(page)).toContainText("1 message sent again.");
});

test("dead messages are chosen and dropped", async ({ page }) => {
  await open(page, "/dead");
  const rows = page.locator("tbody tr");
  const before = await rows.count();
  await page.locator("tbody input[type=checkbox]").first().check();
  await page.getByRole("button", { name: "Drop 1" }).click();
  await expect(page.getByRole("dialog")).toContainText("They cannot be brought back.");
  await agree(page, "Drop");
  await expect(toast(page)).toContainText("1 message dropped.");
  await expect(rows).toHaveCount(before - 1);
});

test("an entry of the schedule is added, paused, run, edited and removed", async ({ page, context }) => {
  const { names } = await get<{ names: string[] }>(context.request, "names");
  await open(page, "/schedule");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await field(page, "Name").fill("from-the-browser");
  await field(page, "Schedule").fill("0 5 * * *");
  await field(page, "Task").fill(anAdd(names));
  await field(page, "Arguments").fill("[1, 2]");
  await agree(page, "Add");
  const row = page.locator("tbody tr", { hasText: "from-the-browser" });
  await expect(row).toBeVisible();
  await row.getByRole("button", { name: /^Pause/ }).click();
  await expect(row).toContainText("Paused");
  await row.getByRole("button", { name: /^Resume/ }).click();
  await expect(row).not.toContainText("Paused");
  await row.getByRole("button", { name: /^Run now/ }).click();
  await agree(page, "Run now");
  await expect(toast(page).filter({ hasText: "was sent now" })).toHaveCount(1);
  await row.getByRole("button", { name: /^Edit/ }).click();
  await field(page, "Schedule").fill("30 5 * * *");
  await agree(page, "Save");
  await expect(row).toContainText("30 5 * * *");
  await row.getByRole("button", { name: /^Remove/ }).click();
  await agree(page, "Remove");
  await expect(row).toHaveCount(0);
});

test("failures lead to an example and are run again as one", async ({ page }) => {
  await open(page, "/failures");
  await page.getByRole("button", { name: /^Run all again/ }).first().click();
  await expect(page.getByRole("dialog")).toContainText(/Run \d+ tasks? again\?/);
  await agree(page, "Run again");
  await expect(toast(page).filter({ hasText: "sent again." })).toHaveCount(1, { timeout: 60_000 });
  await page.getByRole("link", { name: /^Example/ }).first().click();
  await settled(page);
  await expect(page.getByRole("region", { name: "Traceback" })).toBeVisible();
});

test("what was done is in the audit log", async ({ page }) => {
  await open(page, "/audit");
  await expect(page.locator("tbody tr").first()).toBeVisible();
});

test("a worker restarts after a question", async ({ page, context }) => {
  const worker = await aWorker(context.request);
  await open(page, "/workers");
  await page.getByRole("button", { name: `Restart ${worker.name}`, exact: true }).click();
  await agree(page, "Restart");
  await expect(toast(page).first()).toContainText("restarts.");
});

test("every page still stands after all of this", async ({ page }) => {
  for (const address of Object.values(await addresses(page))) await open(page, address);
});
