//! m cfrags open a file, m - 1 do not, and a false one is found and its miner named.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use futures_util::FutureExt as _;
use kms_chain::{Call, ChainEvent};
use kms_client::{Event, Home, Network, Passphrase, PassphraseProvider, Progress, Reader, Unlock};
use kms_format::Header;
use kms_protocol::messages::{
    Answer, KfragAck, KfragUpload, Message, ReencryptReply, ReencryptRequest,
};
use kms_protocol::{
    Address, B256, Domain, EthSecret, EthSignature, FixedBytes, Period, TypedData as _,
};
use tokio::sync::watch;
use umbral::SecretKey;

use crate::harness::grant::Grant;
use crate::harness::proxy::{Proxy, Verdict, serve};
use crate::harness::world::{Miner, World};
use crate::shares::reader;
use kms_kit::grant::fragment;
use kms_kit::kms::{Kms, PASSPHRASE};
use kms_kit::node::Place;
use kms_kit::wire::Endpoint;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_with_one_honest_miner_too_few_gets_nothing() {
    let world = World::new().await;
    let miners: [Miner; 3] = world.miners().await;
    let addresses = miners.each_ref().map(Miner::address);
    let grant = Grant::prepare(&world, &addresses, 3).await;
    grant.complete(&world, &miners).await;
    let mut frags = Vec::new();
    for miner in &miners {
        frags.push(grant.ask(&world, miner).await.unwrap());
    }
    for left_out in 0..frags.len() {
        let mut fewer = frags.clone();
        fewer.remove(left_out);
        assert!(!grant.opens(&fewer), "two of three opened the capsule");
        // The same cfrag twice counts once.
        fewer.push(fewer[0].clone());
        assert!(!grant.opens(&fewer), "a repeated fragment was counted");
    }
    assert!(grant.opens(&frags));
}

/// A miner with a stake and a worker's key that answers readers with another miner's cfrag.
struct Liar {
    endpoint: Endpoint,
    now: Period,
    /// What the honest miner answered this reader, in a request of its own.
    honest: watch::Receiver<Option<ReencryptReply>>,
    /// Whether the reader has counted the honest miner's answer.
    counted: watch::Receiver<bool>,
}

impl Liar {
    fn router(self) -> Router {
        Router::new()
            .route("/v2/info", get(info))
            .route("/v2/message", post(message))
            .with_state(Arc::new(self))
    }

    fn take_share(&self, upload: &KfragUpload) -> KfragAck {
        let Endpoint {
            domain,
            miner,
            worker,
            ..
        } = &self.endpoint;
        let ack = KfragAck {
            policy_id: upload.verify(domain, *miner).unwrap(),
            miner: *miner,
            kfrag_hash: upload.kfrag.hash(),
            signature: EthSignature::UNSIGNED,
        };
        ack.signed(domain, worker)
    }

    async fn repeat_another(&self, request: &ReencryptRequest) -> ReencryptReply {
        let (mut honest, mut counted) = (self.honest.clone(), self.counted.clone());
        counted.wait_for(|counted| *counted).await.unwrap();
        let honest = honest.wait_for(Option::is_some).await.unwrap().clone();
        let honest = honest.unwrap();
        let Endpoint {
            domain,
            miner,
            worker,
            ..
        } = &self.endpoint;
        let digest_signer = requester(domain, request);
        let mut reply = ReencryptReply {
            miner: *miner,
            entries: Vec::new(),
            ..honest.clone()
        };
        for (index, capsule) in request.capsules.iter().enumerate() {
            let fragment = fragment(&honest, index).unwrap();
            reply.push_signed(capsule, fragment.cfrag, digest_signer, domain, worker);
        }
        reply
    }
}

async fn info(State(liar): State<Arc<Liar>>) -> Vec<u8> {
    liar.endpoint.info(liar.now)
}

async fn message(State(liar): State<Arc<Liar>>, body: Bytes) -> Vec<u8> {
    let (message, exchange) = liar.endpoint.open(&body).unwrap();
    let answer = match message {
        Message::Kfrag(upload) => Answer::Stored(liar.take_share(&upload)),
        Message::Reencrypt(request) => Answer::Fragments(liar.repeat_another(&request).await),
        Message::Status(policy) => panic!("nobody asks for the status of {policy}"),
    };
    liar.endpoint.answer(&answer, &exchange)
}

fn requester(domain: &Domain, request: &ReencryptRequest) -> Address {
    request.signature.recover(&request.digest(domain)).unwrap()
}

/// Decides the order in which the reader hears: the first honest miner, the liar, the second.
struct Order {
    first: Address,
    liar: Address,
    first_counted: watch::Sender<bool>,
    liar_named: watch::Sender<Option<String>>,
}

impl Progress for Order {
    fn event(&self, event: Event) {
        match event {
            Event::NodeDone { miner, .. } if miner == self.first => {
                self.first_counted.send_replace(true);
            }
            Event::NodeFailed { miner, code } if miner == self.liar => {
                self.liar_named.send_replace(Some(code));
            }
            _ => {}
        }
    }
}

struct TestPassphrase;

impl PassphraseProvider for TestPassphrase {
    fn passphrase(&self, _: Unlock) -> kms_client::Result<Passphrase> {
        Ok(Passphrase::new(PASSPHRASE.to_owned()))
    }
}

