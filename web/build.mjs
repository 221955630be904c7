// npm run build: src/ -> dist/: assets with hashed names and an index.html that names them.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";

const limit = 150 * 1024; // all of it, gzipped
const dist = new URL("dist/", import.meta.url).pathname;
await rm(dist, { recursive: true, force: true });
await mkdir(dist + "assets", { recursive: true });

const made = await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: { main: "src/main.tsx", early: "src/early.ts" },
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "iife", // early.ts must run before the first paint; modules are deferred
  target: ["es2021"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
const named = (name, ending) =>
  basename(Object.keys(made.metafile.outputs).find((file) => basename(file).startsWith(name + "-") && file.endsWith(ending)));

const icon = await readFile(new URL("src/icon.svg", import.meta.url));
const iconName = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase()}.svg`;
await writeFile(`${dist}assets/${iconName}`, icon);

const page = (await readFile(new URL("src/index.html", import.meta.url), "utf8"))
  .replace("{early}", named("early", ".js"))
  .replace("{script}", named("main", ".js"))
  .replace("{style}", named("main", ".css"))
  .replace("{icon}", iconName);
await writeFile(dist + "index.html", page);

let total = gzipSync(page).length + gzipSync(icon).length;
for (const file of Object.keys(made.metafile.outputs)) {
  const size = gzipSync(await readFile(new URL(file, import.meta.url))).length;
  total += size;
  console.log(`${file}  ${(size / 1024).toFixed(1)} KiB gzipped`);
}
console.log(`all  ${(total / 1024).toFixed(1)} KiB gzipped`);
if (total > limit) {
  console.error(`error: more than ${limit / 1024} KiB; look for what came in with the last change`);
  process.exit(1);
}
