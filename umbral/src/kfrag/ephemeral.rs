//! The secret a delegation shares with its receiver: DH = xB = bX, and what is hashed from it.

use k256::Scalar;
use zeroize::Zeroizing;

use crate::arithmetic::point::Point;
use crate::arithmetic::scalar::SecretScalar;
use crate::error::{Error, Result};
use crate::hashing::{POLYNOMIAL_ARG, SHARED_SECRET, hash_to_scalar};
use crate::keys::PublicKey;

/// X, B and the encoding of DH.
pub(crate) struct Ephemeral {
    pub(crate) precursor: Point,
    receiving: PublicKey,
    dh: Zeroizing<[u8; 33]>,
}

impl Ephemeral {
    pub(crate) const fn new(
        precursor: Point,
        receiving: &PublicKey,
        dh: Zeroizing<[u8; 33]>,
    ) -> Self {
        Self {
            precursor,
            receiving: *receiving,
            dh,
        }
    }

    pub(crate) fn dh_bytes(&self) -> &[u8; 33] {
        &self.dh
    }

    /// d = HS(`SHARED_SECRET`, X, B, DH).
    pub(crate) fn secret_scalar(&self) -> Result<SecretScalar> {
        let parts: [&[u8]; 3] = [self.precursor.bytes(), self.receiving.0.bytes(), &*self.dh];
        SecretScalar::new(
            hash_to_scalar(SHARED_SECRET, &parts),
            Error::Bug("a hash to a scalar is never zero"),
        )
    }

    /// x_i = HS(`POLYNOMIAL_ARG`, X, B, DH, id_i). A secret between delegator and receiver.
    pub(crate) fn share_argument(&self, id: &[u8; 32]) -> Scalar {
        let parts: [&[u8]; 4] = [
            self.precursor.bytes(),
            self.receiving.0.bytes(),
            &*self.dh,
            id,
        ];
        hash_to_scalar(POLYNOMIAL_ARG, &parts)
    }
}
