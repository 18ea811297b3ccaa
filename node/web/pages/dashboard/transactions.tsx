// What the node wanted on chain, and each signed attempt at it.
import { useState } from 'preact/hooks';
import { ask, type TransactionRow, type Transactions } from './api';
import { count, kind } from './format';
import { Amount, Empty, Hex, Page, Table, Tag, useAnswer, type Tone } from './parts';

const TONES: Record<TransactionRow['state'], [Tone, string]> = {
  planned: ['calm', 'planned'],
  signed: ['warn', 'sent'],
  mined: ['warn', 'in a block'],
  done: ['good', 'final'],
  reverted: ['bad', 'reverted'],
  abandoned: ['calm', 'dropped'],
};

export function TransactionsPage({ beat }: { beat: number }) {
  const from = useAnswer<Transactions>('transactions', beat);
  const [more, setMore] = useState<TransactionRow[]>([]);
  const [cursor, setCursor] = useState<number | null | undefined>(undefined);
  const load = async (after: number) => {
    const page = await ask<Transactions>(`transactions?cursor=${after}`);
    setMore([...more, ...page.transactions]);
    setCursor(page.next);
  };
  return (
    <Page title="Transactions" lead="What the node did on chain, with every attempt." from={from}>
      {(of) => {
        const known = new Set(of.transactions.map((row) => row.id));
        const rows = [...of.transactions, ...more.filter((row) => !known.has(row.id))];
        const after = cursor === undefined ? of.next : cursor;
        return rows.length === 0 ? (
          <Empty title="No transaction yet">
            The node registers its URL, confirms its activity, claims and collects by itself, once
            its worker is bonded and has ether.
          </Empty>
        ) : (
          <>
            <Table
              caption="Transactions, the newest first"
              columns={[
                { name: 'Duty' },
                { name: 'State' },
                { name: 'Period', end: true },
                { name: 'Block', end: true },
                { name: 'Transaction', end: true },
              ]}
              rows={rows.map((row) => {
                const mined = row.attempts.find((one) => one.block !== null);
                const newest = mined ?? row.attempts[row.attempts.length - 1];
                const [tone, word] = TONES[row.state];
                return {
                  key: row.id,
                  cells: [
                    kind(row.kind),
                    <Tag tone={tone}>{word}</Tag>,
                    count(row.period),
                    mined?.block == null ? '–' : count(mined.block),
                    newest ? <Hex of={newest.hash} /> : '–',
                  ],
                  below: <Attempts row={row} />,
                };
              })}
            />
            {after !== null && (
              <button type="button" class="plain more" onClick={() => void load(after)}>
                Show more
              </button>
            )}
          </>
        );
      }}
    </Page>
  );
}

function Attempts({ row }: { row: TransactionRow }) {
  const number = row.attempts.length;
  return (
    <details>
      <summary>{number === 1 ? '1 attempt' : `${number} attempts`}<span class="sr"> at {kind(row.kind)}, number {row.id}</span></summary>
      {row.detail && <p class="note">{row.detail}</p>}
      <ol class="attempts">
        {row.attempts.map((one) => (
          <li key={one.hash}>
            <Hex of={one.hash} />
            <span>nonce {count(one.nonce)}</span>
            <span>at most <Amount of={one.max_fee} /> a gas, tip <Amount of={one.tip} /></span>
            <span>
              {one.block === null
                ? 'in no block'
                : `block ${count(one.block)}, ${one.succeeded ? 'succeeded' : 'failed'}`}
            </span>
          </li>
        ))}
      </ol>
    </details>
  );
}
