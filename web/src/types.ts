// What /api/v1 answers. Times are Unix seconds; null stands for "not known".

export type Role = "viewer" | "operator";
export type Seconds = number;

export interface Session {
  user: string | null;
  role: Role | null;
  read_only: boolean;
  auth: string[];
  csrf?: string;
  masked?: boolean;
  version?: string;
  broker?: string;
  backend?: string;
  can?: Partial<Record<Ability, boolean>>;
  timezone?: string;
}
export type Ability = "pause" | "dead_set" | "delayed" | "purge" | "schedule" | "events";

export interface Percentiles {
  p50: Seconds | null;
  p95: Seconds | null;
  p99: Seconds | null;
}
export interface Alert {
  id: string;
  kind: string;
  text: string;
  since: Seconds;
}
export interface AlertRule {
  id: string;
  kind: string;
  text: string;
}
export interface Overview {
  now: Seconds;
  up_since: Seconds;
  events: { seen: number; refused: number; rate: number };
  workers: { online: number; lost: number; offline: number };
  totals: Record<"received" | "started" | "succeeded" | "failed" | "retried" | "revoked" | "rejected", number>;
  rates: Record<"received" | "succeeded" | "failed", number>;
  active: number;
  run: Percentiles;
  wait: Percentiles;
  queues: Queue[];
  alerts: Alert[];
}
type Line = (number | null)[];
export interface Series {
  from: Seconds;
  step: Seconds;
  received: Line;
  started: Line;
  succeeded: Line;
  failed: Line;
  retried: Line;
  run_p50: Line;
  run_p95: Line;
  run_p99: Line;
  wait_p95: Line;
  backlog: Record<string, Line>;
}
export interface Running {
  id: string;
  name: string;
  args?: string;
  started: Seconds | null;
  pid: number | null;
}
export type WorkerState = "online" | "lost" | "offline";
export interface Worker {
  name: string;
  state: WorkerState;
  software: string | null;
  version: string | null;
  pid: number | null;
  since: Seconds | null;
  heartbeat: Seconds | null;
  interval: Seconds | null;
  active: number;
  processed: number;
  succeeded: number;
  failed: number;
  load: number[] | null;
  pool: { kind: string; size: number; min: number | null; max: number | null; processes: number[] } | null;
  prefetch: number | null;
  queues: string[];
  memory: number | null;
  running: Running[];
}
export interface WorkerDetail extends Worker {
  registered: string[];
  conf: Record<string, unknown>;
  stats: Record<string, unknown>;
  reserved: unknown[];
  scheduled: unknown[];
}
export interface Task {
  id: string;
  name: string;
  state: string;
  worker: string | null;
  queue: string | null;
  sent: Seconds | null;
  received: Seconds | null;
  started: Seconds | null;
  ended: Seconds | null;
  eta: Seconds | null;
  expires: Seconds | null;
  runtime: Seconds | null;
  retries: number | null;
  args: string | null;
  kwargs: string | null;
  result: string | null;
  exception: string | null;
  parent: string | null;
  root: string | null;
  group: string | null;
  error_group: string | null;
}
export interface TaskFull extends Task {
  traceback: string | null;
  routing_key: string | null;
  clock: number | null;
  stamps: Record<string, unknown> | null;
}
export interface TaskDetail {
  task: TaskFull;
  timeline: { at: Seconds; what: string; worker: string | null; text: string | null }[];
  parent: Task | null;
  children: Task[];
  why: { code: string; text: string } | null;
  stored: { state: string; result: unknown; traceback: string | null } | null;
}
export interface TaskPage {
  tasks: Task[];
  total: number;
  total_is: "exact" | "at_least";
  next: string | null;
  took_ms: number;
}
export interface Graph {
  nodes: GraphNode[];
  edges: [string, string][];
}
export interface GraphNode {
  id: string;
  name: string;
  state: string;
  /** group: all its members; more: of those, or of a task's children, what is not listed; body: of a chord, not called yet. */
  kind: "task" | "group" | "more" | "body";
  group: string | null;
  parent: string | null;
  count: number;
  states: Record<string, number> | null;
}
export interface Queue {
  name: string;
  ready: number;
  delayed: number | null;
  claimed: number | null;
  dead: number | null;
  paused: boolean;
  rate_in: number | null;
  rate_out: number | null;
  oldest: Seconds | null;
  consumers: string[];
}
export interface DeadMessage {
  id: string;
  queue: string;
  task: string;
  task_id: string;
  reason: string;
  died: Seconds | null;
  attempts: number | null;
  args: unknown;
  kwargs: unknown;
  headers: Record<string, unknown> | null;
}
export interface ScheduleEntry {
  name: string;
  schedule: string;
  words: string | null;
  task: string;
  args: unknown;
  kwargs: unknown;
  origin: string | null;
  enabled: boolean;
  last: Seconds | null;
  next: Seconds | null;
  runs: number | null;
  spread: unknown;
  overlap: unknown;
  catch_up: unknown;
}
export interface Schedule {
  entries: ScheduleEntry[];
  store: string | null;
  can_edit: boolean;
}
export interface Heat {
  begin: Seconds;
  per_minute: number[];
  pile_ups: { at: Seconds; runs: number; entries: string[]; more: number }[];
  quiet: { from: Seconds; until: Seconds; runs: number }[];
}
export interface FailureGroup {
  id: string;
  task: string;
  type: string;
  text: string;
  count: number;
  first: Seconds;
  last: Seconds;
  example: string;
  workers: string[];
}
export interface HealthPart {
  url?: string | null;
  state?: string;
  ms?: number | null;
  text?: string | null;
  abilities?: Record<string, unknown>;
}
export interface Health {
  broker: HealthPart;
  backend: HealthPart | null;
  schedule: HealthPart | null;
  history: {
    state?: string;
    text?: string | null;
    path: string;
    bytes: number;
    tasks: number;
    oldest: Seconds | null;
    kept: { days: number | null; bytes: number | null };
  } | null;
  events: { state?: string; text?: string | null; seen?: number; refused?: number; rate?: number } | null;
}
export interface Setting {
  name: string;
  value: unknown;
  source: string;
  secret: boolean;
}
export interface AuditEntry {
  at: Seconds;
  user: string | null;
  action: string;
  target: string | null;
  outcome: string | null;
}
export interface Alerts {
  rules: AlertRule[];
  active: Alert[];
  recent: (Alert & { resolved?: Seconds | null })[];
}
export interface Replies {
  ok: boolean;
  replies: { worker: string; ok: boolean; text: string }[];
}
export interface ActionOutcome {
  done: number;
  total: number;
  skipped?: number;
  failed: { id: string; text: string }[];
}
