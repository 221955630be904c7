// Periodic tasks, and the picture of a day of them.
import { agree, anAdd, expect, field, get, open, settled, test, told, type Named } from "./support";

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
  await told(page, "was sent now");
  await row.getByRole("button", { name: /^Edit/ }).click();
  await field(page, "Schedule").fill("30 5 * * *");
  await agree(page, "Save");
  await expect(row).toContainText("30 5 * * *");
  await row.getByRole("button", { name: /^Remove/ }).click();
  await agree(page, "Remove");
  await expect(row).toHaveCount(0);
});

test("an entry tells what it sent", async ({ page, context }) => {
  const { entries } = await get<{ entries: (Named & { enabled: boolean; runs: number })[] }>(context.request, "schedule");
  const entry = entries.find((one) => one.enabled && one.runs > 0)!;
  await open(page, "/schedule");
  await page.getByRole("link", { name: entry.name, exact: true }).click();
  await settled(page);
  await page.getByRole("button", { name: /^Run now/ }).click();
  await agree(page, "Run now");
  await told(page, "was sent now");
  await expect(page.getByRole("region", { name: "What it sent" }).locator("tbody tr").first()).toBeVisible();
});

test("the day's heat map tells each minute, and says the same as a table", async ({ page, context }) => {
  const { per_minute } = await get<{ per_minute: number[] }>(context.request, "schedule/heat");
  const busiest = per_minute.indexOf(Math.max(...per_minute));
  await open(page, "/schedule");
  await expect(page.locator(".heat rect")).toHaveCount(per_minute.length);
  await page.locator(`.heat rect[data-m="${busiest}"]`).hover();
  await expect(page.locator(".heat-said")).toContainText(/\d\d:\d\d · \d+ runs?/);
  await page.locator("summary", { hasText: "Show hours as table" }).click();
  await expect(page.locator(".heat table tbody tr")).toHaveCount(Math.ceil(per_minute.length / 60));
  await expect(page.getByRole("heading", { name: "Busiest minutes" })).toBeVisible();
});
