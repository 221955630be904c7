// The live stream: one EventSource for the whole page. It comes back by itself, says when what is shown is old, and
// can be paused. Pages listen with `onLive`.
import { effect, signal } from "@preact/signals";
import type { Overview, Queue, Task, Worker } from "../types";

export interface LiveEvents {
  overview: Overview;
  workers: Worker[];
  tasks: Task[];
  queues: Queue[];
  more: number; // tasks that changed and were not sent
}
type Listener<K extends keyof LiveEvents> = (what: LiveEvents[K]) => void;

export const overview = signal<Overview | null>(null);
export const paused = signal(false);
/** connecting: not yet; on: it flows; off: it broke, and we try again. */
export const connection = signal<"connecting" | "on" | "off">("connecting");
/** When the last message came, in milliseconds of this machine's clock. */
export const lastHeard = signal(Date.now());
/** Grows with each connection after the first: pages load again, since they missed something. */
export const epoch = signal(0);

const quietLimit = 8000; // ms; an overview comes each second
const longestWait = 15000;
const listeners: { [K in keyof LiveEvents]: Set<Listener<K>> } = {
  overview: new Set(),
  workers: new Set(),
  tasks: new Set(),
  queues: new Set(),
  more: new Set(),
};

/** Calls `listener` for each message of this kind while not paused. Returns what ends it. */
export function onLive<K extends keyof LiveEvents>(kind: K, listener: Listener<K>): () => void {
  listeners[kind].add(listener);
  return () => listeners[kind].delete(listener);
}

let source: EventSource | null = null;
let timer: number | undefined;
let wait = 1000;
let connectedBefore = false;

function tell<K extends keyof LiveEvents>(kind: K, what: LiveEvents[K]): void {
  if (kind === "overview" && !paused.value) overview.value = what as Overview;
  if (!paused.value) for (const listener of listeners[kind]) listener(what);
}

function listOf<T>(data: unknown, member: string): T[] {
  if (Array.isArray(data)) return data as T[];
  const inner = (data as Record<string, unknown> | null)?.[member];
  return Array.isArray(inner) ? (inner as T[]) : [];
}

function heard(kind: string, event: Event): void {
  lastHeard.value = Date.now();
  if (connection.value !== "on") {
    if (connectedBefore) epoch.value++;
    connectedBefore = true;
    connection.value = "on";
    wait = 1000;
  }
  let data: unknown;
  try {
    data = JSON.parse((event as MessageEvent<string>).data);
  } catch {
    return;
  }
  if (kind === "overview") tell("overview", data as Overview);
  if (kind === "workers") tell("workers", listOf<Worker>(data, "workers"));
  if (kind === "queues") tell("queues", listOf<Queue>(data, "queues"));
  if (kind === "tasks") {
    tell("tasks", listOf<Task>(data, "tasks"));
    const more = Number((data as { more?: unknown } | null)?.more ?? 0);
    if (more > 0) tell("more", more);
  }
}

function broken(): void {
  source?.close();
  source = null;
  connection.value = "off";
  clearTimeout(timer);
  timer = setTimeout(connect, wait + Math.random() * 500);
  wait = Math.min(wait * 2, longestWait);
}

export function connect(): void {
  clearTimeout(timer);
  source?.close();
  source = new EventSource("/api/v1/live");
  for (const kind of ["hello", "overview", "workers", "tasks", "queues"])
    source.addEventListener(kind, (event) => heard(kind, event));
  source.onerror = broken;
}

export function disconnect(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
  connection.value = "connecting";
  connectedBefore = false;
}

// A connection that is up but silent is broken too. A sleeping laptop wakes up here.
setInterval(() => {
  if (source && connection.value === "on" && Date.now() - lastHeard.value > quietLimit) broken();
}, 2000);

// What was missed in a pause is fetched when it ends.
let wasPaused = false;
effect(() => {
  if (wasPaused && !paused.value) epoch.value = epoch.peek() + 1;
  wasPaused = paused.value;
});
