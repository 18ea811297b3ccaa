// Stacked bars of reward and fees in SVG, as wide as there is room. The table below says the same.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Earnings, EarningsRow } from './api';
import { float } from './format';
import { name } from './earnings';

const HEIGHT = 240;
const BELOW = 26;
const ABOVE = 10;
const WIDEST = 56;

export function Bars(props: { rows: EarningsRow[]; projection: Earnings['projection'] }) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    setWidth(element.clientWidth);
    return () => watch.disconnect();
  }, []);
  return (
    <div class="bars" ref={frame}>
      {width > 0 && <Drawing {...props} width={width} />}
    </div>
  );
}

interface Bar {
  label: string;
  reward: number;
  fees: number;
  projected: boolean;
}

function Drawing(props: { rows: EarningsRow[]; projection: Earnings['projection']; width: number }) {
  const bars: Bar[] = props.rows.map((row) => ({
    label: name(row),
    reward: float(row.reward),
    fees: float(row.fees),
    projected: false,
  }));
  if (props.projection) {
    const { period, reward, fees } = props.projection;
    bars.push({ label: String(period), reward: float(reward), fees: float(fees), projected: true });
  }
  const ticks = scale(Math.max(...bars.map((bar) => bar.reward + bar.fees), 0));
  const top = ticks[ticks.length - 1] ?? 1;
  const left = Math.max(...ticks.map((tick) => label(tick).length)) * 7.5 + 12;
  const step = Math.min(WIDEST, (props.width - left) / Math.max(bars.length, 1));
  const inner = HEIGHT - BELOW - ABOVE;
  const y = (value: number) => ABOVE + inner * (1 - value / top);
  const every = Math.max(1, Math.ceil((Math.max(...bars.map((bar) => bar.label.length)) * 8 + 10) / step));
  return (
    <svg width={props.width} height={HEIGHT} role="img" aria-label="Earnings of each period, as in the table below">
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={left} x2={props.width} y1={y(tick)} y2={y(tick)} />
          <text class="tick" x={left - 8} y={y(tick) + 4} text-anchor="end">{label(tick)}</text>
        </g>
      ))}
      {bars.map((bar, at) => {
        const x = left + at * step + step * 0.14;
        const wide = Math.max(1, step * 0.72);
        const rise = y(0) - y(bar.reward);
        return (
          <g key={bar.label} class={bar.projected ? 'projected' : ''}>
            <title>{`Period ${bar.label}${bar.projected ? ' (projected)' : ''}: reward ${label(bar.reward)} KMS, fees ${label(bar.fees)} KMS`}</title>
            <rect class="hit" x={left + at * step} y={ABOVE} width={step} height={inner} />
            <rect class="reward" x={x} y={y(bar.reward)} width={wide} height={rise} rx={Math.min(3, wide / 4)} />
            <rect class="fees" x={x} y={y(bar.reward + bar.fees)} width={wide} height={y(bar.reward) - y(bar.reward + bar.fees)} />
            {(bars.length - 1 - at) % every === 0 && (
              <text class="tick" x={x + wide / 2} y={HEIGHT - 8} text-anchor="middle">{bar.label}</text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** Round values from zero to above the greatest. */
function scale(most: number): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const ticks = [];
  for (let at = 0; at < 12; at += 1) {
    ticks.push(at * step);
    if (at * step >= most) break;
  }
  return ticks;
}

function label(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(4)));
}
