// The node's answers, as node/kms-node/src/serve/admin/view.rs writes them. Amounts are exact texts
// with their unit; what is not known is null.

export interface Moment {
  head: number | null;
  timestamp: number | null;
  period: number | null;
  period_start: number | null;
  period_seconds: number | null;
}
export interface Check {
  id: string;
  ok: boolean;
  concern: 'serving' | 'pages' | 'earning';
  reason: string | null;
  remedy: string | null;
}
export interface Overview {
  miner: string;
  worker: string;
  url: string;
  version: string;
  chain_id: number;
  ready: boolean;
  earning: boolean;
  failing: Check[];
  chain: Moment;
  view_age_ms: number | null;
  lease_through: number | null;
  suspended_through: number | null;
  locked: string | null;
  claimable: string | null;
  collectable: string | null;
  ether: string | null;
  gas_price: string | null;
  ether_days: number | null;
  next_confirmation: number | null;
  open_transactions: string[];
  policies_paid: number;
  kfrags: number;
  challenges: number;
}
export interface EarningsRow {
  first: number;
  last: number;
  reward: string | null;
  fees: string;
}
export interface Earnings {
  chain: Moment;
  periods: EarningsRow[];
  totals: {
    claimed: string;
    claimable: string | null;
    collected: string;
    collectable: string;
  } | null;
  projection: { period: number; reward: string; fees: string } | null;
}
export interface Stake {
  chain: Moment;
  locked: string;
  lock_periods: number;
  weight: string | null;
  lease_from: number | null;
  lease_through: number | null;
  next_confirmation: number | null;
  suspended_through: number | null;
  unlock_period: number | null;
  unbonding: string;
  release_period: number | null;
  min_rate: string;
  worker: string | null;
  url: string;
}
export interface PolicyRow {
  id: string;
  created_block: number;
  rate: string;
  first_period: number;
  last_paid: number | null;
  revoked_block: number | null;
  delivered: number | null;
  collected_through: number | null;
  collectable: string;
  kfrag: 'stored' | 'erased' | 'missing';
  serving: boolean;
  refusal: [string, string] | null;
  requests: number;
}
export interface Policies {
  chain: Moment;
  total: number;
  policies: PolicyRow[];
  next: string | null;
}
export interface Attempt {
  hash: string;
  nonce: number;
  max_fee: string;
  tip: string;
  block: number | null;
  succeeded: boolean | null;
}
export interface TransactionRow {
  id: number;
  kind: string;
  state: 'planned' | 'signed' | 'mined' | 'done' | 'reverted' | 'abandoned';
  period: number;
  detail: string;
  duty: Record<string, unknown> | null;
  attempts: Attempt[];
}
export interface Transactions {
  transactions: TransactionRow[];
  next: number | null;
}
export interface Health {
  ready: boolean;
  earning: boolean;
  checks: Check[];
  tasks: { task: string; age_ms: number }[];
  endpoints: {
    name: string;
    verified: boolean;
    failures: number;
    latency_ms: number | null;
    requests: number;
  }[];
  connections: number;
  queue: number;
  public_url: string;
  version: string;
}

export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(`v1/admin/${path}`, { signal: signal ?? null, cache: 'no-store' });
  if (!response.ok) throw new Error((await response.text()).trim() || `status ${response.status}`);
  return (await response.json()) as T;
}
