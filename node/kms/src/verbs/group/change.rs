//! What the admin changes: `kms group create|add|remove|epoch`.

use std::fmt;

use kms_client::{
    Admin, Changed, GroupEntry, History, Repeat, Seen, WaitLimits, create_group, store_at,
};
use kms_protocol::{B256, PolicyId};
use serde::Serialize;

use super::args::{AddArgs, CreateArgs, RemoveArgs};
use super::open::now;
use crate::context::Context;
use crate::failure::Outcome;
use crate::progress::Steps;
use crate::session::{Account, Session};
use crate::time::Moment;
use crate::verbs::grant::rehearse;

#[derive(Serialize)]
struct CreatedReport {
    name: String,
    line: String,
}

impl fmt::Display for CreatedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

#[derive(Serialize)]
struct ChangedReport {
    group: String,
    epoch: u64,
    /// First epoch that those who were let in may read.
    from: u64,
    policies: Vec<PolicyId>,
    /// The transactions that paid for them.
    transactions: Vec<B256>,
    revoked: Vec<PolicyId>,
}

impl fmt::Display for ChangedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, epoch, .. } = self;
        write!(f, "{group}: epoch {epoch} has begun")?;
        if !self.policies.is_empty() {
            let (grants, transactions) = (self.policies.len(), self.transactions.len());
            write!(f, "\n{grants} grants, paid by {transactions} transactions")?;
            write!(f, "; they open epoch {} and those after it", self.from)?;
        }
        if !self.revoked.is_empty() {
            write!(f, "\n{} grants revoked", self.revoked.len())?;
        }
        Ok(())
    }
}

impl ChangedReport {
    fn new(group: &str, changed: &Changed) -> Self {
        let mut transactions: Vec<B256> = changed.grants.iter().map(|g| g.tx_hash).collect();
        transactions.sort_unstable();
        transactions.dedup();
        Self {
            group: group.to_owned(),
            epoch: changed.seen.number,
            from: changed.from,
            policies: changed.grants.iter().map(|grant| grant.policy).collect(),
            transactions,
            revoked: changed
                .revocations
                .iter()
                .map(|report| report.policy)
                .collect(),
        }
    }
}

pub(super) async fn create(args: &CreateArgs, context: &Context) -> Outcome {
    let home = context.home()?;
    let lock = context.lock(&home)?;
    if home.groups()?.iter().any(|(name, _)| *name == args.name) {
        let name = args.name.clone();
        return Err(kms_client::Error::from(kms_client::GroupError::Exists { name }).into());
    }
    let keys = home.unlock_owner(&context.passphrases)?;
    let path = std::path::absolute(&args.store);
    let path = path.map_err(|error| kms_client::Error::io(&args.store, error))?;
    let store = store_at(&path)?;
    let (line, seen) = create_group(&keys, &args.name, &args.admin, &*store, now()).await?;
    let mut entry = GroupEntry::new(line.clone(), path);
    entry.seen = Some(seen);
    home.add_group(&lock, &args.name, &entry)?;
    context.out.emit(&CreatedReport {
        name: args.name.clone(),
        line: line.to_string(),
    })
}

/// The admin's home, with its account.
struct AdminSession {
    session: Session,
    account: Account,
    keys: kms_client::OwnerKeys,
    entry: GroupEntry,
    store: Box<dyn kms_client::GroupStore>,
}

impl AdminSession {
    async fn open(name: &str, context: &Context) -> Outcome<Self> {
        let session = Session::open(context).await?;
        let entry = session.home.group(name)?;
        let store = store_at(&entry.store)?;
        let keys = session.home.unlock_owner(&context.passphrases)?;
        let account = session.account(context)?;
        Ok(Self {
            session,
            account,
            keys,
            entry,
            store,
        })
    }

    fn admin(&self) -> Admin<'_> {
        Admin {
            owner: self.session.owner(),
            keys: &self.keys,
            line: &self.entry.line,
            store: &*self.store,
            seen: self.entry.seen,
            now: now(),
        }
    }

    /// Remembers the new record, then tells of it.
    fn done(mut self, name: &str, changed: &Changed, context: &Context) -> Outcome {
        self.entry.seen = Some(changed.seen);
        let lock = self.account.spend().lock;
        self.session.home.set_group(lock, name, &self.entry)?;
        context.out.emit(&ChangedReport::new(name, changed))?;
        self.account.told()
    }
}

pub(super) async fn add(args: &AddArgs, context: &Context) -> Outcome {
    let span = args.terms.span()?;
    let open = AdminSession::open(&args.name, context).await?;
    let mut devices = Vec::with_capacity(args.member.len());
    for member in &args.member {
        devices.push((member.name.clone(), open.session.home.card(&member.card)?));
    }
    let history = match (args.since, args.through) {
        (None, _) => History::FromNow,
        (Some(Moment(since)), None) => History::Since(since),
        (Some(Moment(since)), Some(Moment(through))) => History::Window(since, through),
    };
    let spec = |label, card| args.terms.spec(label, card, span, Repeat::Refuse);
    let admin = open.admin();
    if args.dry.dry_run {
        let quotes = admin.quotes(&devices, history, &spec).await?;
        return rehearse(&quotes, &open.keys, &open.session, context).await;
    }
    let steps = Steps::new(context.out, "has stored its kfrag");
    let changed = admin.add(&devices, history, &spec, open.account.spend(), &steps);
    let changed = changed.await?;
    open.done(&args.name, &changed, context)
}

pub(super) async fn remove(args: &RemoveArgs, context: &Context) -> Outcome {
    let open = AdminSession::open(&args.name, context).await?;
    let steps = Steps::new(context.out, "has erased its kfrag");
    let limits = WaitLimits {
        revoke_ms: args.wait.saturating_mul(1000),
        ..Default::default()
    };
    let admin = open.admin();
    let admin = Admin {
        owner: admin.owner.with_limits(limits),
        ..admin
    };
    let changed = admin
        .remove(&args.member, open.account.spend(), &steps)
        .await?;
    open.done(&args.name, &changed, context)
}

pub(super) async fn epoch(name: &str, context: &Context) -> Outcome {
    let open = AdminSession::open(name, context).await?;
    let seen: Seen = open.admin().begin().await?;
    let changed = Changed {
        seen,
        from: seen.number,
        grants: Vec::new(),
        revocations: Vec::new(),
    };
    open.done(name, &changed, context)
}
