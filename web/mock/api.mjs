// /api/v1 over a made-up world.
import { randomUUID } from "node:crypto";

const now = () => Date.now() / 1000;

export class Failure extends Error {
  constructor(status, code, text) {
    super(text);
    Object.assign(this, { status, code });
  }
}
const missing = (what) => new Failure(404, "not_found", `There is no ${what}. Look for it on the page of all.`);

function filtered(world, query) {
  const states = (query.get("state") ?? "").split(",").filter(Boolean);
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  return [...world.tasks.values()].filter((task) =>
    (!states.length || states.includes(task.state)) && (!query.get("name") || task.name === query.get("name")) && (!query.get("queue") || task.queue === query.get("queue")) &&
    (!query.get("worker") || task.worker === query.get("worker")) && (!query.get("error") || task.error_group === query.get("error")) && (!query.get("root") || task.root === query.get("root")) &&
    (!query.get("from") || (task.received ?? 0) >= Number(query.get("from"))) && (!query.get("to") || (task.received ?? 0) <= Number(query.get("to"))) &&
    words.every((word) => [task.name, task.args, task.kwargs, task.result, task.exception].some((text) => text?.toLowerCase().includes(word.replace(/[*"]/g, "")))));
}

function find(world, query) {
  const all = filtered(world, query);
  const order = query.get("order") ?? "-received";
  const key = order.replace("-", "");
  const sign = order.startsWith("-") ? -1 : 1;
  all.sort((a, b) => sign * (key === "name" ? (a.name < b.name ? -1 : 1) : (a[key] ?? 0) - (b[key] ?? 0)));
  const start = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  return { tasks: all.slice(start, start + limit).map((one) => world.brief(one)), total: all.length, total_is: "exact", next: start + limit < all.length ? String(start + limit) : null, took_ms: 3 };
}

function detail(world, id) {
  const task = world.tasks.get(id);
  if (!task) throw missing("task " + id);
  const timeline = [["sent", task.sent], ["received", task.received], ["started", task.started], [task.state === "FAILURE" ? "failed" : "succeeded", task.ended]]
    .filter(([, at]) => at !== null).map(([what, at]) => ({ at, what, worker: what === "sent" ? null : task.worker, text: what === "failed" ? task.exception : null }));
  const parent = task.parent ? world.tasks.get(task.parent) : null;
  return {
    task: { ...world.brief(task), traceback: task.exception ? world.traceback() : null, routing_key: task.queue, clock: 4211, stamps: null }, timeline,
    parent: parent ? world.brief(parent) : null, children: [...world.tasks.values()].filter((one) => one.parent === id).map((one) => world.brief(one)),
    why: task.state === "PENDING" ? { code: "eta", text: "It waits for its time: it may start in 5 minutes." } : null,
    stored: task.ended ? { state: task.state, result: task.result, traceback: null } : null,
  };
}

function series(minutes, step, world) {
  const n = Math.floor((minutes * 60) / step);
  const end = Math.floor(now() / step) * step;
  const wave = (base, width, seed) => Array.from({ length: n }, (_, i) => Math.max(0, base + width * Math.sin((end / step - n + i) / 9 + seed) + width * 0.5 * Math.sin((end / step - n + i) / 2.3 + seed * 3)));
  const quiet = world.mode === "empty";
  const or = (line) => (quiet ? line.map(() => null) : line);
  const succeeded = quiet ? wave(0, 0, 0) : wave(12 * step, 3 * step, 0);
  return {
    from: end - n * step, step, received: succeeded.map((x) => x * 1.03), started: succeeded, succeeded, failed: quiet ? wave(0, 0, 0) : wave(0.25 * step, 0.3 * step, 1), retried: quiet ? wave(0, 0, 0) : wave(0.1 * step, 0.15 * step, 2),
    run_p50: or(wave(0.2, 0.03, 0)), run_p95: or(wave(1.8, 0.4, 1)), run_p99: or(wave(4, 0.8, 2)), wait_p95: or(wave(0.4, 0.2, 3)),
    backlog: Object.fromEntries(world.queues.map((one, i) => [one.name, wave(one.ready, 20, i)])),
  };
}

function failures(world) {
  const groups = new Map();
  for (const task of world.tasks.values()) {
    if (task.state !== "FAILURE") continue;
    const one = groups.get(task.error_group) ?? { id: task.error_group, task: task.name, type: task.exception.split("(")[0], text: task.exception, count: 0, first: task.ended, last: task.ended, example: task.id, workers: [] };
    one.count++;
    one.last = Math.max(one.last, task.ended);
    if (!one.workers.includes(task.worker)) one.workers.push(task.worker);
    groups.set(task.error_group, one);
  }
  return { groups: [...groups.values()].sort((a, b) => b.count - a.count) };
}

function heat(world) {
  const begin = Math.floor(now() / 3600) * 3600;
  const per_minute = Array.from({ length: 1440 }, (_, i) => (world.entries.length ? (i % 60 === 0 ? 6 : i % 15 === 0 ? 4 : i % 5 === 0 ? 2 : Math.floor(i / 60) % 6 === 3 ? 0 : 1) : 0));
  return { begin, per_minute, pile_ups: [{ at: begin + 7200, runs: 6, entries: world.entries.slice(0, 2).map((one) => one.name), more: 4 }], quiet: [{ from: begin + 10800, until: begin + 14400, runs: 12 }] };
}

const health = (world) => ({
  broker: { url: "redis://localhost:6379/0", state: "ok", ms: 0.6, text: null, abilities: { pause: true, dead_set: true, delayed: true, events: true, purge: true } },
  backend: { url: "redis://:****@localhost:6379/1", state: world.mode === "hostile" ? "down" : "ok", ms: 0.8, text: world.mode === "hostile" ? world.bad(0) + world.bad(3) : null },
  schedule: { url: "redis://localhost:6379/0", state: "ok", ms: 0.7, text: "2 schedulers share it" },
  history: { path: "/var/lib/lovage/history.sqlite", bytes: 184e6, tasks: world.tasks.size, oldest: now() - 86400 * 6, kept: { days: 7, bytes: 1e9 } }, events: { seen: world.seen, refused: 0, rate: 41.2 },
});

const settings = (world) => ({
  settings: [["broker_url", "redis://localhost:6379/0", "environment", false], ["result_backend", null, "file", true], ["web_host", "127.0.0.1", "default", false], ["web_port", 5555, "default", false],
    ["web_read_only", false, "default", false], ["worker_concurrency", 8, "command line", false]].map(([name, value, source, secret]) => ({ name, value: world.mode === "hostile" && !secret ? world.bad(1) : value, source, secret })),
});

function get(world, [first, second, third], query) {
  const find1 = (list, name, what) => list.find((one) => one.name === name) ?? (() => { throw missing(`${what} ${name}`); })();
  switch (first) {
    case "overview": return world.overview();
    case "series": return series(Number(query.get("minutes") ?? 15), Number(query.get("step") ?? 5), world);
    case "workers":
      if (!second) return { workers: world.workers };
      return { ...find1(world.workers, second, "worker"), registered: world.mode === "hostile" ? [world.bad(0), world.bad(3)] : ["shop.charge", "shop.mail_receipt", "images.thumbnail", "search.index [rate_limit=100/s]"],
        conf: { broker_url: "redis://localhost:6379/0", result_backend: "********", x: world.mode === "hostile" ? world.bad(0) : 1 }, stats: { total: { "shop.charge": 4211 }, rusage: { utime: 12.1, stime: 3.2 } },
        reserved: [{ id: randomUUID(), name: "shop.charge", args: [1] }], scheduled: [] };
    case "tasks":
      if (!second) return find(world, query);
      if (third === "graph") {
        if (second !== world.root && !world.tasks.has(second)) throw missing("workflow " + second);
        const root = second === world.root ? second : world.tasks.get(second)?.root ?? second;
        const nodes = [...world.tasks.values()].filter((one) => one.root === root || one.id === root).map((one) => ({ id: one.id, name: one.name, state: one.state, kind: "task", group: null, parent: one.parent ?? null, count: 1, states: null }));
        return root === world.root ? { nodes: [...nodes, ...crowd(world, root)], edges: [...world.edges, [root, "crowd"], ["crowd", "rest"], ["rest", "last"]] } : { nodes, edges: [] };
      }
      return detail(world, second);
    case "names": return { names: [...new Set([...world.tasks.values()].map((one) => one.name))].sort() };
    case "queues": return { queues: world.queues };
    case "dead": return { messages: world.dead.filter((one) => !query.get("queue") || one.queue === query.get("queue")) };
    case "schedule":
      if (second === "heat") return heat(world);
      if (third === "history") return { tasks: [...world.tasks.values()].slice(0, 5).map((one) => world.brief(one)) };
      return { entries: world.entries, store: "redis://localhost:6379/0", can_edit: true };
    case "failures": return failures(world);
    case "health": return health(world);
    case "settings": return settings(world);
    case "audit": return { entries: [...world.audit].reverse() };
    case "alerts": return { rules: world.rules, active: world.alerts(), recent: [] };
    default: throw missing("page " + first);
  }
}

// A group of ten thousand, of which the rest stands for all, and what is called when it has ended.
function crowd(world, root) {
  const name = world.mode === "hostile" ? world.bad(1) : "images.thumbnail";
  const many = { name, state: "STARTED", count: 10000, states: { SUCCESS: 9970, STARTED: 20, FAILURE: 10 }, parent: root };
  return [{ ...many, id: "crowd", kind: "group", group: null }, { ...many, id: "rest", kind: "more", group: "crowd" },
    { id: "last", name: "", state: "PENDING", kind: "body", group: null, parent: null, count: 1, states: null }];
}

function actOnTasks(world, body) {
  const ids = body.ids ?? filtered(world, new URLSearchParams(body.matching)).map((one) => one.id);
  for (const id of ids) {
    const task = world.tasks.get(id);
    if (!task) continue;
    if (body.action === "delete") world.tasks.delete(id);
    if (body.action === "retry") world.touch(world.made(now(), false));
    if (body.action === "revoke" && !task.ended) task.state = "REVOKED";
  }
  return { done: ids.length, total: ids.length, failed: [] };
}

function toWorker(world, name, action, body) {
  const mine = name === "*" ? world.workers : world.workers.filter((one) => one.name === name);
  if (!mine.length) throw missing("worker " + name);
  for (const one of mine) {
    if (action === "grow") one.pool.size += body.n;
    if (action === "shrink") one.pool.size = Math.max(1, one.pool.size - body.n);
    if (action === "autoscale") Object.assign(one.pool, { min: body.min, max: body.max });
    if (action === "add_consumer" && !one.queues.includes(body.queue)) one.queues.push(body.queue);
    if (action === "cancel_consumer") one.queues = one.queues.filter((queue) => queue !== body.queue);
    if (action === "shutdown") Object.assign(one, { state: "offline", running: [], active: 0 });
  }
  return { ok: true, replies: mine.map((one) => ({ worker: one.name, ok: true, text: "ok" })) };
}

function dead(world, action, body) {
  const hit = (one) => body.all || body.queue === one.queue || body.ids?.includes(one.id);
  const done = world.dead.filter(hit).length;
  world.dead = world.dead.filter((one) => !hit(one));
  return { done };
}

function schedule(world, name, action, body) {
  if (!name) {
    if (world.entries.some((one) => one.name === body.name)) throw new Failure(409, "exists", `There is an entry ${body.name} already. Choose another name or edit that one.`);
    world.entries.push({ words: "", origin: "store", enabled: true, last: null, next: now() + 60, runs: 0, spread: null, overlap: "allow", catch_up: "once", ...body });
    return {};
  }
  const one = world.entries.find((entry) => entry.name === name);
  if (!one) throw missing("entry " + name);
  if (action === undefined) Object.assign(one, body);
  if (action === "pause" || action === "resume") one.enabled = action === "resume";
  if (action === "remove") world.entries = world.entries.filter((entry) => entry !== one);
  return action === "run" ? { id: randomUUID() } : {};
}

function change(world, [first, second, third], body) {
  switch (first) {
    case "workers": return toWorker(world, second, third, body);
    case "tasks":
      if (second === "send") {
        const task = world.made(now(), false);
        Object.assign(task, { name: body.name, args: JSON.stringify(body.args), kwargs: JSON.stringify(body.kwargs), queue: body.queue ?? "celery" });
        return { id: task.id };
      }
      return actOnTasks(world, body);
    case "queues": {
      const queue = world.queues.find((one) => one.name === second);
      if (!queue) throw missing("queue " + second);
      const done = queue.ready;
      if (third === "purge") queue.ready = 0;
      else queue.paused = third === "pause";
      return { done };
    }
    case "dead": return dead(world, second, body);
    case "schedule": return schedule(world, second, third, body);
    default: throw missing("page " + first);
  }
}

export function answer(world, method, parts, query, body, user) {
  if (method === "GET") return get(world, parts, query);
  const made = change(world, parts, body);
  world.audit.push({ at: now(), user, action: parts.join("/").slice(0, 100), target: parts[1] ?? null, outcome: "ok" });
  return made;
}
