// What can be done to a worker: to lovage's and to Celery's.
import { agree, expect, field, get, open, settled, test, toast, told, workerOf, type Software, type Worker } from "./support";

const at = (name: string) => "/workers/" + encodeURIComponent(name);

for (const software of ["lovage", "py-celery"] as Software[])
  test.describe(software, () => {
    test("its pool grows and shrinks", async ({ page, context }) => {
      const worker = await workerOf(context.request, software);
      const size = async () => (await get<Worker>(context.request, at(worker.name).slice(1))).pool?.size;
      const before = (await size())!;
      await open(page, at(worker.name));
      await page.getByRole("button", { name: "Grow" }).click();
      await field(page, "By how many").fill("2");
      await agree(page, "Apply");
      await told(page, "did it");
      await expect.poll(size).toBe(before + 2);
      await page.getByRole("button", { name: "Shrink" }).click();
      await field(page, "By how many").fill("2");
      await agree(page, "Apply");
      await told(page, "did it");
      await expect.poll(size).toBe(before);
    });

    test("it takes from one more queue and leaves it", async ({ page, context }) => {
      const worker = await workerOf(context.request, software);
      const queues = async () => (await get<Worker>(context.request, at(worker.name).slice(1))).queues;
      await open(page, at(worker.name));
      await page.getByRole("button", { name: "Take from a queue" }).click();
      await field(page, "Queue").fill("one-more");
      await agree(page, "Apply");
      await expect.poll(queues).toContain("one-more");
      await page.reload();
      await settled(page);
      await page.getByRole("button", { name: "Take no more from one-more" }).click();
      await agree(page, "Leave");
      await expect.poll(queues).not.toContain("one-more");
    });

    test("limits of its tasks are set", async ({ page, context }) => {
      const worker = await workerOf(context.request, software);
      await open(page, at(worker.name));
      await page.getByRole("button", { name: /^Rate limit: / }).first().click();
      await field(page, "Rate").fill("500/s");
      await agree(page, "Apply");
      await told(page, "did it");
      await page.getByRole("button", { name: /^Time limit: / }).first().click();
      await field(page, "Soft limit, seconds").fill("100");
      await field(page, "Hard limit, seconds").fill("120");
      await agree(page, "Apply");
      await told(page, "did it");
    });

    test("its pool restarts after a question", async ({ page, context }) => {
      const worker = await workerOf(context.request, software);
      await open(page, "/workers");
      await page.getByRole("button", { name: `Restart ${worker.name}`, exact: true }).click();
      await expect(page.getByRole("dialog")).toContainText("The pool's processes are replaced");
      await agree(page, "Restart");
      await told(page, "restarts.");
    });
  });

test("wrong values are told at their field and nothing is sent", async ({ page, context }) => {
  await open(page, at((await workerOf(context.request, "lovage")).name));
  await page.getByRole("button", { name: "Grow" }).click();
  await field(page, "By how many").fill("0");
  await agree(page, "Apply");
  await expect(page.getByRole("alert")).toContainText("At least 1.");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(toast(page)).toHaveCount(0);
});

test("what a worker refuses is told with its reason", async ({ page, context }) => {
  await open(page, at((await workerOf(context.request, "lovage")).name));
  await page.getByRole("button", { name: /^Rate limit: / }).first().click();
  await field(page, "Rate").fill("often");
  await agree(page, "Apply");
  await expect(page.locator(".toast.bad").first()).toBeVisible();
});

test("a pool that grows by itself is given other limits", async ({ page, context }) => {
  const worker = await workerOf(context.request, "lovage", true);
  const before = worker.pool!;
  await open(page, at(worker.name));
  await page.getByRole("button", { name: "Autoscale" }).click();
  await expect(field(page, "At least")).toHaveValue(String(before.min));
  await field(page, "At least").fill("2");
  await field(page, "At most").fill(String(before.max! + 1));
  await agree(page, "Apply");
  await told(page, "did it");
  const pool = async () => (await get<Worker>(context.request, at(worker.name).slice(1))).pool!;
  await expect.poll(pool).toMatchObject({ min: 2, max: before.max! + 1 });
  await expect.poll(async () => (await pool()).size).toBeGreaterThanOrEqual(2);
  await page.reload();
  await expect(page.getByRole("region", { name: "Pool" })).toContainText(`(2–${before.max! + 1})`);
});

test("all workers restart after one question", async ({ page }) => {
  await open(page, "/workers");
  await page.getByRole("button", { name: "Restart all" }).click();
  await expect(page.getByRole("dialog")).toContainText("Restart all workers?");
  await agree(page, "Restart");
  await told(page, "all workers restarts.");
});

test("workers are filtered by name and state", async ({ page, context }) => {
  const worker = await workerOf(context.request, "py-celery");
  await open(page, "/workers");
  await page.getByLabel("Filter workers").fill(worker.name);
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page).toHaveURL(/name=celery/);
  await page.getByRole("group", { name: "State" }).getByRole("button", { name: /^Offline/ }).click();
  await expect(page.locator("tbody tr")).toHaveCount(0);
});
