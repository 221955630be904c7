// What only real workers show: that tasks which were revoked do not run, that one which runs ends, where dead ones go.
import { agree, expect, field, get, open, post, settled, test, told, type Found, type Software } from "./support";
import type { APIRequestContext, Page } from "@playwright/test";

interface Call {
  name: string;
  args: unknown[];
  queue: string;
}
const send = async (ask: APIRequestContext, call: Call) => (await post<{ id: string }>(ask, "tasks/send", { kwargs: {}, ...call })).id;
/** How many tasks with this word the history knows, in this state or in any. */
const known = async (ask: APIRequestContext, word: string, state = "") => (await get<Found>(ask, `tasks?q=${word}&limit=50&state=${state}`)).total;

/** Does it to all that have this word, by the page of the search. */
async function actOnAll(page: Page, word: string, action: string, question: string, button: string): Promise<void> {
  await open(page, "/tasks?q=" + word);
  await page.getByLabel("Action", { exact: true }).selectOption(action);
  await page.getByRole("button", { name: /^All matching/ }).click();
  await expect(page.getByRole("dialog")).toContainText(question);
  await expect(page.getByRole("dialog")).toContainText(`Search: q = ${word}`);
  await agree(page, button);
}

test("all matching that wait are revoked, and do not run when a worker comes", async ({ page, context }) => {
  const ask = context.request;
  for (let i = 0; i < 3; i++) await send(ask, { name: "interop.echo", args: ["revokeme"], queue: "set-aside" });
  await expect.poll(() => known(ask, "revokeme", "PENDING")).toBe(3);
  await actOnAll(page, "revokeme", "revoke", "Revoke 3 tasks?", "Revoke");
  await told(page, "3 tasks revoked.");
  await post(ask, "workers/shop@web-1/add_consumer", { queue: "set-aside" });
  await expect(page.locator("tbody tr", { hasText: "Revoked" })).toHaveCount(3); // the list is live
  expect(await known(ask, "revokeme", "SUCCESS")).toBe(0);
  await post(ask, "workers/shop@web-1/cancel_consumer", { queue: "set-aside" });
});

test("all matching are run again and run, then are deleted from the history", async ({ page, context }) => {
  const ask = context.request;
  for (const queue of ["celery", "python"]) await send(ask, { name: "interop.echo", args: ["runagain"], queue });
  await expect.poll(() => known(ask, "runagain", "SUCCESS")).toBe(2);
  await actOnAll(page, "runagain", "retry", "Run 2 tasks again?", "Run again");
  await told(page, "2 tasks sent again.");
  await expect.poll(() => known(ask, "runagain", "SUCCESS")).toBe(4);
  await actOnAll(page, "runagain", "delete", "Delete 4 tasks from the history?", "Delete from history");
  await told(page, "4 tasks deleted.");
  await expect(page.locator("main")).toContainText("No task matches.");
  expect(await known(ask, "runagain")).toBe(0);
});

test("all matching that are dead are sent back to their queue", async ({ page, context }) => {
  const ask = context.request;
  const ids: string[] = [];
  for (let i = 0; i < 2; i++) ids.push(await send(ask, { name: "shop.nobody_knows_it", args: ["redriveme"], queue: "celery" }));
  const died = async () => {
    const { messages } = await get<{ messages: { task_id: string; died: number }[] }>(ask, "dead?limit=200");
    return messages.filter((one) => ids.includes(one.task_id)).map((one) => one.died);
  };
  await expect.poll(async () => (await died()).length).toBe(2);
  const first = Math.max(...(await died()));
  await expect.poll(() => known(ask, "redriveme")).toBe(2);
  await actOnAll(page, "redriveme", "redrive", "Redrive 2 tasks?", "Redrive");
  await told(page, "2 tasks redriven.");
  await expect.poll(async () => (await died()).filter((at) => at > first).length).toBe(2); // nobody knows it still
});

