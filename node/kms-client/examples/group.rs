//! A group at full size: 50 members, 10,000 messages; one joins with last week's history, one
//! leaves. Prints what each step costs. With `kms dev --miners 3` at work in another terminal, and
//! a home that `kms init --network local` made:
//!
//! `cargo run --release --example group -- HOME PASSPHRASE_FILE [MEMBERS MESSAGES]`

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use kms_client::{
    Admin, Card, Channel, FeeLimit, FolderStore, GrantSpec, GroupLine, History, Home, Label,
    Network, Owner, OwnerKeys, Passphrase, PassphraseProvider, Payer, Rate, ReadLimits, Reader,
    ReaderKey, Repeat, Result, Selection, Silent, Span, Spend, Start, Timeline, Unlock,
    create_group,
};

/// Seconds of a day: the demo's epochs are a day long.
const DAY: u64 = 86_400;

struct FromFile(PathBuf);

impl PassphraseProvider for FromFile {
    fn passphrase(&self, _: Unlock) -> Result<Passphrase> {
        let text = std::fs::read_to_string(&self.0);
        let text = text.map_err(|source| kms_client::Error::io(&self.0, source))?;
        Ok(Passphrase::new(text.trim_end().to_owned()))
    }
}

/// What the demo works with.
struct Demo {
    home: Home,
    keys: OwnerKeys,
    network: Network,
    payer: Payer,
    lock: kms_client::HomeLock,
    store: FolderStore,
    line: GroupLine,
    started: Instant,
}

fn spec(label: Label, card: Card) -> Result<GrantSpec> {
    Ok(GrantSpec {
        label,
        card,
        threshold: 2,
        shares: 3,
        start: Start::Now,
        span: Span::Periods(200),
        rate: Rate::Market,
        max_fee: FeeLimit::AsQuoted,
        selection: Selection::random()?,
        repeat: Repeat::Refuse,
    })
}

impl Demo {
    fn admin(&self, now: u64) -> Admin<'_> {
        Admin {
            owner: Owner::new(&self.home, &self.network, self.network.nodes()),
            keys: &self.keys,
            line: &self.line,
            store: &self.store,
            seen: None,
            now,
        }
    }

    fn spend(&self) -> Spend<'_> {
        Spend {
            lock: &self.lock,
            pay: &self.payer,
        }
    }

    /// Says what was done, and how long it took.
    fn told(&mut self, what: &str) {
        let took = self.started.elapsed();
        let line = format!("{:>9.2} s  {what}\n", took.as_secs_f64());
        // A closed output ends nothing.
        let _ = io::stdout().lock().write_all(line.as_bytes());
        self.started = Instant::now();
    }

    async fn add(&self, devices: &[(String, Card)], history: History, now: u64) -> Result<usize> {
        let admin = self.admin(now);
        let added = admin
            .add(devices, history, &spec, self.spend(), &Silent)
            .await?;
        self.payer.acknowledge()?;
        let mut transactions: Vec<_> = added.grants.iter().map(|grant| grant.tx_hash).collect();
        transactions.dedup();
        Ok(transactions.len())
    }

    async fn open(&self, key: &ReaderKey) -> Result<Channel> {
        let keys = std::slice::from_ref(key);
        let limits = ReadLimits {
            total_ms: 120_000,
            start_wait_s: 60,
            ..ReadLimits::default()
        };
        let reader = Reader::new(keys, &self.network, self.network.nodes()).with_limits(limits);
        Channel::open(&self.line, &self.store, None, &reader, &Silent).await
    }

    async fn read(&self, channel: &mut Channel) -> Result<Timeline> {
        let timeline = channel.read(&self.store).await?;
        for finding in &timeline.findings {
            let _ = writeln!(io::stdout().lock(), "finding: {finding}");
        }
        Ok(timeline)
    }
}

/// Members write in turns, over days of one epoch each.
async fn talk(demo: &mut Demo, people: &[(String, ReaderKey)], plan: &Plan) -> Result<()> {
    let mut written = 0_usize;
    let mut position = None;
    for day in 1..=plan.days {
        let now = plan.day(day);
        demo.admin(now).begin().await?;
        let mut channels = Vec::with_capacity(people.len());
        for (_, key) in people {
            channels.push(demo.open(key).await?);
        }
        let members = people.len();
        demo.told(&format!(
            "day {day}: an epoch begins, each of {members} members opens it"
        ));
        let until = plan.messages * day / plan.days;
        let turns = written..until;
        for number in turns {
            let turn = number % channels.len().max(1);
            let Some(channel) = channels.get_mut(turn) else {
                break;
            };
            channel.resume_at(position);
            let text = format!("message {number}");
            channel.post(&demo.store, text.as_bytes(), now).await?;
            position = channel.position();
        }
        demo.told(&format!("day {day}: {} messages", until - written));
        written = until;
    }
    Ok(())
}

