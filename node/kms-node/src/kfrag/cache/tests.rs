use umbral::KeyFrag;

use super::*;
use crate::testkit::MINER;
use crate::testkit::grant::Grant;

fn held() -> Arc<HeldKfrag> {
    let grant = Grant::new(1, 2);
    let bytes = grant.share.kfrag.as_slice().try_into().unwrap();
    let kfrag = KeyFrag::from_bytes(bytes)
        .unwrap()
        .verify(&grant.context(), &grant.policy(), &MINER.0)
        .unwrap();
    Arc::new(HeldKfrag {
        kfrag,
        reader: grant.reader().address(),
        verifying: grant.signer.verifying_key(),
        commitments: grant.share.commitments,
    })
}

fn id(byte: u8) -> PolicyId {
    PolicyId(kms_protocol::B256([byte; 32]))
}

#[test]
fn the_least_recently_used_leaves_first() {
    let cache = KfragCache::new(2);
    let now = cache.moment();
    assert!(cache.put(id(1), held(), now));
    assert!(cache.put(id(2), held(), now));
    assert!(cache.get(&id(1)).is_some());
    assert!(cache.put(id(3), held(), now));
    assert!(cache.get(&id(2)).is_none());
    assert!(cache.get(&id(1)).is_some() && cache.get(&id(3)).is_some());
}

#[test]
fn a_removed_kfrag_is_gone() {
    let cache = KfragCache::new(2);
    assert!(cache.put(id(1), held(), cache.moment()));
    cache.remove(&id(1));
    assert!(cache.get(&id(1)).is_none());
}

#[test]
fn what_was_read_before_a_removal_is_not_put_back() {
    let cache = KfragCache::new(2);
    let before = cache.moment();
    cache.remove(&id(1));
    assert!(!cache.put(id(1), held(), before));
    assert!(cache.get(&id(1)).is_none());
    assert!(cache.put(id(2), held(), cache.moment()));
}
