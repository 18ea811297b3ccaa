// Am I earning, and is anything wrong?
import type { Check, Earnings, Overview } from './api';
import { check, count, kind, lasting } from './format';
import { Amount, Card, Hex, Page, useAnswer, When } from './parts';

/** The checks that cost money or readers now; others are worth a look. */
const URGENT = [
  'next_period_leased',
  'worker_balance',
  'chain_view',
  'standing_known',
  'not_suspended',
];

export function OverviewPage({ beat }: { beat: number }) {
  const from = useAnswer<Overview>('overview', beat);
  const { answer: earnings } = useAnswer<Earnings>('earnings', beat);
  return (
    <Page title="Overview" lead="Am I earning, and is anything wrong?" from={from}>
      {(of) => (
        <>
          <Verdict of={of} />
          <Failing checks={of.failing.filter((one) => one.concern !== 'pages')} />
          <div class="cards">
            <Card title="Locked" note={lease(of)}>
              <Amount of={of.locked} big />
            </Card>
            <Card title="Reward to claim" note="of completed periods; the node claims by itself">
              <Amount of={of.claimable} big />
            </Card>
            <Card title="Fees to collect" note={`from ${policies(of.policies_paid)}`}>
              <Amount of={of.collectable} big />
            </Card>
            <Card title="This period" note="projected: reward formula on the present totals">
              <Amount of={earnings?.projection?.reward ?? null} big />
            </Card>
            <Card title="Worker’s ether" note={days(of)}>
              <Amount of={of.ether} big />
            </Card>
          </div>
          <div class="columns">
            <section class="panel">
              <h3>What comes next</h3>
              <dl>
                <dt>Next confirmation</dt>
                <dd>
                  {of.next_confirmation === null
                    ? 'none: there is no stake to lease'
                    : of.next_confirmation === of.chain.period
                      ? 'in this period'
                      : <When period={of.next_confirmation} chain={of.chain} />}
                </dd>
                <dt>Under way</dt>
                <dd>
                  {of.open_transactions.length === 0
                    ? 'no transaction'
                    : of.open_transactions.map(kind).join(', ')}
                </dd>
                <dt>Challenges</dt>
                <dd>{of.challenges === 0 ? 'none open' : `${of.challenges} open: the node answers by itself`}</dd>
                <dt>Kfrags held</dt>
                <dd>{count(of.kfrags)}</dd>
              </dl>
            </section>
            <section class="panel">
              <h3>This node</h3>
              <dl>
                <dt>Miner</dt>
                <dd><Hex of={of.miner} /></dd>
                <dt>Worker</dt>
                <dd><Hex of={of.worker} /></dd>
                <dt>URL</dt>
                <dd class="wrap">{of.url}</dd>
                <dt>Chain looked at</dt>
                <dd>{of.view_age_ms === null ? 'not yet' : `${lasting(of.view_age_ms / 1000)} ago`}</dd>
              </dl>
            </section>
          </div>
        </>
      )}
    </Page>
  );
}

function policies(number: number): string {
  return number === 1 ? '1 paid policy' : `${count(number)} paid policies`;
}

function lease(of: Overview): string {
  if (of.lease_through === null) return 'never leased yet';
  return `leased through period ${count(of.lease_through)}`;
}

function days(of: Overview): string {
  if (of.ether_days === null) return 'for gas';
  const known = of.ether_days > 36_500 ? 'more than 100 years' : lasting(of.ether_days * 86_400);
  return `gas for ${known} at the present price`;
}

function Verdict({ of }: { of: Overview }) {
  const [tone, title, text] = !of.ready
    ? ['bad', 'Not serving', 'Readers are refused until this is mended.']
    : !of.earning
      ? ['warn', 'Serving, but something costs money', 'Readers are answered. See below what to do.']
      : ['good', 'Earning', 'Readers are answered, the lease is in force, nothing is wrong.'];
  return (
    <section class={`verdict ${tone}`}>
      <span class="dot" aria-hidden="true" />
      <div>
        <h3>{title}</h3>
        <p>{text}</p>
      </div>
    </section>
  );
}

function Failing({ checks }: { checks: Check[] }) {
  const urgent = (one: Check) => one.concern === 'serving' || URGENT.includes(one.id);
  return (
    <>
      {checks.map((one) => (
        <div key={one.id} class={`banner ${urgent(one) ? 'bad' : 'warn'}`}>
          <strong>Failing: “{check(one.id)}”.</strong> {one.reason}.
          <span class="remedy">What to do: {one.remedy}.</span>
        </div>
      ))}
    </>
  );
}