test("dead messages are sent again one by one and all, and all are dropped", async ({ page, context }) => {
  const ask = context.request;
  for (let i = 0; i < 2; i++) await send(ask, { name: "shop.nobody_knows_it_either", args: [i], queue: "mail" });
  const dead = async () => (await get<{ messages: unknown[] }>(ask, "dead?queue=mail")).messages.length;
  await expect.poll(dead).toBeGreaterThanOrEqual(2);
  await open(page, "/dead?queue=mail");
  await page.getByRole("button", { name: "Send shop.nobody_knows_it_either again" }).first().click();
  await agree(page, "Send again");
  await told(page, "1 message sent again.");
  await expect.poll(dead).toBeGreaterThanOrEqual(2);
  await page.getByRole("button", { name: "Send all again" }).click();
  await agree(page, "Send again");
  await told(page, "messages sent again.");
  await expect.poll(dead).toBeGreaterThanOrEqual(2);
  await open(page, "/dead?queue=mail");
  await page.getByRole("button", { name: "Drop all" }).click();
  await agree(page, "Drop");
  await told(page, "dropped.");
  await expect(page.locator("main")).toContainText("The dead set is empty.");
});

test("all matching that run are terminated, of either kind of worker", async ({ page, context }) => {
  const ask = context.request;
  for (const queue of ["celery", "python"]) await send(ask, { name: "interop.hold", args: ["/nobody/makes/terminateme"], queue });
  await expect.poll(() => known(ask, "terminateme", "STARTED")).toBe(2);
  await actOnAll(page, "terminateme", "terminate", "Terminate 2 tasks?", "Terminate");
  await told(page, "2 tasks terminated.");
  await expect(page.locator("tbody tr", { hasText: "Revoked" })).toHaveCount(2);
});

test("what is done to a thousand wants their number typed in", async ({ page, context }) => {
  const ask = context.request;
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 50 }, () => send(ask, { name: "interop.echo", args: ["thousandfold"], queue: "set-aside-too" })));
  await expect.poll(() => known(ask, "thousandfold")).toBe(1000);
  await open(page, "/tasks?q=thousandfold");
  await page.getByLabel("Action", { exact: true }).selectOption("delete");
  await page.getByRole("button", { name: /^All matching/ }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Delete 1,000 tasks from the history?");
  const yes = dialog.getByRole("button", { name: "Delete from history", exact: true });
  await expect(yes).toHaveAttribute("aria-disabled", "true");
  await yes.click({ force: true });
  await field(page, "Type 1000").fill("999");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeVisible();
  expect(await known(ask, "thousandfold")).toBe(1000);
  await field(page, "Type 1000").fill("1000");
  await yes.click();
  await told(page, "1,000 tasks deleted.");
  expect(await known(ask, "thousandfold")).toBe(0);
});

for (const [software, queue] of [["lovage", "celery"], ["py-celery", "python"]] as [Software, string][])
  test(`a task that ${software} runs is terminated`, async ({ page, context }) => {
    const id = await send(context.request, { name: "interop.hold", args: ["/nobody/makes/this/file"], queue });
    await open(page, "/tasks/" + id);
    const lead = page.locator(".lead");
    await expect(lead).toContainText("Running");
    await page.getByRole("button", { name: "Terminate" }).click();
    await expect(page.getByRole("dialog")).toContainText("ended in the middle of its work");
    await agree(page, "Terminate");
    await told(page, "1 task terminated.");
    await expect(lead).toContainText("Revoked");
  });

test("one that waits is revoked from its page, which tells why it does not run", async ({ page, context }) => {
  const id = await send(context.request, { name: "interop.echo", args: ["nobody"], queue: "nobody-takes-from-it" });
  await open(page, "/tasks/" + id);
  await settled(page);
  await expect(page.getByRole("heading", { name: "Why it is not running" })).toBeVisible();
  await page.getByRole("button", { name: "Revoke" }).click();
  await agree(page, "Revoke");
  await told(page, "1 task revoked.");
});
