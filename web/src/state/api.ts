// The one way to the server. Every failure becomes an ApiError whose text can be shown.
import { signal } from "@preact/signals";
import { t } from "../i18n";
import type { Session } from "../types";

export const session = signal<Session | null>(null);

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(text);
  }
}

async function failure(answer: Response): Promise<ApiError> {
  try {
    const body = await answer.json();
    if (body?.error?.text) return new ApiError(answer.status, String(body.error.code ?? ""), String(body.error.text));
  } catch {
    // Not ours: a proxy's page, perhaps.
  }
  return new ApiError(answer.status, "http", t("error.http", { status: answer.status }));
}

async function ask(method: string, where: string, body?: unknown): Promise<unknown> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    const csrf = session.value?.csrf;
    if (csrf) headers["X-CSRF-Token"] = csrf;
  }
  let answer: Response;
  try {
    const text = method === "GET" ? undefined : JSON.stringify(body ?? {});
    answer = await fetch("/api/v1/" + where, { method, headers, body: text, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "unreachable", t("error.unreachable"));
  }
  if (answer.status === 401 && where !== "session") void refreshSession();
  if (!answer.ok) throw await failure(answer);
  return answer.status === 204 ? {} : answer.json();
}

export const get = <T>(where: string): Promise<T> => ask("GET", where) as Promise<T>;
export const post = <T>(where: string, body?: unknown): Promise<T> => ask("POST", where, body) as Promise<T>;
export const patch = <T>(where: string, body?: unknown): Promise<T> => ask("PATCH", where, body) as Promise<T>;
export const remove = <T>(where: string): Promise<T> => ask("DELETE", where) as Promise<T>;

/** A path under /api/v1 from parts that may hold anything. */
export const at = (...parts: string[]): string => parts.map(encodeURIComponent).join("/");

/** Who we are. A 401 answers too: it tells how to log in. */
export async function refreshSession(): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch("/api/v1/session", { headers: { Accept: "application/json" }, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "unreachable", t("error.unreachable"));
  }
  if (!answer.ok && answer.status !== 401) throw await failure(answer);
  const body = await answer.json().catch(() => null);
  if (!body || !Array.isArray(body.auth)) throw new ApiError(answer.status, "http", t("error.http", { status: answer.status }));
  session.value = body as Session;
}

/** Why we may not change anything; null when we may. */
export function forbidden(): string | null {
  const now = session.value;
  if (!now) return t("forbidden.unknown");
  if (now.read_only) return t("forbidden.read_only");
  if (now.role !== "operator") return t("forbidden.viewer");
  return null;
}

/** Whether the broker can do it; one that does not say is taken to be able, and its error will tell. */
export const able = (what: keyof NonNullable<Session["can"]>): boolean => session.value?.can?.[what] !== false;
