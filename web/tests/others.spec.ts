// Failures, health, settings, the audit log.
import { agree, anAdd, expect, get, open, post, settled, test, told } from "./support";

test("failures lead to an example and are run again as one", async ({ page }) => {
  await open(page, "/failures");
  await page.getByRole("button", { name: /^Run all again/ }).first().click();
  await expect(page.getByRole("dialog")).toContainText(/Run \d+ tasks? again\?/);
  await agree(page, "Run again");
  await told(page, "sent again.");
  await page.getByRole("link", { name: /^Example/ }).first().click();
  await settled(page);
  await expect(page.getByRole("region", { name: "Traceback" })).toBeVisible();
});

test("what was done is in the audit log", async ({ page, context }) => {
  const { names } = await get<{ names: string[] }>(context.request, "names");
  await post(context.request, "tasks/send", { name: anAdd(names), args: [1, 2], kwargs: {} });
  await open(page, "/audit");
  await expect(page.locator("tbody tr", { hasText: "send" }).first()).toBeVisible();
});

test("broker, result backend, scheduler and history answer", async ({ page }) => {
  await open(page, "/health");
  for (const part of ["Broker", "Result backend", "Scheduler"]) await expect(page.getByRole("region", { name: part, exact: true })).toContainText("OK");
  await expect(page.getByRole("region", { name: "History" })).toContainText(/Tasks\s*[1-9]/);
  await expect(page.getByRole("region", { name: "Alerts" })).toBeVisible();
});

test("settings are filtered, and say where they come from", async ({ page }) => {
  await open(page, "/settings");
  const all = await page.locator("tbody tr").count();
  await page.getByLabel("Only those set").check();
  await expect(page.locator("tbody tr", { hasText: "default" })).toHaveCount(0);
  expect(await page.locator("tbody tr").count()).toBeLessThan(all);
  await page.getByLabel("Filter settings").fill("broker_url");
  await expect(page.locator("tbody tr")).toHaveCount(1);
});

test("what is measured can be looked at for an hour and a day, and as a table", async ({ page }) => {
  await open(page, "/");
  for (const span of ["1 hour", "1 day", "15 min"]) {
    await page.getByRole("button", { name: span }).click();
    await expect(page.getByRole("button", { name: span })).toHaveAttribute("aria-pressed", "true");
    await settled(page);
  }
  await page.locator("summary", { hasText: "Show as table" }).first().click();
  await expect(page.locator(".chart table").first()).toBeVisible();
});
