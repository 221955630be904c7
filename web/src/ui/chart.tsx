// Line charts by uPlot in the theme's colours. A screen reader hears a sentence and can open a table.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock } from "../format";
import { language, t } from "../i18n";
import { dark } from "../state/theme";

export interface ChartLine {
  name: string;
  colour: string; // a CSS variable: --chart-1
  values: (number | null)[];
  fill?: boolean;
  dash?: boolean;
}
const colourOf = (variable: string) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim() || "gray";

// Steps of an axis of counts: half a message does not exist, and would be written as a whole one.
const wholeSteps = Array.from({ length: 12 }, (_, i) => 10 ** i).flatMap((n) => [n, 2 * n, 5 * n]);

interface Look {
  say: (n: number | null) => string;
  whole?: boolean; // counts, not measures
}

function options(lines: ChartLine[], width: number, height: number, look: Look): uPlot.Options {
  const axis = { stroke: colourOf("--text-soft"), font: "11px system-ui, sans-serif", ticks: { show: false } };
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: "lovage" }, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, high) => [0, high > 0 ? high * 1.12 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_, ticks) => ticks.map(clock), space: 64, size: 28 },
      { ...axis, grid: { stroke: colourOf("--line"), width: 1 }, values: (_, ticks) => ticks.map((one) => look.say(one)), size: 62, space: 34, ...(look.whole ? { incrs: wholeSteps } : {}) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: colourOf(line.colour),
        width: 1.75,
        points: { show: false },
        ...(line.dash ? { dash: [5, 4] } : {}),
        ...(line.fill ? { fill: colourOf(line.colour) + "22" } : {}),
      })),
    ],
  };
}

export interface ChartProps extends Look {
  label: string;
  times: number[];
  lines: ChartLine[];
  height?: number;
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const data = (): uPlot.AlignedData => [latest.current.times, ...latest.current.lines.map((line) => line.values)];
  const shape = props.lines.map((line) => line.name + line.colour).join("|");

  useEffect(() => {
    const box = place.current!;
    const made = new uPlot(options(latest.current.lines, Math.max(box.clientWidth, 100), props.height ?? 190, { say: (n) => latest.current.say(n), whole: props.whole }), data(), box);
    made.over.addEventListener("mousemove", () => point(made));
    made.over.addEventListener("mouseleave", () => tip.current && (tip.current.hidden = true));
    plot.current = made;
    const watch = new ResizeObserver(() => {
      if (box.clientWidth > 0) made.setSize({ width: box.clientWidth, height: props.height ?? 190 });
    });
    watch.observe(box);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, dark.value, language.value, props.height]);
  useEffect(() => plot.current?.setData(data()), [props.times, props.lines]);

  const point = (made: uPlot) => {
    const at = made.cursor.idx;
    const box = tip.current;
    if (!box) return;
    const time = at === null || at === undefined ? undefined : latest.current.times[at];
    box.hidden = time === undefined;
    if (time === undefined) return;
    box.textContent = [clock(time), ...latest.current.lines.map((line) => `${line.name} ${latest.current.say(line.values[at!] ?? null)}`)].join("\n");
    const left = (made.cursor.left ?? 0) + 70;
    box.style.left = Math.min(left, Math.max(0, place.current!.clientWidth - box.offsetWidth - 8)) + "px";
  };

  const last = (line: ChartLine) => line.values[line.values.length - 1] ?? null;
  return (
    <figure class="chart">
      <figcaption class="legend">
        {props.lines.map((line) => (
          <span key={line.name}>
            <i class={"swatch" + (line.dash ? " dashed" : "")} style={{ color: `var(${line.colour})` }} aria-hidden="true" />
            <bdi>{line.name.slice(0, 60)}</bdi> <b>{props.say(last(line))}</b>
          </span>
        ))}
      </figcaption>
      <div class="plot" ref={place} role="img"
        aria-label={`${props.label}. ${props.lines.map((line) => `${line.name.slice(0, 60)}: ${props.say(last(line))}`).join(", ")}`}>
        <div class="tip" ref={tip} hidden />
      </div>
      <details class="as-table">
        <summary>{t("chart.table")}<span class="sr"> {props.label}</span></summary>
        <ChartTable {...props} />
      </details>
    </figure>
  );
}

/** A dozen of the times, newest first: enough to hear where it goes. */
function ChartTable({ label, times, lines, say }: ChartProps) {
  const by = Math.max(1, Math.floor(times.length / 12));
  const rows = times.map((_, i) => i).filter((i) => (times.length - 1 - i) % by === 0).reverse();
  return (
    <table class="small-table">
      <caption class="sr">{label}</caption>
      <thead>
        <tr>
          <th scope="col">{t("chart.time")}</th>
          {lines.map((line) => <th scope="col" key={line.name}>{line.name.slice(0, 60)}</th>)}
        </tr>
      </thead>
      <tbody>
        {rows.map((i) => (
          <tr key={times[i]}>
            <th scope="row">{clock(times[i]!)}</th>
            {lines.map((line) => <td key={line.name}>{say(line.values[i] ?? null)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
