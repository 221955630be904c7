// npm run mock: serves dist/ and a made-up /api/v1 on MOCK_PORT (5600). The cookie `mock` chooses what it is like, words
// joined by dots: lively | empty | hostile, viewer, read_only, login, broken. Each value has a world of its own.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Failure, answer } from "./api.mjs";
import { World } from "./world.mjs";

const dist = new URL("../dist/", import.meta.url);
const port = Number(process.env.MOCK_PORT ?? 5600);
const types = { js: "text/javascript", css: "text/css", html: "text/html; charset=utf-8", svg: "image/svg+xml" };
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const worlds = new Map();
const users = new Map(); // mode -> who is logged in

function world(mode) {
  const kind = ["empty", "hostile"].find((one) => mode.split(".").includes(one)) ?? "lively";
  if (!worlds.has(mode)) {
    const made = new World(kind);
    made.frozen = mode.includes("frozen");
    worlds.set(mode, made);
  }
  return worlds.get(mode);
}
setInterval(() => worlds.forEach((one) => one.frozen || one.tick()), 100);

const modeOf = (request) => /(?:^|; )mock=([\w.-]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "lively";

function session(mode) {
  const has = (word) => mode.split(".").includes(word);
  const user = has("login") ? users.get(mode) ?? null : null;
  return {
    user, role: has("login") && !user ? null : has("viewer") ? "viewer" : "operator", read_only: has("read_only"), auth: has("login") ? ["password", "oidc"] : [], csrf: "mock-csrf", masked: false,
    version: "lovage 0.1.0", broker: "redis://localhost:6379/0", backend: "redis://localhost:6379/1", timezone: "UTC",
    can: { pause: true, dead_set: true, delayed: true, purge: true, schedule: true, events: true },
  };
}

function send(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

function live(request, response, mode) {
  const mine = world(mode);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const say = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  say("hello", {});
  say("overview", mine.overview());
  let last = new Map();
  const timer = setInterval(() => {
    if (broken.has(mode)) return response.destroy();
    say("overview", mine.overview());
    say("workers", mine.workers);
    say("queues", mine.queues);
    const changed = [...mine.tasks.values()].filter((one) => last.get(one.id) !== one.state);
    if (last.size) say("tasks", { tasks: changed.slice(0, 200).map((one) => mine.brief(one)), more: Math.max(0, changed.length - 200) });
    last = new Map([...mine.tasks.values()].map((one) => [one.id, one.state]));
  }, 1000);
  request.on("close", () => clearInterval(timer));
}

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text ? JSON.parse(text) : {};
}

const broken = new Set(); // modes whose stream is cut: POST /mock/cut, /mock/mend

async function api(request, response, url, mode) {
  const parts = url.pathname.slice("/api/v1/".length).split("/").map(decodeURIComponent);
  if (parts[0] === "session") {
    if (request.method === "POST") {
      const given = await body(request);
      if (given.password !== "secret") return send(response, 401, { error: { code: "wrong_login", text: "User name or password is wrong." } });
      users.set(mode, given.user);
    }
    if (request.method === "DELETE") {
      users.delete(mode);
      return send(response, 200, {});
    }
    const now = session(mode);
    return send(response, now.role ? 200 : 401, now);
  }
  const who = session(mode);
  if (!who.role) return send(response, 401, { error: { code: "login", text: "Log in first." } });
  if (parts[0] === "live") return broken.has(mode) ? send(response, 503, {}) : live(request, response, mode);
  if (request.method !== "GET") {
    if (who.read_only || who.role !== "operator") return send(response, 403, { error: { code: "forbidden", text: "Not allowed: ask for the role operator." } });
    if (request.headers["x-csrf-token"] !== "mock-csrf") return send(response, 403, { error: { code: "csrf", text: "No valid CSRF token: load the page again." } });
  }
  if (mode.includes("broken")) return send(response, 503, { error: { code: "broker_down", text: "The broker redis://localhost:6379/0 does not answer. Start it, or correct broker_url." } });
  try {
    const given = request.method === "GET" ? {} : await body(request);
    send(response, 200, answer(world(mode), request.method, parts, url.searchParams, given, who.user));
  } catch (reason) {
    if (!(reason instanceof Failure)) throw reason;
    send(response, reason.status, { error: { code: reason.code, text: reason.message } });
  }
}

async function file(response, path) {
  const name = /\.\w+$/.test(path) ? path.slice(1) : "index.html";
  const content = await readFile(new URL(name, dist)).catch(() => null);
  if (!content) return send(response, 404, { error: { code: "not_found", text: "No such file. Run: npm run build" } });
  response.writeHead(200, { "Content-Type": types[name.split(".").pop()] ?? "application/octet-stream", "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff" });
  response.end(content);
}

createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  const mode = modeOf(request);
  if (url.pathname === "/mock/cut" || url.pathname === "/mock/mend") {
    broken[url.pathname === "/mock/cut" ? "add" : "delete"](mode);
    return send(response, 200, {});
  }
  const done = url.pathname.startsWith("/api/v1/") ? api(request, response, url, mode) : file(response, url.pathname);
  done.catch((reason) => {
    console.error(reason);
    if (!response.headersSent) send(response, 500, { error: { code: "mock", text: String(reason) } });
  });
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/`));
