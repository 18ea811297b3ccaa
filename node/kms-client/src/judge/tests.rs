//! What a reader's home keeps of miners with bad habits, and what it makes of it.

use kms_chain::Charge;
use kms_protocol::{Address, B256, Domain, TypedData as _, keccak256};

use super::*;
use crate::reader::Conduct;
use crate::testkit::{Habit, World, label};
use kms_core::keys::ReaderKey;

const LABEL: &str = "films/demo";

struct Kept {
    world: World,
    book: EvidenceBook,
    dir: tempfile::TempDir,
}

impl Kept {
    /// Two of two miners, the second with this habit.
    async fn with(habit: Habit) -> Self {
        let world = World::new(2).await;
        world.granted(2, 2).await;
        world.nodes[1].steal_from(&world.nodes[0], habit);
        let dir = tempfile::tempdir().unwrap();
        let book = EvidenceBook::at(dir.path().join("evidence"));
        Self { world, book, dir }
    }

    /// Reads a capsule as far as it goes; what is kept then.
    async fn read(&self, capsule: &umbral::Capsule) -> Vec<Evidence> {
        let reader = self.world.reader().with_evidence(&self.book);
        let _ = self.world.read(&reader, capsule).await;
        self.book.list().unwrap()
    }

    async fn read_new(&self) -> Vec<Evidence> {
        self.read(&self.world.capsule().0).await
    }

    async fn probe(&self) -> Vec<Conduct> {
        let key = self.world.keys.label_key(&label(LABEL)).unwrap();
        let (capsule, _) = self.world.capsule();
        let reader = self.world.reader();
        let probed = reader.probe(&key, &capsule, &self.book).await.unwrap();
        probed.into_iter().map(|probed| probed.conduct).collect()
    }
}

fn domains() -> (Domain, Domain) {
    let node = kms_kit::chain::domain();
    (node, Domain::adjudicator(node.chain_id, Address([9; 20])))
}

#[tokio::test]
async fn keeps_what_convicts_a_miner_and_nothing_else() {
    for (habit, kept) in [
        (Habit::BadProof, 1),
        (Habit::OtherCapsule, 1),
        (Habit::AnothersFragment, 1),
        (Habit::Honest, 0),
        (Habit::WrongReceipts, 0),
        (Habit::WrongSigner, 0),
        (Habit::AnothersReply, 0),
        (Habit::BadCommitments, 0),
        (Habit::RefusesEntry, 0),
    ] {
        let name = format!("{habit:?}");
        let of = Kept::with(habit).await;
        let all = of.read_new().await;
        assert_eq!(all.len(), kept, "{name}");
        let culprit = of.world.nodes[1].worker();
        for evidence in all {
            assert_eq!(evidence.miner, Address([2; 20]), "{name}");
            assert_eq!(evidence.offence, Offence::WrongFragment, "{name}");
            assert!(evidence.fault(&domains().0).unwrap().is_some(), "{name}");
            assert_ne!(culprit, evidence.miner);
        }
    }
}

#[tokio::test]
async fn a_case_is_signed_by_the_key_that_asked_and_by_no_other() {
    let of = Kept::with(Habit::BadProof).await;
    let all = of.read_new().await;
    let (node, judge) = domains();
    let to = Address([8; 20]);
    let case = all[0].case(&of.world.bob, to, &node, &judge).unwrap();
    assert!(matches!(case.charge, Charge::WrongFragment { .. }));
    assert_eq!(case.accusation.challenger, to);
    let requester = of.world.bob[0].eth().address();
    case.accusation
        .check(&judge, &case.signature, &requester)
        .unwrap();
    let hash = keccak256(&case.keys.keys);
    assert_eq!(hash, all[0].terms().keys_hash);

    let strangers = [ReaderKey::random().unwrap()];
    let error = all[0].case(&strangers, to, &node, &judge).unwrap_err();
    assert_eq!(error.code(), "evidence_foreign");
    let mut sound = all[0].clone();
    sound.answers.clear();
    let error = sound.case(&of.world.bob, to, &node, &judge).unwrap_err();
    assert_eq!(error.code(), "evidence_void");
}

