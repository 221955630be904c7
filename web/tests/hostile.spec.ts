// Names, arguments and errors that try to be markup, to turn the text round, or to burst the page.
import { addresses, expect, fits, noFaults, open, real, shoot, test } from "./support";

test.use({ mode: "hostile" });

for (const width of [1360, 360])
  test(`hostile texts stay texts on every page, ${width} pixels wide`, async ({ page }) => {
    test.setTimeout(240_000);
    await page.setViewportSize({ width, height: 800 });
    let asked = 0;
    page.on("request", (request) => {
      if (/\/x$/.test(new URL(request.url()).pathname)) asked++;
    });
    page.on("dialog", () => asked++);
    const all = await addresses(page);
    for (const [name, address] of Object.entries(all)) {
      await open(page, address);
      await fits(page);
      expect(await page.locator("main img, main script, main iframe, [onerror]").count(), name).toBe(0);
      expect(await page.evaluate(() => (window as unknown as { hacked?: unknown }).hacked), name).toBeUndefined();
      expect(await page.locator("a[href^='javascript:']").count(), name).toBe(0);
      await shoot(page, `hostile-${name}-${width}`);
    }
    expect(asked).toBe(0);
    await open(page, all.tasks!);
    await noFaults(page);
  });

test("markup and unseen characters are shown as what they are", async ({ page }) => {
  await open(page, real ? "/tasks?q=onerror" : "/tasks");
  await expect(page.locator("tbody")).toContainText("<img src=x onerror=");
  if (!real) await expect(page.locator("tbody")).toContainText("⟨U+202E⟩");
});
