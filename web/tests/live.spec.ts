// The stream: it moves the figures, nothing jumps, it can be paused.
import { anAdd, expect, get, open, post, settled, test, workflow } from "./support";

test("the overview is live and can be paused", async ({ page }) => {
  await open(page, "/");
  await expect(page.getByRole("button", { name: /^Live/ })).toBeVisible();
  await page.getByRole("button", { name: /^Live/ }).click();
  await expect(page.locator(".banner")).toContainText("Paused");
  const frozen = await page.locator(".figures").innerText();
  await page.waitForResponse((answer) => answer.url().includes("/api/v1/"), { timeout: 2500 }).catch(() => null);
  expect(await page.locator(".figures").innerText()).toBe(frozen);
  await page.keyboard.press(".");
  await expect(page.locator(".banner")).toHaveCount(0);
});

test("new tasks are counted and shown when asked for, the list does not jump", async ({ page, context }) => {
  await open(page, "/tasks");
  const first = await page.locator("tbody tr").first().innerText();
  const { names } = await get<{ names: string[] }>(context.request, "names");
  await post(context.request, "tasks/send", { name: anAdd(names), args: [1, 2], kwargs: {} });
  const more = page.getByRole("button", { name: /Show \d+ new tasks?/ });
  await expect(more).toBeVisible();
  expect((await page.locator("tbody tr").first().innerText()).split("\n")[0]).toBe(first.split("\n")[0]);
  await more.click();
  await settled(page);
});

test("the pages of the workflow are drawn with states as words", async ({ page, context }) => {
  await open(page, "/workflows/" + (await workflow(context.request)));
  await expect(page.locator("svg.graph g.node").first()).toBeVisible();
  expect(await page.locator("svg.graph g.node").count()).toBeGreaterThan(1);
  expect(await page.locator("svg.graph path.edge").count()).toBeGreaterThan(0);
  await page.locator("svg.graph a").first().click();
  await settled(page);
  await expect(page).toHaveURL(/\/tasks\//);
});