#[tokio::test]
async fn two_answers_over_one_capsule_contradict_each_other() {
    let of = Kept::with(Habit::OtherCapsule).await;
    let (capsule, _) = of.world.capsule();
    let [first] = of.read(&capsule).await.try_into().unwrap();
    let [second] = of.read(&capsule).await.try_into().unwrap();
    assert_eq!(first.id(), second.id());
    assert_eq!(second.offence, Offence::Equivocation);
    let (node, judge) = domains();
    let to = Address([8; 20]);
    let case = second.case(&of.world.bob, to, &node, &judge).unwrap();
    let Charge::Equivocation { cfrags, .. } = case.charge else {
        panic!("{:?}", case.charge);
    };
    assert_eq!(cfrags.len(), 2 * 359);
    // A third one adds nothing.
    assert_eq!(of.read(&capsule).await, [second]);

    // The same false answer twice is no contradiction.
    let of = Kept::with(Habit::BadProof).await;
    let (capsule, _) = of.world.capsule();
    of.read(&capsule).await;
    let all = of.read(&capsule).await;
    assert_eq!(all[0].offence, Offence::WrongFragment);
}

#[tokio::test]
async fn asks_the_dismissed_too_and_keeps_what_they_should_not_say() {
    let of = Kept::with(Habit::Honest).await;
    assert_eq!(of.probe().await, [Conduct::Sound, Conduct::Sound]);
    let policy = of.world.chain.state().policies[0].id;
    of.world.dismiss(policy, Address([2; 20]));
    let conduct = of.probe().await;
    assert_eq!(conduct[0], Conduct::Sound);
    assert_eq!(conduct[1], Conduct::Kept(Offence::ServedAfterRevocation));
    assert_eq!(of.book.list().unwrap()[0].miner, Address([2; 20]));
    of.world.nodes[1].revoke();
    let conduct = of.probe().await;
    assert!(matches!(&conduct[1], Conduct::Refuses(failure) if failure.code == "policy_revoked"));
    of.world.nodes[0].set(Habit::Garbage);
    assert!(matches!(of.probe().await[0], Conduct::Silent(_)));
    assert_eq!(of.book.list().unwrap().len(), 1);
}

#[tokio::test]
async fn keeps_no_more_of_one_miner_than_it_may() {
    let of = Kept::with(Habit::BadProof).await;
    for number in 1..=9 {
        let all = of.read_new().await;
        assert_eq!(all.len(), number.min(8));
    }
    let all = of.book.list().unwrap();
    of.book.forget(all[0].id()).unwrap();
    of.book.forget(all[0].id()).unwrap();
    assert_eq!(of.read_new().await.len(), 8);
}

#[tokio::test]
async fn a_changed_file_is_told_and_a_missing_one_is_unknown() {
    let of = Kept::with(Habit::BadProof).await;
    let all = of.read_new().await;
    let id = all[0].id();
    let dir = of.dir.path().join("evidence");
    let path = dir.join(format!("{id}.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.replace(&all[0].miner.to_string(), &Address([3; 20]).to_string());
    for wrong in [other.as_str(), "{}", "{\"version\":2}", ""] {
        std::fs::write(&path, wrong).unwrap();
        assert_eq!(of.book.list().unwrap_err().code(), "home_corrupt");
        assert_eq!(of.book.get(id).unwrap_err().code(), "home_corrupt");
    }
    std::fs::write(&path, &text).unwrap();
    assert_eq!(of.book.get(id).unwrap(), all[0]);
    let unknown = of.book.get(B256([1; 32])).unwrap_err();
    assert_eq!(unknown.code(), "evidence_unknown");
}

#[tokio::test]
async fn a_read_goes_on_where_nothing_can_be_kept() {
    let world = World::new(3).await;
    world.granted(2, 3).await;
    world.nodes[1].set(Habit::BadProof);
    let dir = tempfile::tempdir().unwrap();
    // A file stands where the folder should be.
    let place = dir.path().join("evidence");
    std::fs::write(&place, "").unwrap();
    let book = EvidenceBook::at(place);
    let reader = world.reader().with_evidence(&book);
    let (capsule, secret) = world.capsule();
    let read = world.read(&reader, &capsule).await.unwrap();
    assert_eq!(read.expose(), secret.expose());
}
