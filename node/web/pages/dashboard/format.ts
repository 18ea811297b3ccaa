// Amounts, times and names as people read them. Amounts stay integers: nothing is ever rounded up.
import type { Moment } from './api';

const DECIMALS = 18;
const SHOWN = 4;

export interface Shown {
  number: string;
  unit: string;
}

/** Splits "1234.5 KMS"; null if it is no amount. */
function parse(text: string): { digits: string; fraction: string; unit: string } | null {
  const found = /^(\d+)(?:\.(\d+))? (\S+)$/.exec(text);
  return found ? { digits: found[1]!, fraction: found[2] ?? '', unit: found[3]! } : null;
}

/** The amount with grouped digits and at most four decimals, cut off. */
export function amount(text: string): Shown {
  const parts = parse(text);
  if (!parts) return { number: text, unit: '' };
  const whole = parts.digits.replace(/\B(?=(\d{3})+$)/g, '\u202f');
  const cut = parts.fraction.slice(0, SHOWN).replace(/0+$/, '');
  const tiny = parts.digits === '0' && cut === '' && /[1-9]/.test(parts.fraction);
  if (tiny) return { number: `< 0.${'0'.repeat(SHOWN - 1)}1`, unit: parts.unit };
  return { number: cut ? `${whole}.${cut}` : whole, unit: parts.unit };
}

/** The smallest units of an amount in KMS. */
export function units(text: string | null): bigint {
  const parts = text === null ? null : parse(text);
  return parts ? BigInt(parts.digits + parts.fraction.padEnd(DECIMALS, '0')) : 0n;
}

/** The exact text of an amount in KMS. */
export function kms(value: bigint): string {
  const digits = value.toString().padStart(DECIMALS + 1, '0');
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  return `${digits.slice(0, -DECIMALS)}${fraction ? `.${fraction}` : ''} KMS`;
}

/** For drawing only. */
export function float(text: string | null): number {
  return Number(units(text)) / 1e18;
}

export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** 0x1234…abcd */
export function short(hex: string): string {
  return hex.length > 14 ? `${hex.slice(0, 6)}…${hex.slice(-4)}` : hex;
}

/** "3 d 4 h" */
export function lasting(seconds: number): string {
  const parts: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  let left = Math.max(0, Math.floor(seconds));
  const found: string[] = [];
  for (const [length, name] of parts) {
    const number = Math.floor(left / length);
    left -= number * length;
    if (number > 0) found.push(`${count(number)} ${name}`);
    else if (found.length > 0) break;
    if (found.length === 2) break;
  }
  return found.join(' ') || '0 s';
}

/** When a period begins, in seconds, by the clock of the chain. */
export function begins(period: number, chain: Moment): number | null {
  const { period: now, period_start: start, period_seconds: length } = chain;
  if (now === null || start === null || length === null) return null;
  return start + (period - now) * length;
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function date(seconds: number): string {
  return DATE.format(new Date(seconds * 1000));
}

const WORDS: Record<string, string> = {
  register_node: 'Register the node’s URL',
  set_min_rate: 'Post the least rate',
  confirm_activity: 'Confirm activity',
  confirm_and_claim: 'Confirm activity and claim',
  claim: 'Claim the reward',
  collect: 'Collect fees',
  answer_challenge: 'Answer a challenge',
};

export function kind(name: string): string {
  return WORDS[name] ?? name.replaceAll('_', ' ');
}

const CHECKS: Record<string, string> = {
  chain_view: 'The chain is followed',
  head_fresh: 'The newest block is fresh',
  standing_known: 'The standing is known',
  store: 'The database answers',
  shutdown: 'The node runs on',
  events_complete: 'No event is missing',
  endpoints_agree: 'The endpoints agree',
  browsers: 'Pages in browsers can call the node',
  disk: 'There is room on the disk',
  task_chain: 'The follower makes progress',
  task_duties: 'The duties make progress',
  task_http: 'The server makes progress',
  task_sweeper: 'The sweeper makes progress',
  rpc: 'The endpoints answer',
  duties: 'The duties are done',
  fees_within_cap: 'Gas is below the cap',
  worker_bonded: 'The worker is bonded',
  next_period_leased: 'The next period is leased',
  not_suspended: 'The miner is not suspended',
  worker_balance: 'The worker has ether',
  transaction_age: 'No transaction is stuck',
  no_challenge: 'No challenge is open',
  stake_locked: 'The stake is locked',
  erased_log: 'Erased kfrags left the log',
  erasure_evidence: 'The ends of policies are proved',
};

export function check(id: string): string {
  return CHECKS[id] ?? id.replaceAll('_', ' ');
}
