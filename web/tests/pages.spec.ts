// Every page: both themes, three languages, a narrow screen. No fault of access, of scripts, of layout.
import { addresses, expect, fits, noFaults, open, settled, shoot, test } from "./support";

const names = ["overview", "workers", "worker", "tasks", "task", "workflow", "queues", "dead", "schedule", "entry", "failures", "health", "settings", "audit"];
const first: Record<string, string> = { en: "Overview", "zh-Hans": "概览", "zh-Hant": "總覽" };

test.describe.configure({ mode: "parallel" });

for (const name of names)
  test(`${name} stands in both themes, three languages, wide and narrow`, async ({ page }) => {
    await open(page, (await addresses(page))[name]!);
    await expect(page.locator(".failed")).toHaveCount(0);
    await noFaults(page);
    await fits(page);
    await shoot(page, `${name}-light`);
    await page.emulateMedia({ colorScheme: "dark" }); // axe looks at the dark theme below, on the narrow screen
    await page.getByLabel("Language").selectOption("zh-Hans");
    await expect(page.locator("nav.side").getByRole("link", { name: first["zh-Hans"]!, exact: true })).toBeVisible();
    await fits(page);
    await shoot(page, `${name}-dark-zh-Hans`);
    await page.setViewportSize({ width: 360, height: 720 });
    await fits(page);
    await noFaults(page);
    await page.locator("#language").selectOption("zh-Hant");
    await fits(page);
    await shoot(page, `${name}-narrow-zh-Hant`);
    await page.locator("#language").selectOption("en");
    await fits(page);
  });

test.describe("360 pixels wide", () => {
  test.use({ viewport: { width: 360, height: 720 } });
  test("the menu opens, leads on, and closes", async ({ page }) => {
    await open(page, "/");
    await page.emulateMedia({ colorScheme: "dark" });
    await expect(page.locator("nav.side")).toBeHidden();
    await page.getByRole("button", { name: "Menu" }).click();
    await noFaults(page);
    await page.locator("nav.side").getByRole("link", { name: /^Queues/ }).click();
    await settled(page);
    await expect(page).toHaveURL(/\/queues$/);
    await expect(page.locator("nav.side")).toBeHidden();
  });
});

test("theme and language can be switched and are remembered", async ({ page }) => {
  await open(page, "/queues");
  await page.getByLabel("Language").selectOption("zh-Hant");
  await expect(page.locator("main h1")).toHaveText("佇列");
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-Hant");
  await page.getByRole("button", { name: /切換主題/ }).click();
  await page.getByRole("button", { name: /切換主題/ }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await ground();
  await page.reload();
  await settled(page);
  await expect(page.locator("main h1")).toHaveText("佇列");
  expect(await ground()).toBe(before);
});

test("an address without a page says so", async ({ page }) => {
  await page.goto("/nowhere/at/all");
  await expect(page.locator("main")).toContainText("There is no page at this address.");
});

test("a task that is not known says so", async ({ page }) => {
  await page.goto("/tasks/00000000-0000-4000-8000-000000000000");
  await expect(page.locator(".failed")).toBeVisible();
  await noFaults(page);
});
