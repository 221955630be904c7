// A made-up cluster that lives: tasks come, run, fail. For work on the front end without a server; never shipped.
// One world a mode: "lively", "empty", "hostile".
import { randomUUID } from "node:crypto";

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const now = () => Date.now() / 1000;
const evil = {
  img: `<img src=x onerror="window.hacked=1">`,
  script: `"><script>window.hacked=1</script>`,
  rtl: "\u202Egnp.exe\u202C \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
  long: "W".repeat(10000),
  link: "javascript:window.hacked=1",
};
const evils = Object.values(evil);
const traceback = `Traceback (most recent call last):
  File "/app/shop/orders.py", line 84, in charge
    receipt = gateway.charge(order.total, card=order.card)
  File "/app/shop/gateway.py", line 31, in charge
    raise CardDeclined(f"card declined for order {order.id}")
shop.errors.CardDeclined: card declined for order 4217`;

const kinds = [
  { name: "shop.charge", queue: "payments", time: 0.18, fail: 0.04, args: () => `[${1000 + Math.floor(Math.random() * 9000)}]`, kwargs: () => `{"card": "****", "amount": ${(Math.random() * 200).toFixed(2)}}`, error: ["CardDeclined", "card declined"] },
  { name: "shop.mail_receipt", queue: "mail", time: 0.42, fail: 0.02, args: () => `["ann@example.org"]`, kwargs: () => "{}", error: ["SMTPServerDisconnected", "Connection unexpectedly closed"] },
  { name: "images.thumbnail", queue: "media", time: 1.3, fail: 0.01, args: () => `["/media/${randomUUID().slice(0, 8)}.jpg", [320, 240]]`, kwargs: () => "{}", error: ["OSError", "cannot identify image file"] },
  { name: "reports.daily", queue: "reports", time: 4, fail: 0.03, args: () => `["2026-11-29"]`, kwargs: () => `{"region": "eu", "formats": ["pdf", "csv"], "recipients": ["sales@example.org", "ops@example.org"]}`, error: ["TimeoutError", "report took longer than 30 s"] },
  { name: "search.index", queue: "celery", time: 0.06, fail: 0.005, args: () => `[${Math.floor(Math.random() * 1e6)}]`, kwargs: () => "{}", error: ["ConnectionError", "search node 2 is away"] },
];

export class World {
  constructor(mode) {
    this.mode = mode;
    this.upSince = now() - 86400 * 3.2;
    this.tasks = new Map();
    this.workers = [];
    this.queues = [];
    this.dead = [];
    this.entries = [];
    this.audit = [];
    this.changed = new Set();
    this.seen = 0;
    this.rules = [
      { id: "failure_rate", kind: "failure_rate", text: "More than 10 % of tasks fail within 5 minutes" },
      { id: "backlog_age", kind: "backlog_age", text: "The oldest waiting task is older than 60 s" },
      { id: "worker_lost", kind: "worker_lost", text: "A worker sends no heartbeat" },
    ];
    if (mode !== "empty") this.fill();
  }

  bad(i) {
    return evils[i % evils.length];
  }

  fill() {
    const hostile = this.mode === "hostile";
    const names = hostile ? evils.map((one, i) => `${one} ${i}`) : ["shop@web-1", "shop@web-2", "media@gpu-1", "celery@django-1"];
    names.forEach((name, i) => this.workers.push(this.worker(name, i)));
    if (!hostile) this.workers.push({ ...this.worker("media@gpu-2", 5), state: "lost", heartbeat: now() - 340, active: 0, running: [] });
    const queues = hostile ? evils.map((one, i) => `${one} q${i}`) : ["celery", "payments", "mail", "media", "reports"];
    queues.forEach((name, i) => this.queues.push({
      name, ready: [12, 3, 41, 380, 0][i % 5], delayed: [4, 0, 18, 0, 2][i % 5], claimed: i, dead: [0, 3, 0, 1, 0][i % 5], paused: i === 4,
      rate_in: 3 + i, rate_out: 3 + i, oldest: [0.4, 0.1, 2.8, 74, null][i % 5], consumers: this.workers.slice(0, 1 + (i % 3)).map((one) => one.name),
    }));
    for (let i = 0; i < 260; i++) this.made(now() - 3000 + i * 11, true, i);
    this.workflow();
    for (let i = 0; i < 4; i++) this.dead.push(this.deadMessage(i));
    const schedules = hostile ? evils.map((one, i) => [`${one} e${i}`, one, one]) : [
      ["nightly-report", "0 3 * * *", "every day at 03:00"], ["hourly-index", "0 * * * *", "every hour"], ["heartbeat", "every 30s", "every 30 seconds"],
      ["weekly-cleanup", "0 4 * * 0", "Sundays at 04:00"], ["dusk-lights", "solar dusk 48.1 11.6", "at dusk in Munich"],
    ];
    schedules.forEach(([name, schedule, words], i) => this.entries.push({
      name, schedule, words, task: hostile ? this.bad(i) : kinds[i % 5].name, args: hostile ? [this.bad(i)] : [], kwargs: hostile ? { [evil.img]: evil.script } : { region: "eu" },
      origin: hostile ? this.bad(i + 1) : "store", enabled: i !== 3, last: now() - 600 * (i + 1), next: now() + 200 * (i + 1), runs: 120 * (i + 1), spread: null, overlap: "allow", catch_up: "once",
    }));
    this.audit.push({ at: now() - 4000, user: hostile ? evil.img : "ann", action: "worker.grow", target: hostile ? evil.long : "shop@web-1", outcome: hostile ? evil.script : "ok" });
  }

