//! The key derivations of a version 3 keystore, with bounds on the memory and time of any file.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::bare_hex;
use crate::error::{ChainError, KeystoreFault};

/// Most memory that a file may ask for, in bytes; scrypt takes 128 * r * (N + p): p blocks, and a
/// table of N.
const MOST_SCRYPT_BYTES: u128 = 1 << 30;
/// Most work: 128 * N * r * p.
const MOST_SCRYPT_WORK: u128 = 1 << 33;
const MOST_PBKDF2_ROUNDS: u32 = 10_000_000;
const KEY_BYTES: u32 = 32;

/// Cost of scrypt: log2 of N.
#[derive(Clone, Copy)]
pub(super) struct Cost(pub(super) u8);

impl Cost {
    /// N = 2^17: about 0.4 s and 128 MiB.
    pub(super) const STANDARD: Self = Self(17);
}

/// Key derivation and its parameters, tagged as in the file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
pub(super) enum Kdf {
    Scrypt {
        dklen: u32,
        n: u64,
        p: u32,
        r: u32,
        #[serde(with = "bare_hex")]
        salt: Vec<u8>,
    },
    Pbkdf2 {
        c: u32,
        dklen: u32,
        prf: String,
        #[serde(with = "bare_hex")]
        salt: Vec<u8>,
    },
}

impl Kdf {
    pub(super) fn scrypt(cost: Cost, salt: [u8; 32]) -> Self {
        let n = 1_u64.checked_shl(u32::from(cost.0)).unwrap_or(0);
        Self::Scrypt {
            dklen: KEY_BYTES,
            n,
            p: 1,
            r: 8,
            salt: salt.to_vec(),
        }
    }

    /// Derives the 32-byte key of a password.
    pub(super) fn derive(&self, password: &str) -> Result<Zeroizing<[u8; 32]>, ChainError> {
        let refused = || ChainError::Keystore(KeystoreFault::KdfParams);
        let costly = || ChainError::Keystore(KeystoreFault::KdfCost);
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Self::Scrypt {
                dklen,
                n,
                p,
                r,
                salt,
            } => {
                let params = scrypt_params(*n, *r, *p).map_err(ChainError::Keystore)?;
                if *dklen != KEY_BYTES {
                    return Err(refused());
                }
                scrypt::scrypt(password.as_bytes(), salt, &params, key.as_mut())
                    .map_err(|_| refused())?;
            }
            Self::Pbkdf2 {
                c,
                dklen,
                prf,
                salt,
            } => {
                if prf != "hmac-sha256" {
                    return Err(ChainError::Keystore(KeystoreFault::Kdf));
                }
                let rounds = NonZeroU32::new(*c).ok_or_else(refused)?;
                if *dklen != KEY_BYTES {
                    return Err(refused());
                }
                if *c > MOST_PBKDF2_ROUNDS {
                    return Err(costly());
                }
                let algorithm = ring::pbkdf2::PBKDF2_HMAC_SHA256;
                ring::pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), key.as_mut());
            }
        }
        Ok(key)
    }
}

/// Checks parameters, before anything is allocated.
fn scrypt_params(n: u64, r: u32, p: u32) -> Result<scrypt::Params, KeystoreFault> {
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        return Err(KeystoreFault::KdfParams);
    }
    let block = 128 * u128::from(r);
    let bytes = block * (u128::from(n) + u128::from(p));
    if bytes > MOST_SCRYPT_BYTES || block * u128::from(n) * u128::from(p) > MOST_SCRYPT_WORK {
        return Err(KeystoreFault::KdfCost);
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| KeystoreFault::KdfParams)?;
    scrypt::Params::new(log_n, r, p).map_err(|_| KeystoreFault::KdfParams)
}
