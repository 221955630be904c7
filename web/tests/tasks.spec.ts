// Searching tasks, and acting on one, on some, on all that match.
import { agree, anAdd, expect, field, get, open, post, settled, test, told, type Found } from "./support";

test("a task is sent, seen and found by its argument", async ({ page, context }) => {
  const { names } = await get<{ names: string[] }>(context.request, "names");
  const name = anAdd(names);
  await open(page, "/tasks");
  await page.getByRole("button", { name: "Send a task" }).click();
  await field(page, "Task").fill(name);
  await field(page, "Arguments").fill("[4711, ");
  await agree(page, "Send");
  await expect(page.getByRole("alert")).toContainText("This is not JSON");
  await field(page, "Arguments").fill("[471147, 2]");
  await agree(page, "Send");
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await expect(page.locator("main h1")).toContainText(name);
  await expect.poll(async () => (await get<Found>(context.request, "tasks?q=471147")).total).toBeGreaterThan(0);
  await open(page, "/tasks?q=471147");
  await expect(page.locator("tbody tr").first()).toContainText("471147");
});

test("the search's state is its address", async ({ page }) => {
  await open(page, "/tasks");
  await page.getByRole("button", { name: "Succeeded" }).click();
  await expect(page).toHaveURL(/state=SUCCESS/);
  await page.getByRole("button", { name: "Failed" }).click();
  await expect(page).toHaveURL(/state=SUCCESS%2CFAILURE/);
  await page.getByRole("button", { name: /^Run time/ }).click();
  await expect(page).toHaveURL(/order=-runtime/);
  await page.reload();
  await settled(page);
  await expect(page.getByRole("button", { name: "Failed" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.locator("th[aria-sort=descending]")).toContainText("Run time");
  await page.getByRole("button", { name: "Clear" }).click();
  await expect(page).toHaveURL(/\/tasks$/);
});

test("chosen tasks are run again", async ({ page }) => {
  await open(page, "/tasks?state=SUCCESS");
  const boxes = page.locator("tbody input[type=checkbox]");
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.getByLabel("Action", { exact: true }).selectOption("retry");
  await page.getByRole("button", { name: "Chosen (2)" }).click();
  await expect(page.getByRole("dialog")).toContainText("Run 2 tasks again?");
  await agree(page, "Run again");
  await told(page, "2 tasks sent again.");
});

test("all matching are acted on after a question that tells how many", async ({ page, context }) => {
  const { total } = await get<Found>(context.request, "tasks?state=FAILURE&limit=1");
  expect(total).toBeGreaterThan(0);
  await open(page, "/tasks?state=FAILURE");
  await page.getByLabel("Action", { exact: true }).selectOption("delete");
  await page.getByRole("button", { name: /^All matching/ }).click();
  await expect(page.getByRole("dialog")).toContainText(/Delete \d+ tasks? from the history\?/);
  await expect(page.getByRole("dialog")).toContainText("Search: state = FAILURE");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByLabel("Action", { exact: true }).selectOption("retry");
  await page.getByRole("button", { name: /^All matching/ }).click();
  await agree(page, "Run again");
  await told(page, "sent again.");
});

test("a task is deleted from the history", async ({ page, context }) => {
  const { tasks } = await get<Found>(context.request, "tasks?state=SUCCESS&order=received&limit=1");
  await open(page, "/tasks/" + tasks[0]!.id);
  await page.getByRole("button", { name: "Delete from history" }).click();
  await agree(page, "Delete from history");
  await expect(page).toHaveURL(/\/tasks$/);
  const left = await get<Found>(context.request, "tasks?state=SUCCESS&order=received&limit=1"); // its result may still be known
  expect(left.tasks[0]!.id).not.toBe(tasks[0]!.id);
});

test("tasks are found by name, queue, worker and time, and the list holds no other", async ({ page, context }) => {
  const { tasks } = await get<Found>(context.request, "tasks?limit=50");
  const one = tasks.find((task) => task.queue && task.worker && task.name.length < 40)!;
  const by = (label: string) => page.getByRole("search", { name: "Search tasks" }).getByLabel(label, { exact: true });
  const rows = page.locator("tbody tr");
  for (const [label, member, value] of [["Task", "name", one.name], ["Queue", "queue", one.queue!], ["Worker", "worker", one.worker!]] as const) {
    await open(page, "/tasks");
    await page.locator("summary", { hasText: "Name, queue, worker, time" }).click();
    await by(label).fill(value);
    await by(label).press("Enter");
    await expect(page).toHaveURL(new RegExp(`${member}=`));
    await settled(page);
    await expect(rows.first()).toContainText(value);
    await expect(rows.filter({ hasNotText: value })).toHaveCount(0);
  }
  await open(page, "/tasks");
  await page.locator("summary", { hasText: "Name, queue, worker, time" }).click();
  await by("From").fill("2099-01-01T00:00");
  await expect(page.locator("main")).toContainText("No task matches.");
  await by("From").fill("2001-01-01T00:00");
  await expect(rows.first()).toBeVisible();
  await by("Until").fill("2001-01-02T00:00");
  await expect(page.locator("main")).toContainText("No task matches.");
});

test("a task is sent again with other arguments", async ({ page, context }) => {
  const { names } = await get<{ names: string[] }>(context.request, "names");
  const { id } = await post<{ id: string }>(context.request, "tasks/send", { name: anAdd(names), args: [3, 4], kwargs: {} });
  await open(page, "/tasks/" + id);
  await page.getByRole("button", { name: "Edit and send" }).click();
  await expect(field(page, "Arguments")).toHaveValue(/3,\s+4/);
  await field(page, "Arguments").fill("[88001, 4]");
  await agree(page, "Send");
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(page.getByRole("region", { name: "Arguments" }).first()).toContainText("88001");
});
