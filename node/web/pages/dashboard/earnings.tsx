// What each period brought, and what the running one will.
import { useState } from 'preact/hooks';
import type { Earnings, EarningsRow } from './api';
import { begins, count, date, kms, units } from './format';
import { Bars } from './bars';
import { Amount, Card, Empty, Page, Table, useAnswer } from './parts';

const SPANS = [7, 30, 400] as const;

export function EarningsPage({ beat }: { beat: number }) {
  const [span, setSpan] = useState<number>(30);
  const asked = useAnswer<Earnings>('earnings?from=1', beat);
  const rows = asked.answer?.periods.slice(-span) ?? [];
  return (
    <Page
      title="Earnings"
      lead="Reward and fees of each completed period, claimed or not."
      from={asked}
      actions={
        <>
          <div class="switch" role="group" aria-label="Periods shown">
            {SPANS.map((number) => (
              <button
                key={number}
                type="button"
                aria-pressed={span === number}
                onClick={() => setSpan(number)}
              >
                {number === 400 ? 'All' : number}
              </button>
            ))}
          </div>
          <button type="button" class="plain" disabled={rows.length === 0} onClick={() => save(rows)}>
            Save CSV
          </button>
        </>
      }
    >
      {(of) => (
        <>
          {of.totals && (
            <div class="cards">
              <Card title="Shown here" note={`in ${count(rows.length)} rows`}>
                <Amount of={kms(rows.reduce((sum, row) => sum + units(row.reward) + units(row.fees), 0n))} big />
              </Card>
              <Card title="Rewards, all time" note={<><Amount of={of.totals.claimed} /> claimed</>}>
                <Amount of={sum(of.totals.claimed, of.totals.claimable)} big />
              </Card>
              <Card title="Fees, all time" note={<><Amount of={of.totals.collected} /> collected</>}>
                <Amount of={sum(of.totals.collected, of.totals.collectable)} big />
              </Card>
            </div>
          )}
          {rows.length === 0 && !of.projection ? (
            <Empty title="Nothing earned yet">
              A miner earns in periods that it has leased. The first row comes when such a period is
              over.
            </Empty>
          ) : (
            <>
              <figure class="panel">
                <figcaption class="legend">
                  <span><i class="key reward" /> Reward</span>
                  <span><i class="key fees" /> Fees</span>
                  {of.projection && (
                    <span>
                      <i class="key projected" /> Period {count(of.projection.period)}, projected by the
                      reward formula on the present totals:{' '}
                      <Amount of={kms(units(of.projection.reward) + units(of.projection.fees))} />
                    </span>
                  )}
                </figcaption>
                <Bars rows={rows} projection={of.projection} />
              </figure>
              <Table
                caption="Earnings of each period, the newest first"
                columns={[
                  { name: 'Period' },
                  { name: 'Began' },
                  { name: 'Reward', end: true },
                  { name: 'Fees', end: true },
                ]}
                rows={[...rows].reverse().map((row) => ({
                  key: row.first,
                  cells: [
                    name(row),
                    began(row, of),
                    row.reward === null ? <span class="muted">not seen</span> : <Amount of={row.reward} />,
                    <Amount of={row.fees} />,
                  ],
                }))}
              />
            </>
          )}
        </>
      )}
    </Page>
  );
}

function sum(a: string, b: string | null): string {
  return kms(units(a) + units(b));
}

export function name(row: EarningsRow): string {
  return row.first === row.last ? count(row.first) : `${count(row.first)}–${count(row.last)}`;
}

function began(row: EarningsRow, of: Earnings): string {
  const at = begins(row.first, of.chain);
  return at === null ? '' : date(at);
}

/** Saves what is shown, with exact figures. */
function save(rows: EarningsRow[]) {
  const plain = (text: string | null) => (text === null ? '' : text.replace(' KMS', ''));
  const lines = rows.map((row) => [row.first, row.last, plain(row.reward), plain(row.fees)].join(','));
  const text = ['first_period,last_period,reward_kms,fees_kms', ...lines, ''].join('\r\n');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  link.download = 'kms-earnings.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
