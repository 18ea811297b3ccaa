// The policies that name this miner.
import { useState } from 'preact/hooks';
import { ask, type Policies, type PolicyRow } from './api';
import { count } from './format';
import { Amount, Card, Empty, Hex, Page, Table, Tag, useAnswer, When } from './parts';

export function PoliciesPage({ beat }: { beat: number }) {
  const from = useAnswer<Policies>('policies', beat);
  const [more, setMore] = useState<PolicyRow[]>([]);
  const [cursor, setCursor] = useState<string | null | undefined>(undefined);
  const next = (first: Policies) => (cursor === undefined ? first.next : cursor);
  const load = async (after: string) => {
    const page = await ask<Policies>(`policies?cursor=${encodeURIComponent(after)}`);
    setMore([...more, ...page.policies]);
    setCursor(page.next);
  };
  return (
    <Page title="Policies" lead="Grants that pay this miner, the newest first." from={from}>
      {(of) => {
        const known = new Set(of.policies.map((row) => row.id));
        const rows = [...of.policies, ...more.filter((row) => !known.has(row.id))];
        const after = next(of);
        return rows.length === 0 ? (
          <Empty title="No policy names this miner yet">
            Owners choose miners by weight and rate. The node takes kfrags and serves them by itself.
          </Empty>
        ) : (
          <>
            <div class="cards">
              <Card title="Policies" note="ever paid to this miner">
                <span class="big">{count(of.total)}</span>
              </Card>
              <Card title="Served now" note={`of the ${count(rows.length)} shown`}>
                <span class="big">{count(rows.filter((row) => row.serving).length)}</span>
              </Card>
            </div>
            <Table
              caption="Policies, the newest first"
              columns={[
                { name: 'Policy' },
                { name: 'State' },
                { name: 'Paid until' },
                { name: 'Kfrag' },
                { name: 'Requests', end: true },
                { name: 'Rate a period', end: true },
                { name: 'To collect', end: true },
              ]}
              rows={rows.map((row) => ({
                key: row.id,
                cells: [
                  <Hex of={row.id} />,
                  <State row={row} />,
                  row.last_paid === null ? 'never began' : <When period={row.last_paid} chain={of.chain} end />,
                  <Kfrag row={row} />,
                  count(row.requests),
                  <Amount of={row.rate} />,
                  <Amount of={row.collectable} />,
                ],
              }))}
            />
            {after && (
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

function State({ row }: { row: PolicyRow }) {
  if (row.serving) return <Tag tone="good">served</Tag>;
  const [code, title] = row.refusal ?? ['', 'refused'];
  const over = code === 'policy_revoked' || code === 'policy_ended';
  return (
    <span title={title}>
      <Tag tone={over ? 'calm' : 'warn'}>{code.replace(/^policy_/, '').replaceAll('_', ' ')}</Tag>
    </span>
  );
}

function Kfrag({ row }: { row: PolicyRow }) {
  const words = { stored: 'held', erased: 'erased', missing: 'not delivered' };
  return <span class={row.kfrag === 'stored' ? '' : 'muted'}>{words[row.kfrag]}</span>;
}