  worker(name, i) {
    return {
      name, state: "online", software: this.mode === "hostile" ? this.bad(i) : i === 3 ? "py-celery" : "lovage", version: i === 3 ? "5.6.3" : "0.1.0", pid: 4100 + i, since: now() - 86400,
      heartbeat: now(), interval: 2, active: 0, processed: 12000 + 311 * i, succeeded: 11900 + 300 * i, failed: 100 + i, load: [0.42, 0.38, 0.31],
      pool: { kind: "prefork", size: [8, 8, 4, 6, 2, 4][i % 6], min: i === 0 ? 4 : null, max: i === 0 ? 16 : null, processes: [5001, 5002, 5003, 5004].map((pid) => pid + 10 * i) },
      prefetch: 4, queues: this.mode === "hostile" ? evils.slice(0, 3) : [["celery", "payments"], ["celery", "mail"], ["media"], ["celery", "reports"], ["celery"], ["media"]][i % 6], memory: (38 + 9 * i) * 1048576, running: [],
    };
  }

  made(at, over, i = 0) {
    const kind = pick(kinds);
    const hostile = this.mode === "hostile";
    const failed = Math.random() < kind.fail * 3;
    const runtime = kind.time * (0.5 + Math.random() * 1.2);
    const text = hostile ? this.bad(i) : `${kind.error[0]}('${kind.error[1]}')`;
    const odd = over && i % 53 === 7 ? pick(["REVOKED", "RETRY"]) : null;
    const task = {
      id: randomUUID(), name: hostile ? this.bad(i) : kind.name, state: over ? (odd ?? (failed ? "FAILURE" : "SUCCESS")) : "RECEIVED",
      worker: pick(this.workers.filter((one) => one.state === "online")).name, queue: hostile ? this.bad(i + 1) : kind.queue,
      sent: at - 0.02, received: at, started: over ? at + 0.01 : null, ended: over ? at + 0.01 + runtime : null, eta: null, expires: null, runtime: over ? runtime : null,
      retries: odd === "RETRY" ? 2 : 0, args: hostile ? this.bad(i + 2) : kind.args(), kwargs: hostile ? this.bad(i + 3) : kind.kwargs(),
      result: over && !failed ? (hostile ? this.bad(i + 4) : `"ok"`) : null, exception: over && failed ? text : null,
      parent: null, root: null, error_group: over && failed ? (hostile ? "g" + (i % 5) : kind.error[0]) : null,
      willFail: failed, willTake: runtime, errorText: text, errorGroup: hostile ? "g" + (i % 5) : kind.error[0],
    };
    this.tasks.set(task.id, task);
    return task;
  }

  workflow() {
    const root = "11111111-2222-4333-8444-555555555555";
    const hostile = this.mode === "hostile";
    const add = (id, name, state, parent) => {
      const task = this.made(now() - 30, true);
      this.tasks.delete(task.id);
      Object.assign(task, { id, name: hostile ? evil.img : name, state, parent, root, exception: null, error_group: null, result: state === "SUCCESS" ? "[1, 2]" : null });
      if (state !== "SUCCESS") Object.assign(task, { ended: null, runtime: null });
      if (state === "PENDING") Object.assign(task, { received: null, started: null, worker: null, eta: now() + 300 });
      this.tasks.set(id, task);
      return id;
    };
    const id = (n) => `11111111-2222-4333-8444-0000000000${String(n).padStart(2, "0")}`;
    add(root, "orders.import", "SUCCESS", null);
    this.edges = [];
    for (let i = 0; i < 4; i++) {
      this.edges.push([root, add(id(i), "orders.parse", "SUCCESS", root)]);
      this.edges.push([id(i), add(id(10 + i), "orders.validate", ["SUCCESS", "SUCCESS", "STARTED", "RETRY"][i], id(i))]);
      this.edges.push([id(10 + i), id(20)]);
    }
    add(id(20), "orders.merge", "PENDING", root);
    this.edges.push([id(20), add(id(21), "reports.daily", "PENDING", id(20))], [id(20), add(id(22), "shop.mail_receipt", "PENDING", id(20))]);
    this.root = root;
  }

