//! Every key of a person, from one 32-byte seed. The root factory only makes factories, one per
//! purpose, so no key tells anything about another or about the seed.
//! Neighbours: `card` and `label` give the public halves away.

mod readers;
mod seed;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use kms_format::SealedName;
use kms_protocol::{EthSecret, PolicyId};
use umbral::{PublicKey, SecretKey, SecretKeyFactory, Signer, VerifyingKey};
use zeroize::Zeroizing;

use crate::card::LabelKey;
use crate::error::{Error, Result};
use crate::label::{Label, NamesKey};
use crate::memo::MemoKey;

pub use readers::{ReaderKey, ReaderKeys};
pub use seed::Seed;

const LABEL: &[u8] = b"kms/v1/label";
const SIGNER: &[u8] = b"kms/v1/signer";
const WALLET: &[u8] = b"kms/v1/wallet";
const GRANT: &[u8] = b"kms/v1/grant";
const MEMO: &[u8] = b"kms/v1/memo";
const GROUP: &[u8] = b"kms/v1/group";

/// Keys of an owner, derived from its seed; they open everything made for its labels, offline.
///
/// | purpose | factory label | key label |
/// |---|---|---|
/// | delegating key of a label | `kms/v1/label` | the label, UTF-8 |
/// | signer of a label's grants | `kms/v1/signer` | the label, UTF-8 |
/// | reader key | `kms/v1/reader` | its number, u32 big-endian |
/// | wallet | `kms/v1/wallet` | `0` |
/// | random numbers of a grant (a secret, its first 32 bytes) | `kms/v1/grant` | the policy's id |
/// | signer of a group's records | `kms/v1/group` | `admin/` and the group's name |
/// | secrets of a group: epochs, doors, mailboxes | `kms/v1/group` | what it is for, and the id |
/// | memos of policies (a secret of the root) | - | `kms/v1/memo` |
/// | names of labels (a secret of the root) | - | `kms/v1/names` |
pub struct OwnerKeys {
    labels: SecretKeyFactory,
    signers: SecretKeyFactory,
    readers: ReaderKeys,
    wallets: SecretKeyFactory,
    grants: SecretKeyFactory,
    groups: SecretKeyFactory,
    memos: MemoKey,
    names: NamesKey,
}

impl OwnerKeys {
    /// Prepares the factories; the root is erased before this returns.
    ///
    /// # Errors
    /// None in practice.
    pub fn from_seed(seed: &Seed) -> Result<Self> {
        let root = SecretKeyFactory::from_secret_bytes(seed.expose_bytes());
        Ok(Self {
            labels: root.make_factory(LABEL)?,
            signers: root.make_factory(SIGNER)?,
            readers: ReaderKeys::derive(&root)?,
            wallets: root.make_factory(WALLET)?,
            grants: root.make_factory(GRANT)?,
            groups: root.make_factory(GROUP)?,
            memos: MemoKey::new(root.make_secret(MEMO)?),
            names: NamesKey::derive(&root)?,
        })
    }

    /// The delegating key of a label: opens every file made for that label, and no other.
    ///
    /// # Errors
    /// None in practice.
    pub fn delegating(&self, label: &Label) -> Result<SecretKey> {
        Ok(self.labels.make_key(label.as_str().as_bytes())?)
    }

    /// The public half of [`OwnerKeys::delegating`].
    ///
    /// # Errors
    /// None in practice.
    pub fn label_key(&self, label: &Label) -> Result<PublicKey> {
        Ok(self.delegating(label)?.public_key())
    }

    /// What producers are given: the label's public key, and its name sealed for this seed.
    ///
    /// # Errors
    /// None in practice.
    pub fn producer_key(&self, label: &Label) -> Result<LabelKey> {
        let key = self.label_key(label)?;
        Ok(LabelKey::new(key, self.names.seal(label, &key)?))
    }

    /// The label whose name was sealed under this seed beside its key `key`; `None` if the name is
    /// another owner's, another label's, or was changed.
    ///
    /// # Errors
    /// None in practice.
    pub fn open_name(&self, sealed: &SealedName, key: &PublicKey) -> Result<Option<Label>> {
        let Some(label) = self.names.open(sealed, key) else {
            return Ok(None);
        };
        Ok((self.label_key(&label)? == *key).then_some(label))
    }

    /// Derives the signer of a label's grants.
    ///
    /// # Errors
    /// None in practice.
    pub fn signer(&self, label: &Label) -> Result<GrantSigner> {
        let key = self.signers.make_key(label.as_str().as_bytes())?;
        let umbral = Signer::from_secret_bytes(&key.to_secret_bytes())?;
        Ok(GrantSigner {
            eth: EthSecret::from_signer(&umbral)?,
            umbral,
        })
    }

    /// Derives a reader key; every home has number 0.
    ///
    /// # Errors
    /// None in practice.
    pub fn reader(&self, number: u32) -> Result<ReaderKey> {
        self.readers.key(number)
    }

    /// Makes the generator of a grant's random numbers. The same policy draws the same ones again,
    /// and its id is a hash of everything that they are used with: miners, keys and threshold.
    ///
    /// # Errors
    /// None in practice.
    pub fn grant_rng(&self, policy: PolicyId) -> Result<ChaCha20Rng> {
        let secret = self.grants.make_secret(policy.as_bytes())?;
        let seed = secret.first_chunk::<32>();
        let seed = seed.ok_or(Error::Bug("a secret has 64 bytes"))?;
        Ok(ChaCha20Rng::from_seed(*seed))
    }

    /// Derives the signer of a group's records.
    ///
    /// # Errors
    /// None in practice.
    pub fn group_signer(&self, name: &str) -> Result<Signer> {
        let key = self.groups.make_key(format!("admin/{name}").as_bytes())?;
        Ok(Signer::from_secret_bytes(&key.to_secret_bytes())?)
    }

    /// Derives a secret of a group. What it is for never begins with the bytes of another purpose.
    ///
    /// # Errors
    /// None in practice.
    pub fn group_secret(&self, purpose: &[u8]) -> Result<Zeroizing<[u8; 64]>> {
        Ok(self.groups.make_secret(purpose)?)
    }

    /// The key of the memos that the owner leaves beside its policies.
    pub const fn memos(&self) -> &MemoKey {
        &self.memos
    }

    /// The key that pays, unless another was imported.
    ///
    /// # Errors
    /// None in practice.
    pub fn wallet(&self) -> Result<EthSecret> {
        Ok(EthSecret::from_umbral(&self.wallets.make_key(b"0")?)?)
    }
}

impl std::fmt::Debug for OwnerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnerKeys(<redacted>)")
    }
}

/// One scalar in the two roles of a label's signer: it signs kfrags (Umbral) and messages to the
/// nodes (EIP-712). Both hash their message behind tags of their own.
pub struct GrantSigner {
    /// Signs kfrags and commitments.
    pub umbral: Signer,
    /// Signs messages to the nodes.
    pub eth: EthSecret,
}

impl GrantSigner {
    /// The key that both signatures are verified with.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.umbral.verifying_key()
    }
}
