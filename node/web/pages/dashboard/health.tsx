// Every check with its remedy, the tasks, and the endpoints of the chain.
import type { Check, Health } from './api';
import { check, count, lasting } from './format';
import { Page, Table, Tag, useAnswer } from './parts';

const GROUPS: [Check['concern'], string, string][] = [
  ['serving', 'Serving', 'Would a reader be answered rightly?'],
  ['earning', 'Earning', 'Does the miner earn, and go on earning?'],
  ['pages', 'Browsers', 'Can pages in browsers call this node?'],
];
const TASKS: Record<string, string> = {
  chain: 'Following the chain',
  duties: 'Duties on chain',
  http: 'Answering readers',
  sweeper: 'Erasing kfrags',
};

export function HealthPage({ beat }: { beat: number }) {
  const from = useAnswer<Health>('health', beat);
  return (
    <Page title="Health" lead="What the node checks by itself, and what to do where it fails." from={from}>
      {(of) => (
        <>
          <div class="columns three">
            {GROUPS.map(([concern, title, lead]) => (
              <Group key={concern} title={title} lead={lead} checks={of.checks.filter((one) => one.concern === concern)} />
            ))}
          </div>
          <div class="columns">
            <section class="panel wide">
              <h3>Endpoints of the chain</h3>
              {of.endpoints.length === 0 ? (
                <p class="muted">None is connected yet.</p>
              ) : (
                <Table
                  caption="Endpoints of the chain"
                  columns={[
                    { name: 'Endpoint' },
                    { name: 'State' },
                    { name: 'Last answer', end: true },
                    { name: 'Requests', end: true },
                  ]}
                  rows={of.endpoints.map((one) => ({
                    key: one.name,
                    cells: [
                      <span class="wrap">{one.name}</span>,
                      one.failures > 0 ? (
                        <Tag tone="bad">{`${one.failures} failures in a row`}</Tag>
                      ) : one.verified ? (
                        <Tag tone="good">answers</Tag>
                      ) : (
                        <Tag tone="calm">not asked yet</Tag>
                      ),
                      one.latency_ms === null ? '–' : `${count(one.latency_ms)} ms`,
                      count(one.requests),
                    ],
                  }))}
                />
              )}
            </section>
            <section class="panel">
              <h3>Tasks</h3>
              <dl>
                {of.tasks.map(({ task, age_ms }) => (
                  <>
                    <dt>{TASKS[task] ?? task}</dt>
                    <dd>{age_ms < 2000 ? 'making progress' : `last progress ${lasting(age_ms / 1000)} ago`}</dd>
                  </>
                ))}
                <dt>Open connections</dt>
                <dd>{count(of.connections)}</dd>
                <dt>Requests at work</dt>
                <dd>{count(of.queue)}</dd>
              </dl>
            </section>
          </div>
        </>
      )}
    </Page>
  );
}

function Group({ title, lead, checks }: { title: string; lead: string; checks: Check[] }) {
  const failing = checks.filter((one) => !one.ok).length;
  return (
    <section class="panel">
      <h3>
        {title} {failing > 0 ? <Tag tone="bad">{`${failing} failing`}</Tag> : <Tag tone="good">fine</Tag>}
      </h3>
      <p class="note">{lead}</p>
      <ul class="checks">
        {[...checks].sort((a, b) => Number(a.ok) - Number(b.ok)).map((one) => (
          <li key={one.id} class={one.ok ? 'ok' : 'fails'}>
            <span class="mark" aria-hidden="true">{one.ok ? '✓' : '!'}</span>
            <div>
              <span class="sr">{one.ok ? 'Holds: ' : 'Fails: '}</span>
              {check(one.id)}
              {!one.ok && (
                <>
                  <p class="reason">{one.reason}</p>
                  <p class="remedy">What to do: {one.remedy}.</p>
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
