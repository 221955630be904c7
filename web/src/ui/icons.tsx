// Signs drawn for this dashboard: 20 x 20, strokes only.
const paths = {
  overview: "M3 11h4v6H3zM8 4h4v13H8zM13 8h4v9h-4z",
  workers: "M4 4h12v5H4zM4 11h12v5H4zM7 6.5h.01M7 13.5h.01",
  tasks: "M4 5l1.2 1.2L7.5 4M4 10l1.2 1.2L7.5 9M4 15l1.2 1.2L7.5 14M10.5 5.2H17M10.5 10.2H17M10.5 15.2H17",
  queues: "M3 5h14M3 8.5h14M3 12h14M3 15.5h9",
  dead: "M4 5h12v11H4zM4 9h3.5l1 2h3l1-2H16M10 2.5V7M8 5.2l2 1.8 2-1.8",
  schedule: "M3.5 5h13v12h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5M10 11v2.2l1.8 1",
  failures: "M10 3l7.5 13.5h-15zM10 8v4M10 14.3h.01",
  health: "M2.5 10.5h4L8.5 5l3.2 10 2-4.5h3.8",
  settings: "M4 6h7M15 6h1M4 14h1M9 14h7M13 4v4M7 12v4",
  audit: "M5 3h7l3 3v11H5zM12 3v3h3M7.5 10h5M7.5 13h5",
  search: "M8.5 14a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11zM12.6 12.6 17 17",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  close: "M5 5l10 10M15 5 5 15",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4.5v11l9-5.5z",
  copy: "M7 7h9v9H7zM4 13V4h9",
  sun: "M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.4 1.4M14.3 14.3l1.4 1.4M4.3 15.7l1.4-1.4M14.3 5.7l1.4-1.4",
  moon: "M16 12.2A6.5 6.5 0 0 1 7.8 4a6.5 6.5 0 1 0 8.2 8.2z",
  auto: "M10 3a7 7 0 1 1 0 14zM10 3a7 7 0 1 0 0 14",
  keyboard: "M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6.5 11.5h7",
  refresh: "M16 10a6 6 0 1 1-1.8-4.3M16 3v3.5h-3.5",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.8 11h7.4l.8-11",
  edit: "M4 16l.8-3.2L13 4.6l2.4 2.4-8.2 8.2z",
  send: "M3 10 17 4l-4 13-3.2-5.4z",
  plus: "M10 4v12M4 10h12",
  language: "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM3 10h14M10 3c5 4 5 10 0 14M10 3c-5 4-5 10 0 14",
  out: "M12 4h4v12h-4M3.5 10h8M9 7l3 3-3 3",
  graph: "M3 8h4v4H3zM13 3h4v4h-4zM13 13h4v4h-4zM7 10h3M10 5h3M10 15h3M10 5v10",
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
