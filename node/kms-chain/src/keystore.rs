//! Web3 version 3 keystores: 32-byte secrets under a password.
//!
//! Written with scrypt N = 2^17, AES-128-CTR and a Keccak MAC, in files of mode 0600 that appear
//! whole or not at all; ethers' writer (N = 2^13, mode 0644) is not used. Keystores of other
//! programs are read, with scrypt or PBKDF2.

use std::path::Path;

use aes::Aes128;
use ctr::cipher::{KeyIvInit, StreamCipher};
use kms_protocol::hex_serde::encode;
use kms_protocol::{Address, keccak256};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::{ChainError, FileAction, KeystoreFault};
use crate::files::{self, Existing};

mod kdf;
use kdf::{Cost, Kdf};

type Aes128Ctr = ctr::Ctr128BE<Aes128>;

/// A secret of 32 bytes, wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

const SECRET_BYTES: usize = 32;
const CIPHER: &str = "aes-128-ctr";
const VERSION: u32 = 3;

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    crypto: Crypto,
    id: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    #[serde(with = "bare_hex")]
    ciphertext: Vec<u8>,
    cipherparams: CipherParams,
    #[serde(flatten)]
    kdf: Kdf,
    #[serde(with = "bare_hex")]
    mac: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct CipherParams {
    #[serde(with = "bare_hex")]
    iv: Vec<u8>,
}

/// Encrypts a secret and returns the JSON text. `address` is for programs that list Ethereum keys;
/// `None` for a secret that is no such key.
///
/// # Errors
/// `Randomness`.
pub fn encrypt(
    secret: &[u8; 32],
    password: &str,
    address: Option<Address>,
) -> Result<String, ChainError> {
    encrypt_at(Cost::STANDARD, secret, password, address)
}

fn encrypt_at(
    cost: Cost,
    secret: &[u8; 32],
    password: &str,
    address: Option<Address>,
) -> Result<String, ChainError> {
    let kdf = Kdf::scrypt(cost, random::<32>()?);
    let iv = random::<16>()?;
    let key = kdf.derive(password)?;
    let mut ciphertext = secret.to_vec();
    apply_cipher(&key, &iv, &mut ciphertext)?;
    let mac = mac(&key, &ciphertext)?.to_vec();
    let file = File {
        address: address.map(|address| hex::encode(address.0)),
        crypto: Crypto {
            cipher: CIPHER.to_owned(),
            ciphertext,
            cipherparams: CipherParams { iv: iv.to_vec() },
            kdf,
            mac,
        },
        id: uuid(random::<16>()?),
        version: VERSION,
    };
    serde_json::to_string_pretty(&file)
        .map(|text| text + "\n")
        .map_err(|_| ChainError::Bug("a keystore serialises"))
}

/// Decrypts the JSON text of a keystore.
///
/// # Errors
/// `WrongPassword` when the MAC does not fit, `Keystore` when no password could open it.
pub fn decrypt(text: &str, password: &str) -> Result<Secret, ChainError> {
    let file: File = serde_json::from_str(text).map_err(|error| {
        let unknown_kdf = error.to_string().contains("unknown variant");
        fault(if unknown_kdf {
            KeystoreFault::Kdf
        } else {
            KeystoreFault::Malformed
        })
    })?;
    if file.version != VERSION {
        return Err(fault(KeystoreFault::Version));
    }
    let Crypto {
        cipher,
        ciphertext,
        cipherparams,
        kdf,
        mac: expected,
    } = file.crypto;
    if cipher != CIPHER {
        return Err(fault(KeystoreFault::Cipher));
    }
    if ciphertext.len() != SECRET_BYTES {
        return Err(fault(KeystoreFault::Length));
    }
    let key = kdf.derive(password)?;
    if !bool::from(mac(&key, &ciphertext)?.as_slice().ct_eq(&expected)) {
        return Err(ChainError::WrongPassword);
    }
    let mut plain = Zeroizing::new(ciphertext);
    apply_cipher(&key, &cipherparams.iv, &mut plain)?;
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    secret.copy_from_slice(&plain);
    Ok(secret)
}

/// Writes a new keystore file of mode 0600.
///
/// # Errors
/// `FileExists`, as no key is overwritten; `File`, `Randomness`.
pub fn save(
    path: &Path,
    secret: &[u8; 32],
    password: &str,
    address: Option<Address>,
) -> Result<(), ChainError> {
    files::write(
        path,
        encrypt(secret, password, address)?.as_bytes(),
        Existing::Refuse,
    )
}

/// Reads and decrypts a keystore file.
///
/// # Errors
/// `File`, `WrongPassword`, `Keystore`; a file that others may read is refused.
pub fn load(path: &Path, password: &str) -> Result<Secret, ChainError> {
    refuse_open_permissions(path)?;
    decrypt(&files::read(path)?, password)
}

/// Puts a keystore under a new password in place of the old file, in one step.
///
/// # Errors
/// `WrongPassword` for the old password; as `load`.
pub fn change_password(path: &Path, old: &str, new: &str) -> Result<(), ChainError> {
    let secret = load(path, old)?;
    let address = address_of(path)?;
    files::write(
        path,
        encrypt(&secret, new, address)?.as_bytes(),
        Existing::Replace,
    )
}

/// Reads the account that a keystore file names in clear. Needs no password; nothing proves that it
/// is the account of the secret.
///
/// # Errors
/// `File`.
pub fn address_of(path: &Path) -> Result<Option<Address>, ChainError> {
    let file = serde_json::from_str::<File>(&files::read(path)?);
    let digits = file.ok().and_then(|file| file.address);
    Ok(digits.and_then(|digits| {
        let digits = digits.trim_start_matches("0x");
        format!("0x{digits}").parse().ok()
    }))
}

#[cfg(unix)]
fn refuse_open_permissions(path: &Path) -> Result<(), ChainError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(files::fault(FileAction::Read, path))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(fault(KeystoreFault::Permissions));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_open_permissions(_path: &Path) -> Result<(), ChainError> {
    Ok(())
}

/// Computes the MAC: keccak256(second half of the derived key || ciphertext).
fn mac(key: &[u8; 32], ciphertext: &[u8]) -> Result<[u8; 32], ChainError> {
    let (_, half) = key.split_at(16);
    let input = Zeroizing::new([half, ciphertext].concat());
    Ok(keccak256(&input).0)
}

/// Encrypts or decrypts by AES-128-CTR with the first half of the derived key.
fn apply_cipher(key: &[u8; 32], iv: &[u8], data: &mut [u8]) -> Result<(), ChainError> {
    let (half, _) = key.split_at(16);
    let mut cipher =
        Aes128Ctr::new_from_slices(half, iv).map_err(|_| fault(KeystoreFault::Malformed))?;
    cipher.apply_keystream(data);
    Ok(())
}

fn random<const N: usize>() -> Result<[u8; N], ChainError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| ChainError::Randomness)?;
    Ok(bytes)
}

/// Formats random bytes as a version 4 UUID.
fn uuid(mut bytes: [u8; 16]) -> String {
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let digits = encode(&bytes);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [
        part(2..10),
        part(10..14),
        part(14..18),
        part(18..22),
        part(22..34),
    ]
    .join("-")
}

fn fault(fault: KeystoreFault) -> ChainError {
    ChainError::Keystore(fault)
}

/// Serde of bytes in hexadecimal without prefix, as in keystores; a prefix is accepted.
mod bare_hex {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(d)?;
        hex::decode(text.trim_start_matches("0x")).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
