//! m cfrags open a file, m - 1 do not, and a false one is found and its miner named.

use std::fs::File;
use std::path::Path;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::FutureExt as _;
use kms_chain::Call;
use kms_client::{Event, Home, Network, Passphrase, PassphraseProvider, Progress, Reader, Unlock};
use kms_format::Header;
use kms_protocol::messages::{KfragAck, KfragUpload, ReencryptReply, ReencryptRequest};
use kms_protocol::{Address, Domain, EthSecret, EthSignature, Period};
use tokio::sync::watch;
use umbral::SecretKey;

use crate::harness::grant::Grant;
use crate::harness::proxy::{Exchange, Proxy, Verdict, serve};
use crate::harness::world::{Miner, World};
use kms_kit::kms::{Kms, PASSPHRASE};
use kms_kit::node::Place;

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
    domain: Domain,
    miner: Address,
    worker: EthSecret,
    /// What the honest miner answered, once it has and the reader has counted it.
    overheard: watch::Receiver<Option<ReencryptReply>>,
}

impl Liar {
    fn router(self) -> Router {
        Router::new()
            .route("/v2/policies/{id}/kfrag", post(take_share))
            .route("/v2/policies/{id}/reencrypt", post(repeat_another))
            .with_state(std::sync::Arc::new(self))
    }
}

async fn take_share(
    State(liar): State<std::sync::Arc<Liar>>,
    Json(upload): Json<KfragUpload>,
) -> (StatusCode, Json<KfragAck>) {
    let ack = KfragAck {
        policy_id: upload.verify(&liar.domain, liar.miner).unwrap(),
        miner: liar.miner,
        kfrag_hash: upload.kfrag_hash,
        signature: EthSignature::UNSIGNED,
    };
    (
        StatusCode::CREATED,
        Json(ack.signed(&liar.domain, &liar.worker)),
    )
}

async fn repeat_another(
    State(liar): State<std::sync::Arc<Liar>>,
    Json(request): Json<ReencryptRequest>,
) -> Json<ReencryptReply> {
    let mut overheard = liar.overheard.clone();
    let honest = overheard
        .wait_for(Option::is_some)
        .await
        .unwrap()
        .clone()
        .unwrap();
    let digest_signer = requester(&liar.domain, &request);
    let fragments = Vec::new();
    let mut reply = ReencryptReply {
        miner: liar.miner,
        fragments,
        ..honest.clone()
    };
    for (capsule, fragment) in request.capsules.iter().zip(&honest.fragments) {
        let (domain, worker) = (&liar.domain, &liar.worker);
        reply.push_signed(capsule, fragment.cfrag, digest_signer, domain, worker);
    }
    Json(reply)
}

fn requester(domain: &Domain, request: &ReencryptRequest) -> Address {
    use kms_protocol::TypedData as _;
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
    overheard: watch::Receiver<Option<ReencryptReply>>,
) -> (Address, Proxy) {
    let worker = EthSecret::random().unwrap();
    let owner = EthSecret::random().unwrap();
    world.stake(&owner, 1_000, worker.address()).await;
    let umbral_key = SecretKey::random(&mut getrandom::SysRng)
        .unwrap()
        .public_key();
    let miner = owner.address();
    let through = Period(world.period().await.0 + 2);
    world.send(&worker, Call::ConfirmActivity { through }).await;
    let domain = world.domain;
    let server = serve(
        Liar {
            domain,
            miner,
            worker,
            overheard,
        }
        .router(),
    )
    .await;
    let (url, umbral_key) = (server.url.clone(), umbral_key.to_bytes());
    world
        .send(&owner, Call::RegisterNode { url, umbral_key })
        .await;
    (miner, server)
}

/// The first honest miner's replies are overheard; the liar repeats them once they counted.
async fn overhearing(
    listen: &str,
    heard: watch::Sender<Option<ReencryptReply>>,
    counted: watch::Receiver<bool>,
) -> Proxy {
    let pass = |_| async { Verdict::Pass }.boxed();
    let overhear = move |exchange: &Exchange, reply: &Bytes| {
        if exchange.path.ends_with("/reencrypt") {
            let reply: ReencryptReply = serde_json::from_slice(reply)
                .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(reply)));
            let (heard, mut counted) = (heard.clone(), counted.clone());
            tokio::spawn(async move {
                counted.wait_for(|counted| *counted).await.unwrap();
                heard.send_replace(Some(reply));
            });
        }
    };
    Proxy::start(&format!("http://{listen}"), pass, overhear).await
}

/// The second honest miner is reached only after the liar was found out.
async fn waiting(listen: &str, liar_named: watch::Receiver<Option<String>>) -> Proxy {
    let wait = move |exchange: Exchange| {
        let mut named = liar_named.clone();
        async move {
            if exchange.path.ends_with("/reencrypt") {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_miner_that_answers_with_anothers_fragment_is_named_and_the_read_succeeds() {
    let world = World::new().await;
    let (heard, overheard) = watch::channel(None);
    let (counted, first_counted) = watch::channel(false);
    let (named, liar_named) = watch::channel(None);
    let (liar_address, _liar_server) = liar(&world, overheard).await;

    let [listen_first, listen_second] = [(); 2].map(|()| Place::free().listen);
    let first_proxy = overhearing(&listen_first, heard, first_counted).await;
    let second_proxy = waiting(&listen_second, liar_named.clone()).await;
    let first = miner_behind(&world, "first", &first_proxy, &listen_first).await;
    let _second = miner_behind(&world, "second", &second_proxy, &listen_second).await;
    // The chain goes on by itself now, so that payments are confirmed while the owner waits.
    world
        .devnet
        .set_mining(kms_chain::devnet::Mining::Every(1))
        .await
        .unwrap();

    let alice = world.person("alice", 100).await;
    let bob = world.person("bob", 1).await;
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
