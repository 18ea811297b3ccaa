use umbral::{Context, KeyFrag};

use super::*;
use crate::testkit::grant::Grant;

fn held() -> Arc<HeldKfrag> {
    let grant = Grant::new(1, 2);
    let context = Context {
        delegating: grant.delegating.public_key(),
        receiving: grant.receiving.public_key(),
        verifying: grant.signer.verifying_key(),
    };
    let kfrag = KeyFrag::from_msgpack(grant.kfrag_bytes())
        .unwrap()
        .verify(&context)
        .unwrap();
    let verifying = grant.signer.verifying_key();
    Arc::new(HeldKfrag {
        kfrag,
        reader: grant.reader().address(),
        verifying,
    })
}

fn id(byte: u8) -> PolicyId {
    PolicyId(kms_protocol::B256([byte; 32]))
}

#[test]
fn the_least_recently_used_leaves_first() {
    let cache = KfragCache::new(2);
    cache.put(id(1), held());
    cache.put(id(2), held());
    assert!(cache.get(&id(1)).is_some());
    cache.put(id(3), held());
    assert!(cache.get(&id(2)).is_none());
    assert!(cache.get(&id(1)).is_some() && cache.get(&id(3)).is_some());
}

#[test]
fn a_removed_fragment_is_gone() {
    let cache = KfragCache::new(2);
    cache.put(id(1), held());
    cache.remove(&id(1));
    assert!(cache.get(&id(1)).is_none());
}
