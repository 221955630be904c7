// The pages of the navigation; `g` and a letter go there.
import type { Key } from "./i18n";
import type { IconName } from "./ui/icons";

export const places: { at: string; icon: IconName; name: Key; key: string }[] = [
  { at: "/", icon: "overview", name: "nav.overview", key: "o" },
  { at: "/workers", icon: "workers", name: "nav.workers", key: "w" },
  { at: "/tasks", icon: "tasks", name: "nav.tasks", key: "t" },
  { at: "/queues", icon: "queues", name: "nav.queues", key: "q" },
  { at: "/dead", icon: "dead", name: "nav.dead", key: "d" },
  { at: "/schedule", icon: "schedule", name: "nav.schedule", key: "s" },
  { at: "/failures", icon: "failures", name: "nav.failures", key: "f" },
  { at: "/health", icon: "health", name: "nav.health", key: "h" },
  { at: "/settings", icon: "settings", name: "nav.settings", key: "c" },
  { at: "/audit", icon: "audit", name: "nav.audit", key: "a" },
];
