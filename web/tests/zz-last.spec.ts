// What comes after all else, in this order: the pictures of the README and the guide, for there is something to see by
// now; silent workers, and the end of workers.
import { addresses, agree, expect, get, open, shoot, test, told, workerOf, type Software, type Worker } from "./support";

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

for (const software of ["lovage", "py-celery"] as Software[])
  test(`a worker of ${software} stops telling and tells again, then shuts down`, async ({ page, context }) => {
    const { name } = await workerOf(context.request, software);
    await open(page, "/workers/" + encodeURIComponent(name));
    await page.getByRole("button", { name: "Events off" }).click();
    await told(page, "did it");
    await page.getByRole("button", { name: "Events on" }).click();
    await told(page, "did it");
    await page.getByRole("button", { name: "Shut down" }).click();
    await expect(page.getByRole("dialog")).toContainText("It cannot be started from here.");
    await agree(page, "Shut down");
    await told(page, "shuts down.");
    await expect(page.locator(".lead")).toContainText("Offline"); // told by its last event, live
    const { workers } = await get<{ workers: Worker[] }>(context.request, "workers");
    expect(workers.find((one) => one.name === name)!.state).toBe("offline");
  });

test("every page still stands after all of this", async ({ page }) => {
  for (const address of Object.values(await addresses(page))) {
    await open(page, address);
    await expect(page.locator(".failed")).toHaveCount(0);
  }
});
