//! Only the reader named in the grant is answered: the request carries the signature of the
//! receiving key, which the policy's keys hash commits to.

use kms_protocol::messages::{Problem, ReencryptRequest};
use kms_protocol::{Address, Domain};

use super::Verdict;

pub(crate) fn check(request: &ReencryptRequest, domain: &Domain, reader: &Address) -> Verdict {
    request
        .verify(domain, reader)
        .map_err(|error| Problem::from(&error))
}
