// What the pages are made of.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, type Moment } from './api';
import { amount, begins, date, lasting, short } from './format';

/** An answer of the node, asked for again with each new block; the last one stays meanwhile. */
export function useAnswer<T>(path: string, beat: number): { answer?: T; error?: string } {
  const [state, setState] = useState<{ path?: string; answer?: T; error?: string }>({});
  useEffect(() => {
    const control = new AbortController();
    ask<T>(path, control.signal).then(
      (answer) => setState({ path, answer }),
      (error: unknown) => {
        if (!control.signal.aborted) setState((last) => ({ ...last, error: String(error) }));
      },
    );
    return () => control.abort();
  }, [path, beat]);
  return state;
}

export function Amount({ of, big }: { of: string | null; big?: boolean }) {
  if (of === null) return <span class="muted">not known yet</span>;
  const { number, unit } = amount(of);
  return (
    <data class={`amount ${big ? 'big' : ''} ${number.length > 9 ? 'long' : ''}`} value={of} title={of}>
      {number}
      <span class="unit"> {unit}</span>
    </data>
  );
}

/** A hash, id or address: short to read, whole to copy. */
export function Hex({ of }: { of: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard?.writeText(of).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    }, () => {});
  };
  return (
    <button type="button" class="hex" title={`${of} (click to copy)`} onClick={copy}>
      <span class="sr">Copy {of}</span>
      <span aria-hidden="true">{copied ? 'copied' : short(of)}</span>
    </button>
  );
}

/** A period with the moment at which it begins, or with `end` ends. */
export function When({ period, chain, end }: { period: number; chain: Moment; end?: boolean }) {
  const at = begins(end ? period + 1 : period, chain);
  if (at === null || chain.timestamp === null) return <>period {period}</>;
  const away = at - chain.timestamp;
  return (
    <span>
      {away >= 0 ? `in ${lasting(away)}` : `${lasting(-away)} ago`}
      <time class="muted" dateTime={new Date(at * 1000).toISOString()}> · {date(at)}</time>
    </span>
  );
}

export function Card(props: { title: string; note?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card">
      <h3>{props.title}</h3>
      <div class="value">{props.children}</div>
      {props.note && <p class="note">{props.note}</p>}
    </section>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'calm';

export function Tag({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <h3>{title}</h3>
      <p>{children}</p>
    </div>
  );
}

/** A page: its title, and its answer or what stands in its place. */
export function Page<T>(props: {
  title: string;
  lead: string;
  from: { answer?: T; error?: string };
  actions?: ComponentChildren;
  children: (answer: T) => ComponentChildren;
}) {
  const { answer, error } = props.from;
  return (
    <article>
      <header class="head">
        <div>
          <h2>{props.title}</h2>
          <p class="lead">{props.lead}</p>
        </div>
        {props.actions && <div class="actions">{props.actions}</div>}
      </header>
      {error && (
        <p class="banner bad" role="alert">
          <strong>The node did not answer.</strong> {error}. Figures below are the last ones seen.
        </p>
      )}
      {answer === undefined ? !error && <p class="muted loading">Reading…</p> : props.children(answer)}
    </article>
  );
}

/** A table that becomes a list of cards where it is narrow; each cell names its column. */
export function Table(props: {
  caption: string;
  columns: { name: string; end?: boolean }[];
  rows: { key: string | number; cells: ComponentChildren[]; below?: ComponentChildren }[];
}) {
  const { columns, rows } = props;
  return (
    <table>
      <caption class="sr">{props.caption}</caption>
      <thead>
        <tr>
          {columns.map(({ name, end }) => (
            <th key={name} scope="col" class={end ? 'end' : ''}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      {rows.map((row) => (
        <tbody key={row.key}>
          <tr>
            {row.cells.map((cell, at) => (
              <td key={at} data-name={columns[at]?.name ?? ''} class={columns[at]?.end ? 'end' : ''}>
                {cell}
              </td>
            ))}
          </tr>
          {row.below && (
            <tr class="below">
              <td colSpan={columns.length}>{row.below}</td>
            </tr>
          )}
        </tbody>
      ))}
    </table>
  );
}
