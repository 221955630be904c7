// The pictures of the README and the guide. Last by its name: by then there is something to see.
import { addresses, expect, open, shoot, test } from "./support";

test.use({ viewport: { width: 1280, height: 800 } });

test("pictures for the guide", async ({ page }) => {
  const all = await addresses(page);
  await open(page, "/");
  await expect(page.getByRole("button", { name: /^Live/ })).toBeVisible();
  await shoot(page, "guide-overview");
  await page.emulateMedia({ colorScheme: "dark" });
  await open(page, "/tasks");
  await shoot(page, "guide-tasks");
  await open(page, all.workflow!);
  await shoot(page, "guide-workflow");
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "/tasks?state=FAILURE");
  await page.locator("tbody a.strong").first().click();
  await expect(page.getByRole("region", { name: "Traceback" })).toBeVisible();
  await shoot(page, "guide-task");
  await page.getByLabel("Language").selectOption("zh-Hans");
  await open(page, "/workers");
  await shoot(page, "guide-workers");
});
