// Queues are paused and purged; what is in the dead set is changed, sent again, dropped.
import { agree, expect, field, get, open, test, told, type Named } from "./support";

interface Queue extends Named {
  paused: boolean;
  ready: number;
}

test("a queue is paused and goes on", async ({ page, context }) => {
  const name = "celery";
  const paused = async () => (await get<{ queues: Queue[] }>(context.request, "queues")).queues.find((one) => one.name === name)?.paused;
  await open(page, "/queues");
  await page.getByRole("button", { name: `Pause ${name}`, exact: true }).click();
  await agree(page, "Pause");
  await told(page, `${name} is paused.`);
  await expect.poll(paused).toBe(true);
  await page.getByRole("button", { name: `Resume ${name}`, exact: true }).click();
  await told(page, `${name} goes on.`);
  await expect.poll(paused).toBe(false);
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
  await told(page, "dropped.");
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
  await told(page, "1 message sent again.");
});

test("dead messages are chosen and dropped", async ({ page }) => {
  await open(page, "/dead");
  const rows = page.locator("tbody tr");
  const before = await rows.count();
  await page.locator("tbody input[type=checkbox]").first().check();
  await page.getByRole("button", { name: "Drop 1" }).click();
  await expect(page.getByRole("dialog")).toContainText("They cannot be brought back.");
  await agree(page, "Drop");
  await told(page, "1 message dropped.");
  await expect(rows).toHaveCount(before - 1);
});