/// An honest miner whose clients reach it through a proxy.
async fn miner_behind(world: &World, name: &str, proxy: &Proxy, listen: &str) -> Miner {
    let place = Place {
        listen: listen.to_owned(),
        public_url: proxy.url.clone(),
    };
    let miner = world.stopped_miner_at(name, &place).await;
    world.at_work(&miner).await;
    miner
}

/// A stake whose registered node is the liar's server.
async fn liar(
    world: &World,
    honest: watch::Receiver<Option<ReencryptReply>>,
    counted: watch::Receiver<bool>,
) -> (Address, Proxy) {
    let worker = EthSecret::random().unwrap();
    let owner = EthSecret::random().unwrap();
    let consent = world.consent(&worker, owner.address());
    world.stake(&owner, 1_000, consent).await;
    let miner = owner.address();
    let now = world.period().await;
    let through = Period(now.0 + 2);
    world.send(&worker, Call::ConfirmActivity { through }).await;
    let server = serve(
        Liar {
            endpoint: Endpoint::new(world.domain, miner, worker),
            now,
            honest,
            counted,
        }
        .router(),
    )
    .await;
    let url = server.url.clone();
    world.send(&owner, Call::RegisterNode { url }).await;
    (miner, server)
}

/// Once somebody reads, the second honest miner is reached only after the liar was found out.
async fn waiting(
    listen: &str,
    reading: Arc<AtomicBool>,
    liar_named: watch::Receiver<Option<String>>,
) -> Proxy {
    let wait = move |_| {
        let (reading, mut named) = (reading.clone(), liar_named.clone());
        async move {
            if reading.load(Ordering::Acquire) {
                named.wait_for(Option::is_some).await.unwrap();
            }
            Verdict::Pass
        }
        .boxed()
    };
    Proxy::start(&format!("http://{listen}"), wait, |_, _| {}).await
}

/// The owner encrypts a file and grants it to the reader, 2 of 3.
fn share(world: &World, owner: &Kms, reader: &Kms, file: &Path) {
    let card = reader
        .json(&["card", "make", "--name", "bob"])
        .assert_success()
        .text("card");
    let text = |path: &Path| path.display().to_string();
    let plain = world.path("plain");
    std::fs::write(&plain, "to be shared").unwrap();
    owner.run(&["label", "new", "things"]).assert_success();
    owner
        .run(&["encrypt", "-t", "things", &text(&plain), "-o", &text(file)])
        .assert_success();
    owner.run(&["card", "add", &card]).assert_success();
    let terms = ["--threshold", "2/3", "--periods", "5", "--rate", "0.1 KMS"];
    owner
        .run(&[&["grant", "things", "--to", "bob"], &terms[..]].concat())
        .assert_success();
}

/// What the miner answers the reader with this key.
async fn asked_directly(
    world: &World,
    miner: &Miner,
    header: &Header,
    key: &SecretKey,
) -> ReencryptReply {
    let created = |event| match event {
        ChainEvent::PolicyCreated { policy_id, .. } => Some(policy_id),
        _ => None,
    };
    let request = ReencryptRequest {
        policy_id: world.find(created).await.unwrap(),
        miner: miner.address(),
        capsules: vec![FixedBytes(header.capsule().to_bytes())],
        block_time: world.head().await.timestamp,
        nonce: B256::random().unwrap(),
        signature: EthSignature::UNSIGNED,
    };
    let request = request.signed(&world.domain, &EthSecret::from_umbral(key).unwrap());
    miner.node.wire().reencrypt(&request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_that_answers_with_anothers_fragment_is_named_and_the_read_succeeds() {
    let world = World::new().await;
    let (heard, honest) = watch::channel(None);
    let (counted, first_counted) = watch::channel(false);
    let (named, liar_named) = watch::channel(None);
    let (reading, listen) = (Arc::new(AtomicBool::new(false)), Place::free().listen);
    let second_proxy = waiting(&listen, reading.clone(), liar_named.clone()).await;
    let [first] = world.miners().await;
    let _second = miner_behind(&world, "second", &second_proxy, &listen).await;
    let (liar_address, _liar_server) = liar(&world, honest, first_counted).await;
    // The chain goes on by itself now, so that payments are confirmed while the owner waits.
    world
        .devnet
        .set_mining(kms_chain::devnet::Mining::Every(1))
        .await
        .unwrap();

    let alice = world.person("alice", 100).await;
    let (bob, key) = reader(&world);
    let file = world.path("file.kms");

    tokio::task::block_in_place(|| share(&world, &alice, &bob, &file));

    // Whoever reads right after the payment is told that it is not confirmed yet.
    world.mine(3).await;
    first.node.sees(world.head().await.number).await;

    let home = Home::open(bob.home()).unwrap();
    let network = Network::connect(home.config()).await.unwrap();
    let keys = [home
        .unlock_owner(&TestPassphrase)
        .unwrap()
        .reader(0)
        .unwrap()];
    let header = Header::read(&mut File::open(&file).unwrap()).unwrap();
    let overheard = asked_directly(&world, &first, &header, &key).await;
    heard.send_replace(Some(overheard));
    reading.store(true, Ordering::Release);
    let order = Order {
        first: first.address(),
        liar: liar_address,
        first_counted: counted,
        liar_named: named,
    };
    let reader = Reader::new(&keys, &network, network.nodes());
    reader.data_key(&header, &order).await.unwrap();
    assert_eq!(liar_named.borrow().as_deref(), Some("bad_fragment"));
}
