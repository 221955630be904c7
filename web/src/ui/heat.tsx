// A day of the schedule, minute by minute: an hour a row. The table below says the same to those who do not see it.
import { useState } from "preact/hooks";
import { clock, count } from "../format";
import { t } from "../i18n";
import type { Heat } from "../types";
import { Txt } from "./basics";

const cell = 14;
const gap = 2;
const left = 44;
const top = 18;

/** 0 for nothing, 1 to 4 by the share of the busiest minute. */
const level = (n: number, most: number) => (n === 0 ? 0 : Math.max(1, Math.ceil((4 * n) / Math.max(1, most))));

export function HeatMap({ heat }: { heat: Heat }) {
  const [at, setAt] = useState<number | null>(null);
  const minutes = heat.per_minute.slice(0, 1440);
  const most = Math.max(0, ...minutes);
  const total = minutes.reduce((sum, n) => sum + n, 0);
  const rows = Math.ceil(minutes.length / 60);
  const width = left + 60 * (cell + gap);
  const height = top + rows * (cell + gap);
  const find = (event: PointerEvent) => {
    const which = (event.target as Element).getAttribute("data-m");
    setAt(which === null ? null : Number(which));
  };
  return (
    <div class="heat">
      <p class="heat-said" aria-live="off">
        {at === null ? t("heat.total", { n: total, most: count(most) }) : `${clock(heat.begin + at * 60)} · ${t("heat.runs", { n: minutes[at] ?? 0 })}`}
      </p>
      <div class="heat-frame" tabIndex={0} role="region" aria-label={t("heat.title")}>
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t("heat.total", { n: total, most: count(most) })}
          onPointerMove={find} onPointerLeave={() => setAt(null)}>
          {[0, 15, 30, 45].map((minute) => <text key={minute} x={left + minute * (cell + gap)} y={11} class="heat-axis">:{String(minute).padStart(2, "0")}</text>)}
          {Array.from({ length: rows }, (_, row) => (
            <text key={row} x={0} y={top + row * (cell + gap) + 11} class="heat-axis">{clock(heat.begin + row * 3600)}</text>
          ))}
          {minutes.map((n, i) => (
            <rect key={i} data-m={i} x={left + (i % 60) * (cell + gap)} y={top + Math.floor(i / 60) * (cell + gap)} width={cell} height={cell} rx={3} class={"heat-" + level(n, most)} />
          ))}
        </svg>
      </div>
      <details class="as-table">
        <summary>{t("heat.table")}</summary>
        <table class="small-table">
          <caption class="sr">{t("heat.table")}</caption>
          <thead><tr><th scope="col">{t("heat.hour")}</th><th scope="col">{t("schedule.runs")}</th><th scope="col">{t("heat.busiest")}</th></tr></thead>
          <tbody>
            {Array.from({ length: rows }, (_, row) => {
              const hour = minutes.slice(row * 60, row * 60 + 60);
              return (
                <tr key={row}>
                  <th scope="row">{clock(heat.begin + row * 3600)}</th>
                  <td>{count(hour.reduce((sum, n) => sum + n, 0))}</td>
                  <td>{count(Math.max(0, ...hour))}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </details>
    </div>
  );
}

export function PileUps({ heat }: { heat: Heat }) {
  if (heat.pile_ups.length === 0 && heat.quiet.length === 0) return null;
  return (
    <div class="halves">
      <div>
        <h3>{t("heat.pile_ups")}</h3>
        <ul class="rows">
          {heat.pile_ups.slice(0, 8).map((one) => (
            <li key={one.at}>
              <b>{clock(one.at)}</b> <span>{t("heat.runs", { n: one.runs })}</span>
              <span class="faint grow"><Txt clip text={one.entries.join(", ")} />{one.more > 0 && " " + t("heat.more", { n: one.more })}</span>
            </li>
          ))}
        </ul>
      </div>
      <div>
        <h3>{t("heat.quiet")}</h3>
        <ul class="rows">
          {heat.quiet.slice(0, 8).map((one) => (
            <li key={one.from}><b>{clock(one.from)}–{clock(one.until)}</b> <span class="faint">{t("heat.runs", { n: one.runs })}</span></li>
          ))}
        </ul>
      </div>
    </div>
  );
}