/// Sizes and dates of the demo.
struct Plan {
    members: usize,
    messages: usize,
    days: usize,
    began: u64,
}

impl Plan {
    fn day(&self, day: usize) -> u64 {
        self.began + DAY * u64::try_from(day).unwrap_or(0)
    }
}

/// Somebody joins with last week's history, and somebody leaves.
async fn join_and_leave(
    demo: &mut Demo,
    people: &[(String, ReaderKey)],
    plan: &Plan,
) -> Result<()> {
    let newcomer = ReaderKey::random()?;
    let devices = [("newcomer".to_owned(), Card::make("newcomer", &newcomer)?)];
    let week_ago = History::Since(plan.day(plan.days - 6));
    let paid = demo.add(&devices, week_ago, plan.day(plan.days)).await?;
    demo.told(&format!(
        "the newcomer is let into last week: {paid} payment"
    ));
    let mut news = demo.open(&newcomer).await?;
    demo.told("the newcomer opens the group, by one capsule");
    let timeline = demo.read(&mut news).await?;
    let (read, closed) = (timeline.entries.len(), timeline.closed);
    demo.told(&format!(
        "the newcomer reads {read} messages; {closed} stay closed to it"
    ));

    let Some((leaver, key)) = people.first() else {
        return Ok(());
    };
    let mut stays = demo.open(key).await?;
    let read = demo.read(&mut stays).await?.entries.len();
    demo.told(&format!("{leaver} reads {read} messages"));
    let names = [leaver.clone()];
    let admin = demo.admin(plan.day(plan.days) + 1);
    let changed = admin.remove(&names, demo.spend(), &Silent).await?;
    let epoch = changed.seen.number;
    demo.told(&format!("{leaver} is removed; epoch {epoch} begins"));
    let refused = demo
        .open(key)
        .await
        .err()
        .map_or("nothing", |error| error.code());
    demo.told(&format!("{leaver} is refused: {refused}"));
    let mut news = demo.open(&newcomer).await?;
    news.post(&demo.store, b"without you", plan.day(plan.days))
        .await?;
    let position = news.position();
    demo.told(&format!(
        "the newcomer posts in epoch {epoch}: {}",
        position.is_some()
    ));
    Ok(())
}

/// The length of everything in a folder, in files and bytes.
fn size_of(folder: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (more, length) = match entry.file_type()?.is_dir() {
            true => size_of(&entry.path())?,
            false => (1, entry.metadata()?.len()),
        };
        (files, bytes) = (files + more, bytes + length);
    }
    Ok((files, bytes))
}

async fn demo(home: &Path, passphrase: &Path, plan: &Plan) -> Result<()> {
    let home = Home::open(home)?;
    let passphrase = FromFile(passphrase.to_path_buf());
    let keys = home.unlock_owner(&passphrase)?;
    let network = Network::connect(home.config()).await?;
    let lock = home.lock()?;
    let payer = Payer::open(&home, &lock, &network, home.unlock_wallet(&passphrase)?)?;
    let folder = home.path().join("group-demo");
    let store = FolderStore::new(&folder);
    let name = format!("demo-{}", plan.began);
    let (line, _) = create_group(&keys, &name, "admin", &store, plan.began).await?;
    let mut demo = Demo {
        home,
        keys,
        network,
        payer,
        lock,
        store,
        line,
        started: Instant::now(),
    };
    let mut people = Vec::with_capacity(plan.members);
    for number in 0..plan.members {
        people.push((format!("member{number}"), ReaderKey::random()?));
    }
    let cards = people
        .iter()
        .map(|(name, key)| Ok((name.clone(), Card::make(name, key)?)));
    let cards = cards.collect::<Result<Vec<_>>>()?;
    let paid = demo.add(&cards, History::FromNow, plan.began).await?;
    demo.told(&format!(
        "{} members are let in: {paid} payment",
        plan.members
    ));
    talk(&mut demo, &people, plan).await?;
    join_and_leave(&mut demo, &people, plan).await?;
    let sizes = [("records", "records"), ("messages", "messages")];
    for (what, inside) in sizes {
        let size = size_of(&folder.join(inside));
        let (files, bytes) = size.map_err(|error| kms_client::Error::io(&folder, error))?;
        demo.told(&format!(
            "{files} {what} of {} bytes each",
            bytes / files.max(1)
        ));
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(home), Some(passphrase)) = (args.next(), args.next()) else {
        return Err("usage: group HOME PASSPHRASE_FILE [MEMBERS MESSAGES]".into());
    };
    let mut number = |usual| args.next().map_or(Ok(usual), |text| text.parse::<usize>());
    let plan = Plan {
        members: number(50)?,
        messages: number(10_000)?,
        days: 14,
        began: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    Ok(demo(Path::new(&home), Path::new(&passphrase), &plan).await?)
}
