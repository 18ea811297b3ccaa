// The dashboard of a node: six pages over its operator's port. Nothing here changes anything.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Moment, Overview } from './api';
import { count } from './format';
import { Hex, useAnswer } from './parts';
import { OverviewPage } from './overview';
import { EarningsPage } from './earnings';
import { StakePage } from './stake';
import { PoliciesPage } from './policies';
import { TransactionsPage } from './transactions';
import { HealthPage } from './health';

const PAGES = {
  overview: { name: 'Overview', page: OverviewPage },
  earnings: { name: 'Earnings', page: EarningsPage },
  stake: { name: 'Stake', page: StakePage },
  policies: { name: 'Policies', page: PoliciesPage },
  transactions: { name: 'Transactions', page: TransactionsPage },
  health: { name: 'Health', page: HealthPage },
};
type Name = keyof typeof PAGES;

function named(): Name {
  const name = location.hash.replace(/^#\/?/, '');
  return name in PAGES ? (name as Name) : 'overview';
}

/** Least time between two questions that new blocks cause. */
const PAUSE_MS = 1000;

/** Counts new snapshots, and says whether the node is still there. */
function useBeat(): { beat: number; moment: Moment | null; lost: boolean } {
  const [state, setState] = useState<{ beat: number; moment: Moment | null; lost: boolean }>({
    beat: 0,
    moment: null,
    lost: false,
  });
  useEffect(() => {
    const events = new EventSource('v1/admin/events');
    let newest: Moment | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer = undefined;
      setState((last) => ({ beat: last.beat + 1, moment: newest, lost: false }));
    };
    events.onmessage = (event: MessageEvent<string>) => {
      newest = JSON.parse(event.data) as Moment;
      timer ??= setTimeout(tell, PAUSE_MS);
    };
    events.onerror = () => setState((last) => ({ ...last, lost: true }));
    events.onopen = () => setState((last) => ({ ...last, lost: false }));
    return () => {
      clearTimeout(timer);
      events.close();
    };
  }, []);
  return state;
}

function App() {
  const [name, setName] = useState(named);
  useEffect(() => {
    const turn = () => {
      setName(named());
      document.getElementById('content')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', turn);
    return () => removeEventListener('hashchange', turn);
  }, []);
  const { beat, moment, lost } = useBeat();
  const { answer: overview } = useAnswer<Overview>('overview', beat);
  const Shown = PAGES[name].page;
  useEffect(() => {
    document.title = `${PAGES[name].name} · KMS node`;
  }, [name]);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => {
        event.preventDefault();
        document.getElementById('content')?.focus();
      }}>
        Skip to the content
      </a>
      <header class="top">
        <div class="bar">
          <h1>
            <img src="icon.svg" alt="" width="28" height="28" /> KMS node
          </h1>
          {overview && <State overview={overview} lost={lost} />}
          <div class="where">
            {overview && <span>Miner <Hex of={overview.miner} /></span>}
            {moment?.head != null && <span>Block {count(moment.head)}</span>}
            {moment?.period != null && <span>Period {count(moment.period)}</span>}
          </div>
        </div>
        <nav aria-label="Pages">
          {Object.entries(PAGES).map(([key, { name: label }]) => (
            <a key={key} href={`#/${key}`} aria-current={key === name ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
      </header>
      <main id="content" tabIndex={-1}>
        {lost && (
          <p class="banner bad" role="alert">
            <strong>The node does not answer.</strong> It may have stopped, or the tunnel to it is
            closed. This page goes on by itself when it is back.
          </p>
        )}
        <Shown beat={beat} />
      </main>
      <footer>
        {overview && <span>Version {overview.version}, chain {overview.chain_id}</span>}
        <span>Read only: nothing on this page changes the node or the stake.</span>
      </footer>
    </>
  );
}

function State({ overview, lost }: { overview: Overview; lost: boolean }) {
  const [tone, text] = lost
    ? ['bad', 'No answer']
    : !overview.ready
      ? ['bad', 'Not serving']
      : !overview.earning
        ? ['warn', 'Needs a look']
        : ['good', 'Earning'];
  return (
    <span class={`state ${tone}`} role="status">
      <span class="dot" aria-hidden="true" /> {text}
    </span>
  );
}

const root = document.getElementById('app');
if (root) {
  root.replaceChildren();
  render(<App />, root);
}
