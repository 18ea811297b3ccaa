// The position, and the days on which something becomes possible or ends.
import type { ComponentChildren } from 'preact';
import type { Stake } from './api';
import { begins, count, date, lasting, units } from './format';
import { Amount, Card, Empty, Hex, Page, useAnswer } from './parts';

export function StakePage({ beat }: { beat: number }) {
  const from = useAnswer<Stake | null>('stake', beat);
  return (
    <Page title="Stake" lead="What is locked, for how long, and when it comes free." from={from}>
      {(of) => (of === null ? <Unread /> : units(of.locked) + units(of.unbonding) === 0n ? <None /> : <Position of={of} />)}
    </Page>
  );
}

function Unread() {
  return (
    <Empty title="The chain is not read yet">
      The node is still following the chain to its head. The stake shows as soon as it is there.
    </Empty>
  );
}

function None() {
  return (
    <Empty title="Nothing is locked">
      Lock tokens with the owner’s key: <code>kms stake create</code>. Then bond this node’s worker:{' '}
      <code>kms worker bond</code>.
    </Empty>
  );
}

interface Entry {
  period: number;
  title: string;
  text: ComponentChildren;
}

function Position({ of }: { of: Stake }) {
  const length = of.chain.period_seconds ?? 0;
  const entries = calendar(of);
  return (
    <>
      <div class="cards">
        <Card title="Locked" note="weighs in the choice of miners and in the reward">
          <Amount of={of.locked} big />
        </Card>
        <Card title="Weight of the lease" note="what the reward formula counts">
          <Amount of={of.weight} big />
        </Card>
        <Card title="Lock" note={`${lasting(of.lock_periods * length)} from a wind-down or an unbond on`}>
          <span class="big">{count(of.lock_periods)}</span> <span class="unit">periods</span>
        </Card>
        <Card title="Unbonding" note={units(of.unbonding) > 0n ? 'cannot earn, still liable' : 'nothing leaves'}>
          <Amount of={of.unbonding} big />
        </Card>
      </div>
      <div class="columns">
        <section class="panel wide">
          <h3>Calendar</h3>
          <ol class="calendar">
            {entries.map((entry) => {
              const at = begins(entry.period, of.chain);
              const past = entry.period <= (of.chain.period ?? 0);
              return (
                <li key={entry.title} class={past ? 'past' : ''}>
                  <div class="day">
                    {at !== null && <time dateTime={new Date(at * 1000).toISOString()}>{date(at)}</time>}
                    <span class="muted">period {count(entry.period)}</span>
                  </div>
                  <div>
                    <strong>{entry.title}</strong>
                    <p>{entry.text}</p>
                  </div>
                </li>
              );
            })}
          </ol>
        </section>
        <section class="panel">
          <h3>On chain</h3>
          <dl>
            <dt>Worker</dt>
            <dd>{of.worker ? <Hex of={of.worker} /> : 'none bonded'}</dd>
            <dt>Least rate</dt>
            <dd><Amount of={of.min_rate} /> per period</dd>
            <dt>URL</dt>
            <dd class="wrap">{of.url || 'not registered'}</dd>
          </dl>
        </section>
      </div>
    </>
  );
}

function calendar(of: Stake): Entry[] {
  const now = of.chain.period ?? 0;
  const entries: Entry[] = [{ period: now, title: 'Today', text: today(of, now) }];
  const add = (period: number | null, title: string, text: ComponentChildren) => {
    if (period !== null && period > now) entries.push({ period, title, text });
  };
  add(of.next_confirmation, 'Next confirmation', 'The node lengthens the lease by itself.');
  if (of.lease_through !== null) {
    add(of.lease_through + 1, 'The lease is over', 'Unless the node confirms before, nothing is earned from here on.');
  }
  if (of.suspended_through !== null) {
    add(of.suspended_through + 1, 'The suspension is over', 'The node confirms again by itself.');
  }
  if (of.unlock_period !== null) {
    add(of.unlock_period, 'The stake is free', 'All that is locked can be withdrawn by its owner.');
  }
  if (units(of.unbonding) > 0n) {
    add(of.release_period, 'The unbonded part is free', <><Amount of={of.unbonding} /> can be withdrawn by the owner.</>);
  }
  if (of.unlock_period === null) {
    add(now + 1 + of.lock_periods, 'Earliest freedom', 'If the owner began a wind-down now, the stake would be free then.');
  }
  return entries.sort((a, b) => a.period - b.period);
}

function today(of: Stake, now: number): string {
  if (of.suspended_through !== null && of.suspended_through >= now) return 'Suspended: no reward, no lease.';
  if (of.lease_through === null || of.lease_through < now) return 'No lease: this period earns nothing.';
  return 'Leased and earning.';
}
