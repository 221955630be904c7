// Queues are paused and purged; what is in the dead set is changed, sent again, dropped.
import { agree, expect, field, get, open, post, real, test, told, type Named } from "./support";

interface Queue extends Named {
  paused: boolean;
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

test("a queue with hundreds of messages is purged only after its name was typed", async ({ page, context }) => {
  const name = real ? "pile" : "media";
  const call = { name: "interop.echo", args: [1], kwargs: {}, queue: name };
  if (real) await Promise.all(Array.from({ length: 100 }, () => post(context.request, "tasks/send", call)));
  await open(page, "/queues");
  const waiting = page.locator("tbody tr", { hasText: name }).locator("td b").first();
  await expect(waiting).toHaveText(/^\d{3}$/);
  await page.getByRole("button", { name: `Purge ${name}`, exact: true }).click();
  const yes = page.getByRole("dialog").getByRole("button", { name: "Purge", exact: true });
  await expect(yes).toHaveAttribute("aria-disabled", "true");
  await yes.click({ force: true });
  await expect(page.getByRole("dialog")).toBeVisible(); // not yet
  await page.getByLabel(`Type ${name} to confirm`).fill(name);
  await agree(page, "Purge");
  await told(page, /\d{3} messages dropped\./);
  await expect(waiting).toHaveText(/^\d{1,2}$/);
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
