import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./api";
import { epoch, onLive, paused, type LiveEvents } from "./live";

export interface Loaded<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
  change: (how: (now: T) => T) => void;
}

/** Gets `where` (null: nothing yet), again when it changes, after a reconnect, and every `every` ms (0: never). */
export function useLoad<T>(where: string | null, every = 0): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [loading, setLoading] = useState(true);
  const turn = useRef(0);
  const again = epoch.value;

  const load = (): void => {
    if (where === null) return;
    const mine = ++turn.current;
    setLoading(true);
    get<T>(where).then(
      (answer) => {
        if (mine !== turn.current) return;
        setData(answer);
        setError(null);
        setLoading(false);
      },
      (reason: unknown) => {
        if (mine !== turn.current) return;
        setError(reason instanceof ApiError ? reason : new ApiError(0, "script", String(reason)));
        setLoading(false);
      },
    );
  };
  useEffect(() => {
    load();
    if (!every) return;
    const timer = setInterval(() => !paused.value && !document.hidden && load(), every);
    return () => clearInterval(timer);
  }, [where, again, every]);
  useEffect(() => () => void turn.current++, []);
  return { data, error, loading, reload: load, change: (how) => setData((now) => (now === null ? now : how(now))) };
}

/** Listens to the live stream while the component is there. */
export function useLive<K extends keyof LiveEvents>(kind: K, listener: (what: LiveEvents[K]) => void): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => onLive(kind, (what) => latest.current(what)), [kind]);
}

/** `list` with what changed put in place: nothing moves, nothing is added. */
export function patched<T>(list: T[], changed: T[], key: (one: T) => string): T[] {
  const news = new Map(changed.map((one) => [key(one), one]));
  return list.map((one) => news.get(key(one)) ?? one);
}

/** As `patched`; what is new comes at the end. */
export function merged<T>(list: T[], changed: T[], key: (one: T) => string): T[] {
  const known = new Set(list.map(key));
  return [...patched(list, changed, key), ...changed.filter((one) => !known.has(key(one)))];
}
