//! A node that a test plays for a real miner: takes kfrags as an honest one, answers falsely, and
//! goes on answering after a revocation.

use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use kms_kit::wire::Endpoint;
use kms_protocol::messages::{
    Answer, KfragAck, KfragState, KfragUpload, Message, PolicyStatus, ReencryptReply,
    ReencryptRequest,
};
use kms_protocol::{
    B256, EthSignature, FixedBytes, PeriodClock, PolicyId, Refusal, address_of, kfrag_policy,
};
use umbral::{Capsule, Context, KeyFrag, VerifiedKeyFrag};

use super::proxy::{Proxy, serve};
use super::world::{Miner, World};
use kms_kit::node::Place;

/// How the node answers a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Well,
    /// With a fragment of another capsule, another one each time.
    OfAnotherCapsule,
}

struct Inner {
    endpoint: OnceLock<Endpoint>,
    world: kms_chain::Chain,
    clock: PeriodClock,
    manner: Mutex<Manner>,
    held: Mutex<Option<(KfragUpload, Arc<VerifiedKeyFrag>)>>,
}

/// The node, and the miner it plays. The miner's own node runs beside it, and confirms and
/// registers.
pub(crate) struct FalseNode {
    pub(crate) miner: Miner,
    inner: Arc<Inner>,
    _server: Proxy,
}

impl FalseNode {
    /// A miner at work, which clients reach here.
    pub(crate) async fn at_work(world: &World, name: &str) -> Self {
        let inner = Arc::new(Inner {
            endpoint: OnceLock::new(),
            world: world.chain.clone(),
            clock: world.clock,
            manner: Mutex::new(Manner::Well),
            held: Mutex::default(),
        });
        let router = Router::new()
            .route("/v2/info", get(info))
            .route("/v2/message", post(message))
            .with_state(Arc::clone(&inner));
        let server = serve(router).await;
        let place = Place {
            public_url: server.url.clone(),
            ..Place::free()
        };
        let miner = world.stopped_miner_at(name, &place).await;
        let worker = miner.node.worker_key();
        let endpoint = Endpoint::new(world.domain, miner.address(), worker);
        assert!(inner.endpoint.set(endpoint).is_ok());
        world.at_work(&miner).await;
        Self {
            miner,
            inner,
            _server: server,
        }
    }

    pub(crate) fn answer(&self, manner: Manner) {
        *self.inner.manner.lock().unwrap() = manner;
    }
}

impl Inner {
    fn accept(&self, upload: KfragUpload) -> KfragAck {
        let endpoint = self.endpoint.get().unwrap();
        let (domain, miner) = (&endpoint.domain, endpoint.miner);
        let policy_id = upload.verify(domain, miner).unwrap();
        let context = Context {
            delegating: upload.delegating_key,
            receiving: upload.receiving_key,
            verifying: upload.verifying_key,
        };
        let policy = kfrag_policy(&upload.terms, domain.chain_id, &domain.contract).unwrap();
        let kfrag = KeyFrag::from_bytes(upload.kfrag.expose()).unwrap();
        let kfrag = kfrag.verify(&context, &policy, &miner.0).unwrap();
        let ack = KfragAck {
            policy_id,
            miner,
            kfrag_hash: upload.kfrag.hash(),
            signature: EthSignature::UNSIGNED,
        };
        *self.held.lock().unwrap() = Some((upload, Arc::new(kfrag)));
        ack.signed(domain, &endpoint.worker)
    }

    fn reply(&self, request: &ReencryptRequest) -> Option<ReencryptReply> {
        let endpoint = self.endpoint.get().unwrap();
        let (upload, kfrag) = self.held.lock().unwrap().clone()?;
        let mut reply = ReencryptReply {
            policy_id: request.policy_id,
            miner: endpoint.miner,
            verifying_key: upload.verifying_key,
            commitments: upload.commitments.clone(),
            block_time: request.block_time,
            block_hash: B256([2; 32]),
            entries: Vec::new(),
        };
        let rng = &mut getrandom::SysRng;
        for bytes in &request.capsules {
            let capsule = match *self.manner.lock().unwrap() {
                Manner::Well => Capsule::from_bytes(&bytes.0).unwrap(),
                Manner::OfAnotherCapsule => {
                    umbral::encapsulate(rng, &upload.delegating_key).unwrap().0
                }
            };
            let cfrag = umbral::reencrypt(rng, &capsule, &kfrag).unwrap().to_bytes();
            let requester = address_of(&upload.receiving_key);
            let (domain, worker) = (&endpoint.domain, &endpoint.worker);
            reply.push_signed(bytes, FixedBytes(cfrag), requester, domain, worker);
        }
        Some(reply)
    }

    fn status(&self, policy_id: PolicyId) -> PolicyStatus {
        let serving = self.held.lock().unwrap().is_some();
        PolicyStatus {
            policy_id,
            serving,
            refusal: (!serving).then(|| Refusal::KfragMissing.into()),
            kfrag: match serving {
                true => KfragState::Stored,
                false => KfragState::Missing,
            },
            erasure: None,
        }
    }
}

async fn info(State(node): State<Arc<Inner>>) -> Response {
    let head = node.world.head().await.unwrap();
    let now = node.clock.period_at(head.timestamp).unwrap();
    node.endpoint.get().unwrap().info(now).into_response()
}

async fn message(State(node): State<Arc<Inner>>, body: Bytes) -> Response {
    let endpoint = node.endpoint.get().unwrap();
    let Some((message, exchange)) = endpoint.open(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = match message {
        Message::Kfrag(upload) => Answer::Stored(node.accept(*upload)),
        Message::Reencrypt(request) => match node.reply(&request) {
            Some(reply) => Answer::Fragments(reply),
            None => Answer::Refused(Refusal::KfragMissing.into()),
        },
        Message::Status(policy) => Answer::Status(Box::new(node.status(policy))),
    };
    endpoint.answer(&answer, &exchange).into_response()
}
