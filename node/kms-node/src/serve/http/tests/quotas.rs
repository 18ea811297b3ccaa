//! Two policies, two readers: what one sends never closes the node for the other. A message that
//! somebody recorded is answered to nobody.

use kms_protocol::messages::ReencryptReply;

use super::*;

/// A node that serves both policies.
async fn serving(world: World, grants: [&Grant; 2]) -> Served {
    for grant in grants {
        world.chain.queue_served(&grant.terms);
    }
    world.chain.mine_many(3);
    let served = Served::new(world).await;
    for grant in grants {
        served.hand_over(grant).await;
    }
    served
}

impl Served {
    async fn request(&self, grant: &Grant) -> Result<ReencryptReply, Problem> {
        let request = grant.request(self.world.chain.time());
        self.wire().reencrypt(&request).await
    }
}

#[tokio::test]
async fn a_flood_of_one_reader_refuses_nobody_else() {
    let (flooder, reader) = (Grant::new(1, 5_000), Grant::new(1, 5_000));
    let world = World::new().set("policy_requests", "5");
    let mut served = serving(world, [&flooder, &reader]).await;
    for sent in 0..200 {
        let answer = served.request(&flooder).await;
        if sent < 5 {
            answer.unwrap();
            continue;
        }
        let problem = answer.unwrap_err();
        assert_eq!(problem.code, Refusal::QuotaUsedUp);
        assert!(problem.detail.contains("policy_requests"), "{problem:?}");
        assert!(problem.retry_after_s.unwrap() > 0);
        if sent % 50 == 0 {
            served.request(&reader).await.unwrap();
        }
    }
    served.request(&reader).await.unwrap();
    assert_eq!(served.get("/readyz").await.status(), 200);
    let text = served.metrics().await;
    for series in [
        "kms_quota_refusals_total{quota=\"policy_requests\"} 195",
        "kms_requests_remembered 9",
    ] {
        assert!(text.contains(series), "{series} in\n{text}");
    }
    served.world.chain.advance(601);
    served.running.sync().await;
    let answer = served.request(&flooder).await;
    assert!(answer.is_ok(), "the window passed: {answer:?}");
    assert_eq!(served.running.node.replay.remembered(), 1);
}

#[tokio::test]
async fn slow_requests_of_one_reader_leave_places_for_others() {
    let (slow, reader) = (Grant::new(1, 50), Grant::new(1, 50));
    let world = World::new()
        .set("reencrypt_workers", "1")
        .set("reencrypt_queue", "7");
    let served = serving(world, [&slow, &reader]).await;
    let node = &served.running.node;
    let held: Vec<_> = (0..2)
        .map(|_| node.pool.admit_for(slow.id()).unwrap())
        .collect();
    for _ in 0..20 {
        let problem = served.request(&slow).await.unwrap_err();
        assert_eq!(problem.code, Refusal::QuotaUsedUp);
        assert!(problem.detail.contains("policy_in_flight"), "{problem:?}");
        served.request(&reader).await.unwrap();
    }
    drop(held);
    served.request(&slow).await.unwrap();
}

#[tokio::test]
async fn a_stranger_spends_no_quota_of_a_reader() {
    let (reader, other) = (Grant::new(1, 50), Grant::new(1, 50));
    let world = World::new().set("policy_requests", "1");
    let served = serving(world, [&reader, &other]).await;
    for _ in 0..5 {
        let forged = reader
            .unsigned(served.world.chain.time())
            .signed(&domain(), &other.reader());
        let refused = served.wire().reencrypt(&forged).await.unwrap_err();
        assert_eq!(refused.code, Refusal::BadSignature);
    }
    assert_eq!(served.running.node.replay.remembered(), 0);
    served.request(&reader).await.unwrap();
}

#[tokio::test]
async fn a_recorded_message_is_not_answered_again_nor_after_a_restart() {
    let (reader, other) = (Grant::new(1, 50), Grant::new(1, 50));
    let served = serving(World::new(), [&reader, &other]).await;
    let node = served.running.node.clone();
    let destination = Destination {
        domain: &node.domain,
        miner: &node.config.miner,
    };
    let key = node.transport_certificate().unwrap().key;
    let message = Message::Reencrypt(reader.request(served.world.chain.time()));
    let (sealed, exchange) = message.seal(&key, &destination).unwrap();
    let worker = node.keys.worker.address();
    let open = |reply: &[u8]| Answer::open(&destination, &exchange, &worker, reply).unwrap();
    let first = served.wire().post(sealed.clone()).await.unwrap();
    assert!(matches!(open(&first), Answer::Fragments(_)));
    let second = served.wire().post(sealed.clone()).await.unwrap();
    assert_eq!(refused(open(&second)), Refusal::Replay);
    let Served { world, running, .. } = served;
    drop(running);
    let again = Served::new(world).await;
    assert_eq!(again.running.node.replay.remembered(), 0);
    let unknown = again.wire().post(sealed).await.unwrap_err();
    assert_eq!(unknown.code, Refusal::TransportKeyUnknown);
    again.request(&reader).await.unwrap();
}
