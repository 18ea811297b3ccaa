//! What the admin of a group does: makes it, lets people in from a date on, takes them out. Money
//! and miners first, then the record: a record never promises what was not paid for, and never
//! opens an epoch while somebody who was taken out could still reach it. Nobody else is needed.
//! Neighbours: `owner` grants and revokes, `begin` makes the record.

use std::collections::BTreeSet;

use kms_protocol::B256;
use umbral::PublicKey;

use super::begin::{Change, Reach, reach};
use super::channel::Channel;
use super::epochs::{epoch_key, mailboxes};
use super::error::GroupError;
use super::ledger::{Ledger, Seen};
use super::line::GroupLine;
use super::record::Draft;
use super::sheet::{Member, Sheet};
use super::store::{GroupStore, put_record};
use crate::error::{Error, Result};
use crate::owner::{Ending, GrantReport, GrantSpec, Owner, Quote, RevocationReport, Spend};
use crate::plan::Plan;
use crate::ports::Scope;
use crate::progress::Progress;
use kms_core::card::{Card, check_card_name};
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// The admin of a group.
#[derive(Clone, Copy)]
pub struct Admin<'a> {
    /// Grants and revokes.
    pub owner: Owner<'a>,
    /// The seed's keys.
    pub keys: &'a OwnerKeys,
    /// The group.
    pub line: &'a GroupLine,
    /// Where its items lie.
    pub store: &'a dyn GroupStore,
    /// The newest record that this home has seen.
    pub seen: Option<Seen>,
    /// The time, in seconds since 1970: an epoch that is begun begins then.
    pub now: u64,
}

/// Which part of a group's history somebody is let into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// From the epoch that begins now.
    FromNow,
    /// From the first epoch that begins at this time or later; never more than was meant.
    Since(u64),
    /// The epochs that begin in this time and before the second one: reading, not writing.
    Window(u64, u64),
}

/// A change of members that is in force.
#[derive(Debug)]
pub struct Changed {
    /// The record that says so.
    pub seen: Seen,
    /// The first epoch that the people who were let in may read.
    pub from: u64,
    /// What was paid for; empty where a grant was in force already.
    pub grants: Vec<GrantReport>,
    /// What was taken back.
    pub revocations: Vec<RevocationReport>,
}

/// Makes a group whose only member is the admin's own reader key, under a name of its choice.
///
/// # Errors
/// [`kms_core::Error::NameInvalid`], those of the store.
pub async fn create_group(
    keys: &OwnerKeys,
    name: &str,
    admin: &str,
    store: &dyn GroupStore,
    now: u64,
) -> Result<(GroupLine, Seen)> {
    check_card_name(admin)?;
    let signer = keys.group_signer(name)?;
    let line = GroupLine::new(name, signer.verifying_key())?;
    let group = line.id();
    let nonce = B256::random()?;
    let sheet = Sheet {
        mailboxes: mailboxes(keys, &group)?,
        order: 0,
        members: vec![Member {
            name: admin.to_owned(),
            key: keys.reader(0)?.receiving_key(),
            door: None,
        }],
        heads: Vec::new(),
    };
    let draft = Draft {
        number: 0,
        previous: B256::ZERO,
        begins: now,
        nonce,
        doors: Vec::new(),
        sheet: sheet.seal(&group, 0, &epoch_key(keys, &group, 0, &nonce)?)?,
    };
    put_record(store, 0, &draft.signed(&group, &signer)?).await?;
    let seen = Ledger::read(&line, store, None).await?.newest();
    Ok((line, seen))
}

