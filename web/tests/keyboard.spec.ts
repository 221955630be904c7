// All of it without a mouse.
import { expect, open, settled, test } from "./support";

test("shortcuts lead to pages, to the search and to the help", async ({ page }) => {
  await open(page, "/");
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await expect(page).toHaveURL(/\/queues$/);
  await settled(page);
  await expect(page.locator("main h1")).toBeFocused();
  await page.keyboard.press("/");
  await expect(page.locator("#search")).toBeFocused();
  await page.keyboard.type("gq no shortcut here");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/tasks\?q=gq%20no%20shortcut%20here$/);
  await settled(page);
  await page.locator("main h1").focus();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("the first tab stop skips to the content", async ({ page }) => {
  await open(page, "/workers");
  await page.keyboard.press("Tab");
  await expect(page.locator(".skip")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
});

test("an action is asked for, confirmed and cancelled by keys, and the focus comes back", async ({ page }) => {
  await open(page, "/queues");
  const button = page.getByRole("button", { name: /^Pause / }).first();
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(button).toBeFocused();
});

test("a focus ring is seen", async ({ page }) => {
  await open(page, "/queues");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  const width = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineWidth);
  expect(parseFloat(width)).toBeGreaterThanOrEqual(2);
});
