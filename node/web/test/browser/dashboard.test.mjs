// The dashboard against a real node of `kms dev`, in Chromium: figures, policy of contents, screens.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const kms = process.env.KMS ?? path.join(root, 'target/release/kms');
const shots = process.env.KMS_SCREENSHOTS ?? path.join(root, 'target/screenshots');
const pages = ['overview', 'earnings', 'stake', 'policies', 'transactions', 'health'];
const LIMIT_MS = 240_000;

let folder, dev, miner, browser;

/** Asks until there is an answer; fails once it takes too long. */
async function until(what, look) {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}


/** What the contracts say, read by the command line and not by the node. */
function chain(...args) {
  const env = {
    ...process.env,
    KMS_HOME: path.join(folder, 'home'),
    KMS_PASSPHRASE_FILE: path.join(folder, 'passphrase'),
  };
  return JSON.parse(execFileSync(kms, [...args, '--json'], { env, encoding: 'utf8' }));
}

/** The exact text of an amount of units. */
function exact(units) {
  const digits = units.padStart(19, '0');
  const part = digits.slice(-18).replace(/0+$/, '');
  return `${digits.slice(0, -18)}${part && `.${part}`} KMS`;
}

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kms-dashboard-'));
  let out = '';
  dev = spawn(kms, ['dev', '--json', '--port', '0', '--miners', '2', '--deployments', folder], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  dev.stdout.on('data', (bytes) => (out += bytes));
  dev.stderr.on('data', (bytes) => (out += bytes));
  const line = await until('the report of kms dev', () => {
    assert.equal(dev.exitCode, null, out);
    return out.split('\n').find((text) => text.includes('"rpc_url"'));
  });
  miner = JSON.parse(line).miners[0];
  writeFileSync(path.join(folder, 'passphrase'), 'of no use', { mode: 0o600 });
  chain('init', '--network', path.join(folder, '31337.json'));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  await until('a claimed reward', async () => (await ask('earnings')).totals.claimed !== '0 KMS');
});

after(async () => {
  await browser?.close();
  dev?.kill('SIGINT');
  if (dev) await until('the end of kms dev', () => dev.exitCode !== null || dev.signalCode !== null);
  rmSync(folder, { recursive: true, force: true });
});

async function ask(page) {
  return (await fetch(`${miner.dashboard}/v1/admin/${page}`)).json();
}

/** A page that keeps what it did wrong. */
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (message) => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(miner.dashboard)) wrong.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP ${event.violatedDirective}`));
  });
  await page.goto(`${miner.dashboard}/#/${name}`);
  await page.waitForSelector('article .card, article .panel, article table, article .empty');
  return { page, wrong, close: () => context.close() };
}

for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 1440, 3840]) {
    test(`every page, ${colorScheme}, ${width} px: nothing off its origin, nothing in the console, in its width`, async () => {
      mkdirSync(shots, { recursive: true });
      for (const name of pages) {
        const height = width === 360 ? 800 : 900;
        const { page, wrong, close } = await open(name, { colorScheme, viewport: { width, height } });
        await page.screenshot({ path: path.join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
        const [inner, scrolled] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
        assert.ok(scrolled <= inner, `${name} is ${scrolled} px wide`);
        assert.deepEqual(wrong, [], name);
        await close();
      }
    });
  }
  test(`axe finds nothing, ${colorScheme}`, async () => {
    // Puts axe into the page past its policy of contents.
    for (const name of pages) {
      const { page, close } = await open(name, { colorScheme, bypassCSP: true });
      await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
      const found = await page.evaluate(() => globalThis.axe.run());
      const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
      assert.deepEqual(told, [], name);
      await close();
    }
  });
}

/** The exact amounts of the cards on the page, by their titles. */
function cards(page) {
  return page.locator('.card').evaluateAll((all) =>
    Object.fromEntries(all.map((card) => [card.querySelector('h3').textContent, card.querySelector('data')?.value])),
  );
}

test('the stake is that of the chain', async () => {
  const { page, close } = await open('stake');
  const told = chain('stake', 'status', miner.miner);
  const shown = await cards(page);
  assert.equal(shown.Locked, exact(told.locked));
  assert.equal(shown.Unbonding, exact(told.unbonding));
  const listed = await page.locator('dl').innerText();
  assert.ok(listed.includes(told.url));
  assert.equal(await page.locator('dl .hex').getAttribute('title'), `${told.worker} (click to copy)`);
  await close();
});

test('what was earned is what the chain paid and owes', async () => {
  const { page, close } = await open('overview');
  // Both change with each period: they are compared between two equal answers of the chain.
  await until('the same figure from node and chain', async () => {
    const earlier = chain('stake', 'status', miner.miner);
    const shown = await cards(page);
    const { totals, periods } = await ask('earnings?from=1');
    const later = chain('stake', 'status', miner.miner);
    if (JSON.stringify(earlier) !== JSON.stringify(later)) return false;
    const units = (text) => BigInt(text.replace(/ KMS|\./g, '').padEnd(text.includes('.') ? text.indexOf('.') + 18 : text.length - 4 + 18, '0'));
    const rows = periods.reduce((sum, row) => sum + (row.reward === null ? 0n : units(row.reward)), 0n);
    return (
      shown.Locked === exact(later.locked) &&
      shown['Reward to claim'] === exact(later.claimable) &&
      totals.claimed === exact(later.balance) &&
      rows === BigInt(later.balance) + BigInt(later.claimable)
    );
  });
  await close();
});

test('the keyboard reaches every page', async () => {
  const { page, close } = await open('overview');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  for (const name of pages.slice(1)) {
    await page.locator(`nav a[href="#/${name}"]`).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(
      (hash) => location.hash === hash && document.activeElement.id === 'content',
      `#/${name}`,
    );
  }
  await close();
});

test('the dashboard has at most 60 KB, compressed', async () => {
  let bytes = 0;
  for (const name of ['', 'app.js', 'style.css', 'icon.svg']) {
    bytes += gzipSync(Buffer.from(await (await fetch(`${miner.dashboard}/${name}`)).arrayBuffer())).length;
  }
  assert.ok(bytes <= 60_000, `${bytes} bytes`);
});