impl Admin<'_> {
    pub(super) async fn open(&self) -> Result<Channel> {
        Channel::open_as_admin(self.line, self.store, self.seen, self.keys).await
    }

    /// What it would cost to let devices in; changes nothing.
    ///
    /// # Errors
    /// As [`Admin::add`].
    pub async fn quotes(
        &self,
        devices: &[(String, Card)],
        history: History,
        spec_of: &(dyn Fn(Label, Card) -> Result<GrantSpec> + Sync),
    ) -> Result<Vec<Quote>> {
        let channel = self.open().await?;
        let label = self.door_label(self.reach(&channel, devices, history)?)?;
        let key = self.keys.producer_key(&label)?;
        let mut quotes = Vec::with_capacity(devices.len());
        for (_, card) in devices {
            let spec = spec_of(label.clone(), card.clone())?;
            quotes.push(self.owner.quote_for(&spec, key.clone()).await?);
        }
        Ok(quotes)
    }

    /// The epochs that devices are let into, none of which is a member already.
    fn reach(
        &self,
        channel: &Channel,
        devices: &[(String, Card)],
        history: History,
    ) -> Result<Reach> {
        let next = channel.seen().number.saturating_add(1);
        let reach = reach(channel, history, next)?;
        self.check_devices(channel, devices, reach)?;
        Ok(reach)
    }

    /// Lets devices in: one grant for each, all of them paid by one transaction, then one record.
    /// Run again after an interruption, it pays for nothing twice.
    ///
    /// # Errors
    /// [`GroupError::MemberExists`], [`GroupError::WindowEmpty`], those of [`Owner::grant_all`].
    pub async fn add(
        &self,
        devices: &[(String, Card)],
        history: History,
        spec_of: &(dyn Fn(Label, Card) -> Result<GrantSpec> + Sync),
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<Changed> {
        let channel = self.open().await?;
        let reach = self.reach(&channel, devices, history)?;
        let label = self.door_label(reach)?;
        let mut quotes = Vec::new();
        let mut grants = Vec::new();
        for quote in self.quotes(devices, history, spec_of).await? {
            match self.owner.check_grant(&quote, self.keys).await {
                Ok(()) => quotes.push(quote),
                Err(Error::AlreadyGranted { .. }) => {}
                Err(Error::GrantUnfinished { policy, .. }) => {
                    let resumed = self
                        .owner
                        .resume(policy, self.keys, spend, progress)
                        .await?;
                    grants.push(resumed);
                }
                Err(error) => return Err(error),
            }
        }
        let home = self.owner.home();
        home.add_label(spend.lock, self.keys, &label)?;
        for report in self
            .owner
            .grant_all(quotes, self.keys, spend, progress)
            .await?
        {
            grants.push(report?);
        }
        let mut change = Change::default();
        let from = reach.from;
        match reach.is_window {
            true => change.window = Some(reach),
            false => change
                .added
                .extend(devices.iter().map(|(name, card)| Member {
                    name: name.clone(),
                    key: card.receiving_key(),
                    door: Some(from),
                })),
        }
        let seen = self.begin_epoch(&channel, change).await?;
        Ok(Changed {
            seen,
            from,
            grants,
            revocations: Vec::new(),
        })
    }

    /// Takes members out, every device of each name: revokes, waits until so many miners refuse
    /// them that the others are too few, and begins an epoch that they cannot read.
    ///
    /// # Errors
    /// [`GroupError::MemberUnknown`], [`GroupError::RemovalUnconfirmed`], those of
    /// [`Owner::revoke`].
    pub async fn remove(
        &self,
        names: &[String],
        spend: Spend<'_>,
        progress: &dyn Progress,
    ) -> Result<Changed> {
        let channel = self.open().await?;
        let (removed, plan) = self.removal(&channel, names).await?;
        let revocations = self.owner.revoke(&plan, spend, progress).await?;
        for report in &revocations {
            let refusing = report.refusing.len();
            let need = report.asked.saturating_sub(report.need).saturating_add(1);
            if refusing < need {
                return Err(GroupError::RemovalUnconfirmed { refusing, need }.into());
            }
        }
        let change = Change {
            removed,
            ..Change::default()
        };
        let seen = self.begin_epoch(&channel, change).await?;
        Ok(Changed {
            seen,
            from: seen.number,
            grants: Vec::new(),
            revocations,
        })
    }

    /// Plans the revocations that a removal takes; changes nothing.
    ///
    /// # Errors
    /// As [`Admin::remove`].
    pub async fn plan_removal(&self, names: &[String]) -> Result<Plan<Vec<Ending>>> {
        let channel = self.open().await?;
        Ok(self.removal(&channel, names).await?.1)
    }

    /// The keys of these members, and what revokes their grants.
    async fn removal(
        &self,
        channel: &Channel,
        names: &[String],
    ) -> Result<(Vec<PublicKey>, Plan<Vec<Ending>>)> {
        let newest = channel.seen().number;
        let sheet = &channel
            .epochs
            .get(&newest)
            .ok_or(Error::Bug("an admin opens all"))?
            .sheet;
        let mut removed = Vec::new();
        let mut policies = Vec::new();
        for name in names {
            let before = removed.len();
            for member in sheet.members.iter().filter(|member| member.name == *name) {
                removed.push(member.key);
                if let Some(from) = member.door {
                    let label = self.door_label(Reach::onwards(from, newest))?;
                    let of_pair = self.owner.policies_of_key(&label, &member.key, self.keys);
                    policies.extend(of_pair.await?);
                }
            }
            if removed.len() == before {
                let name = name.clone();
                return Err(GroupError::MemberUnknown { name }.into());
            }
        }
        let plan = self.owner.plan_revocation(&policies, Scope::Policy).await?;
        Ok((removed, plan))
    }

    /// Begins an epoch with the same members: the next date from which somebody can be let in.
    ///
    /// # Errors
    /// Those of the store; [`GroupError`] in [`Error::Group`].
    pub async fn begin(&self) -> Result<Seen> {
        let channel = self.open().await?;
        self.begin_epoch(&channel, Change::default()).await
    }

    fn check_devices(
        &self,
        channel: &Channel,
        devices: &[(String, Card)],
        reach: Reach,
    ) -> Result<()> {
        let newest = channel.epochs.get(&channel.seen().number);
        let sheet = &newest.ok_or(Error::Bug("an admin opens all"))?.sheet;
        let mut keys = BTreeSet::new();
        for (name, card) in devices {
            check_card_name(name)?;
            let key = card.receiving_key();
            let is_member = !reach.is_window && sheet.member(&key).is_some();
            if is_member || !keys.insert(key.to_bytes()) {
                let name = name.clone();
                return Err(GroupError::MemberExists { name }.into());
            }
        }
        Ok(())
    }
}