  deadMessage(i) {
    const hostile = this.mode === "hostile";
    return {
      id: "dead-" + i, queue: hostile ? this.bad(i) : "payments", task: hostile ? this.bad(i) : "shop.charge", task_id: randomUUID(),
      reason: hostile ? this.bad(i + 1) : ["no such task: shop.charge_v2", "worker died 5 times while it ran"][i % 2], died: now() - 500 * (i + 1), attempts: 5,
      args: hostile ? [this.bad(i)] : [4217 + i], kwargs: hostile ? { x: this.bad(i) } : { amount: "12,50" }, headers: {},
    };
  }

  /** A tenth of a second of life. */
  tick() {
    if (this.mode === "empty") return;
    if (this.tasks.size < 3000) for (let i = 0; i < (Math.random() < 0.6 ? 1 : 2); i++) this.touch(this.made(now(), false, this.seen));
    for (const task of this.tasks.values()) {
      if (task.root || this.frozen) continue;
      if (task.state === "RECEIVED" && now() - task.received > 0.15) {
        Object.assign(task, { state: "STARTED", started: now() });
        this.touch(task);
      } else if (task.state === "STARTED" && now() - task.started > task.willTake) {
        const failed = task.willFail && Math.random() < 0.5;
        Object.assign(task, { state: failed ? "FAILURE" : "SUCCESS", ended: now(), runtime: now() - task.started, result: failed ? null : `"ok"`, exception: failed ? task.errorText : null, error_group: failed ? task.errorGroup : null });
        this.touch(task);
      }
    }
    for (const worker of this.workers) {
      if (worker.state !== "online") continue;
      const mine = [...this.tasks.values()].filter((task) => task.worker === worker.name && task.state === "STARTED");
      worker.running = mine.slice(0, worker.pool.size).map((task, i) => ({ id: task.id, name: task.name, args: task.args, started: task.started, pid: worker.pool.processes[i % 4] }));
      worker.active = worker.running.length;
      worker.heartbeat = now();
    }
    for (const queue of this.queues) queue.ready = Math.max(0, queue.ready + Math.round((Math.random() - 0.5) * 4));
  }

  touch(task) {
    this.changed.add(task.id);
    this.seen++;
  }

  brief(task) {
    const { willFail, willTake, errorText, errorGroup, ...rest } = task;
    return rest;
  }

  alerts() {
    const lost = this.workers.find((one) => one.state === "lost");
    if (this.mode === "hostile") return [{ id: "worker_lost", kind: "worker_lost", text: evil.img + evil.long, since: now() - 100 }];
    return lost ? [{ id: "worker_lost:" + lost.name, kind: "worker_lost", text: `Worker ${lost.name} has sent no heartbeat`, since: lost.heartbeat }] : [];
  }

  overview() {
    const recent = [...this.tasks.values()].filter((task) => (task.received ?? 0) > now() - 3600);
    const of = (state) => recent.filter((task) => task.state === state).length;
    const empty = this.mode === "empty";
    const by = (state) => this.workers.filter((one) => one.state === state).length;
    return {
      now: now(), up_since: this.upSince, events: { seen: this.seen, refused: 0, rate: empty ? 0 : 41.2 }, workers: { online: by("online"), lost: by("lost"), offline: by("offline") },
      totals: { received: recent.length, started: recent.length, succeeded: of("SUCCESS"), failed: of("FAILURE"), retried: of("RETRY"), revoked: of("REVOKED"), rejected: 0 },
      rates: empty ? { received: 0, succeeded: 0, failed: 0 } : { received: 12.4 + Math.random(), succeeded: 12.1 + Math.random(), failed: 0.2 }, active: of("STARTED"),
      run: empty ? { p50: null, p95: null, p99: null } : { p50: 0.21, p95: 1.9, p99: 4.4 }, wait: empty ? { p50: null, p95: null, p99: null } : { p50: 0.012, p95: 0.19, p99: 0.8 }, queues: this.queues, alerts: this.alerts(),
    };
  }

  traceback() {
    return this.mode === "hostile" ? evils.join("\n") : traceback;
  }
}
