//! The pairs of the home's labels and cards: by the tag of a pair an owner knows its own policies
//! again, whatever the home has forgotten.
//! Neighbours: `policies` names what it lists, `revoke` finds a policy by label and reader.

use kms_protocol::{Domain, PairKey, PolicyId, Terms};
use umbral::PublicKey;

use super::Owner;
use super::revoke::OfPair;
use crate::error::{Error, Result};
use crate::granted::granted;
use kms_core::keys::OwnerKeys;
use kms_core::label::Label;

/// One label with one card.
struct Pair {
    label: Label,
    reader: String,
    key: PairKey,
}

/// Every label with every card.
pub(super) struct Pairs(Vec<Pair>);

impl Pairs {
    pub(super) fn of(owner: &Owner<'_>, keys: &OwnerKeys) -> Result<Self> {
        let (labels, cards) = (owner.home.labels()?, owner.home.cards()?);
        let mut pairs = Vec::new();
        for (label, _) in labels.iter() {
            let delegating = keys.delegating(label)?;
            for card in &cards {
                pairs.push(Pair {
                    label: label.clone(),
                    reader: card.name().to_owned(),
                    key: PairKey::of_owner(&delegating, &card.receiving_key())?,
                });
            }
        }
        Ok(Self(pairs))
    }

    /// Label and reader of the pair whose tag these terms carry.
    pub(super) fn find(&self, terms: &Terms, domain: Domain) -> Option<(Label, String)> {
        let made = |pair: &&Pair| {
            let key = &pair.key;
            key.recognises(terms, domain.chain_id, &domain.contract)
        };
        let pair = self.0.iter().find(made)?;
        Some((pair.label.clone(), pair.reader.clone()))
    }
}

impl Owner<'_> {
    /// The pair of a label of this home and a reader.
    pub(super) fn pair(&self, label: &Label, reader: &str, keys: &OwnerKeys) -> Result<PairKey> {
        let known = self.home.label_key(label)?.public_key();
        let delegating = keys.delegating(label)?;
        if delegating.public_key() != known {
            return Err(Error::LabelExists {
                label: label.clone(),
            });
        }
        Ok(PairKey::of_owner(&delegating, &self.reader_key(reader)?)?)
    }

    /// The policies of a label to a key whose paid time is not over, revoked or not.
    ///
    /// # Errors
    /// [`Error::Chain`].
    pub async fn policies_of_key(
        &self,
        label: &Label,
        reader: &PublicKey,
        keys: &OwnerKeys,
    ) -> Result<Vec<PolicyId>> {
        let pair = PairKey::of_owner(&keys.delegating(label)?, reader)?;
        let OfPair { mut live, revoked } = self.of_pair(&granted(self.chain, &pair).await?).await?;
        live.extend(revoked);
        Ok(live)
    }

    /// The key of a reader: of its card, or in a home that was rebuilt from its seed, which has no
    /// cards, as the journal knows it. A name that the journal knows for several keys is unknown.
    fn reader_key(&self, reader: &str) -> Result<PublicKey> {
        let unknown = match self.home.card(reader) {
            Err(unknown @ Error::CardUnknown { .. }) => unknown,
            card => return Ok(card?.receiving_key()),
        };
        let mut grants = self.journal().list()?;
        grants.retain(|grant| grant.reader == reader);
        let mut keys = grants.iter().map(|grant| grant.receiving_key);
        let key = keys.next().ok_or(unknown)?;
        match keys.all(|other| other == key) {
            true => Ok(key),
            false => Err(Error::CardUnknown {
                name: reader.to_owned(),
            }),
        }
    }
}
