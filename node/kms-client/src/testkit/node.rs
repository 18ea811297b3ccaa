//! A node: a real HTTP server with real keys, honest or with one bad habit.

mod answers;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use kms_kit::wire::Endpoint;
use kms_protocol::messages::{
    Answer, CommitmentsBytes, Entry, KfragUpload, Message, NodeInfo, Problem, ReencryptReply,
    ReencryptRequest,
};
use kms_protocol::{
    Address, B256, Domain, EthSecret, FixedBytes, Period, PolicyId, Refusal, SignedConsent,
    kfrag_policy,
};
use umbral::{Capsule, Context, KeyFrag, PublicKey, VerifiedKeyFrag};

/// What a node does instead of its duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Nothing else.
    Honest,
    /// Refuses everything, and signs the refusal.
    Refuses(Refusal),
    /// Refuses everything in clear, as anybody between could.
    RefusesInClear(Refusal),
    /// Loses its transport key before each of the first so many messages.
    Forgets(u32),
    /// Has its transport key certified by a key that is not bonded.
    WrongCertificate,
    /// Knows no policy for the first so many requests.
    LagsBy(u32),
    /// Signs its answers with a key that is not bonded.
    WrongSigner,
    /// Signs receipts and acknowledgements with a key that is not bonded.
    WrongReceipts,
    /// Refuses after a revocation, and has not erased yet, for the first so many questions.
    ErasesAfter(u32),
    /// Says that it has erased its kfrag, and gives no receipt.
    ErasesSilently,
    /// Says after a revocation that it never held a kfrag.
    NeverHeld,
    /// Gives a receipt for another kfrag, rightly signed.
    OtherReceipt,
    /// Answers with a fragment of another capsule, rightly signed.
    OtherCapsule,
    /// Answers with a valid fragment of another miner's key fragment, rightly signed.
    AnothersFragment,
    /// Breaks the proof of its fragment and signs the result.
    BadProof,
    /// Answers well, and passes on commitments that the author did not sign.
    BadCommitments,
    /// Refuses every capsule, valid or not.
    RefusesEntry,
    /// Passes on the answer of another miner as it is.
    AnothersReply,
    /// Answers 1 MiB of white space.
    Oversize,
    /// Sends the client elsewhere.
    Redirects,
    /// Never answers.
    Hangs,
    /// Claims a content encoding.
    Encodes,
    /// Answers what is no JSON.
    Garbage,
}

/// Tells the period that the chain is in.
pub(crate) type Clock = Arc<dyn Fn() -> BoxFuture<'static, Period> + Send + Sync>;

struct Inner {
    miner: Address,
    domain: Domain,
    endpoint: Endpoint,
    clock: Clock,
    stranger: EthSecret,
    habit: Mutex<Habit>,
    held: Mutex<Vec<(PolicyId, KfragUpload, Arc<VerifiedKeyFrag>)>>,
    uploads: Mutex<u32>,
    cfrags: Mutex<Vec<[u8; 359]>>,
    /// How often its certificate was asked for.
    infos: Mutex<u32>,
    revoked: Mutex<bool>,
    /// Whose key fragment or reply is used by the habits that steal.
    victim: Mutex<Option<TestNode>>,
}

#[derive(Clone)]
pub(crate) struct TestNode {
    inner: Arc<Inner>,
    pub(crate) url: String,
}

impl TestNode {
    pub(crate) async fn start(miner: Address, domain: Domain, clock: Clock) -> Self {
        let worker = EthSecret::random().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            miner,
            domain,
            endpoint: Endpoint::new(domain, miner, worker),
            clock,
            stranger: EthSecret::random().unwrap(),
            habit: Mutex::new(Habit::Honest),
            held: Mutex::default(),
            uploads: Mutex::default(),
            cfrags: Mutex::default(),
            infos: Mutex::default(),
            revoked: Mutex::default(),
            victim: Mutex::default(),
        });
        let node = Self { inner, url };
        let app = Router::new()
            .route("/v2/message", post(message))
            .route("/v2/info", get(info))
            .with_state(node.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        node
    }

    pub(crate) fn set(&self, habit: Habit) {
        *self.inner.habit.lock().unwrap() = habit;
    }

    pub(crate) fn steal_from(&self, victim: &Self, habit: Habit) {
        *self.inner.victim.lock().unwrap() = Some(victim.clone());
        self.set(habit);
    }

    pub(crate) fn revoke(&self) {
        *self.inner.revoked.lock().unwrap() = true;
    }

    pub(crate) fn uploads(&self) -> u32 {
        *self.inner.uploads.lock().unwrap()
    }

    /// Every cfrag it made for a reader.
    pub(crate) fn cfrags(&self) -> Vec<[u8; 359]> {
        self.inner.cfrags.lock().unwrap().clone()
    }

    pub(crate) fn infos(&self) -> u32 {
        *self.inner.infos.lock().unwrap()
    }

    pub(crate) fn worker(&self) -> Address {
        self.inner.endpoint.worker.address()
    }

    /// The worker's consent to be bonded to a miner.
    pub(crate) fn consent(&self, miner: Address, escrow: &Domain) -> SignedConsent {
        SignedConsent::sign(&self.inner.endpoint.worker, miner, u64::MAX, escrow)
    }

    /// For transactions of the worker on a real chain.
    pub(crate) fn worker_secret(&self) -> EthSecret {
        EthSecret::from_bytes(&self.inner.endpoint.worker.expose_bytes()).unwrap()
    }

    fn habit(&self) -> Habit {
        self.inner.habit.lock().unwrap().clone()
    }

    fn signer(&self) -> &EthSecret {
        match self.habit() {
            Habit::WrongReceipts => &self.inner.stranger,
            _ => &self.inner.endpoint.worker,
        }
    }

    fn verified(&self, upload: &KfragUpload) -> VerifiedKeyFrag {
        let context = Context {
            delegating: upload.delegating_key,
            receiving: upload.receiving_key,
            verifying: upload.verifying_key,
        };
        let domain = &self.inner.domain;
        let policy = kfrag_policy(&upload.terms, domain.chain_id, &domain.contract).unwrap();
        let kfrag = KeyFrag::from_bytes(upload.kfrag.expose()).unwrap();
        let kfrag = kfrag
            .verify(&context, &policy, &self.inner.miner.0)
            .unwrap();
        let commitments = upload.commitments.parse().unwrap();
        commitments.check_signature(&context, &policy).unwrap();
        kfrag
    }

    /// What the author uploaded for a policy.
    pub(crate) fn uploaded(&self, policy: PolicyId) -> KfragUpload {
        self.held(policy).unwrap().0
    }

    /// Puts another share and other commitments in the place of those that were uploaded.
    pub(crate) fn exchange(
        &self,
        policy: PolicyId,
        kfrag: VerifiedKeyFrag,
        commitments: CommitmentsBytes,
    ) {
        let mut held = self.inner.held.lock().unwrap();
        let (_, upload, share) = held.iter_mut().find(|(id, ..)| *id == policy).unwrap();
        upload.commitments = commitments;
        *share = Arc::new(kfrag);
    }

    fn held(&self, policy: PolicyId) -> Option<(KfragUpload, Arc<VerifiedKeyFrag>)> {
        let held = self.inner.held.lock().unwrap();
        let found = held.iter().rfind(|(id, ..)| *id == policy);
        found.map(|(_, upload, kfrag)| (upload.clone(), Arc::clone(kfrag)))
    }

    fn reply(&self, request: &ReencryptRequest) -> Option<ReencryptReply> {
        let habit = self.habit();
        let victim = self.inner.victim.lock().unwrap().clone();
        let source = match (&habit, &victim) {
            (Habit::AnothersReply, Some(victim)) => return victim.reply(request),
            (Habit::AnothersFragment, Some(victim)) => victim,
            _ => self,
        };
        let (upload, kfrag) = source.held(request.policy_id)?;
        let mut commitments = upload.commitments.clone();
        if habit == Habit::BadCommitments {
            let mut bytes = commitments.as_ref().to_vec();
            // The last byte of c: the signature does not hold any more.
            bytes[commitments.statement().len() - 33] ^= 1;
            commitments = CommitmentsBytes::try_from(bytes.as_slice()).unwrap();
        }
        let mut reply = ReencryptReply {
            policy_id: request.policy_id,
            miner: self.inner.miner,
            verifying_key: upload.verifying_key,
            commitments,
            block_time: request.block_time,
            block_hash: B256([2; 32]),
            entries: Vec::new(),
        };
        let requester = kms_protocol::address_of(&upload.receiving_key);
        for bytes in &request.capsules {
            if habit == Habit::RefusesEntry {
                let problem = Problem::from(Refusal::CapsuleInvalid);
                reply.entries.push(Entry::Refused(problem));
                continue;
            }
            let mut cfrag = cfrag_of(&habit, bytes, &upload.delegating_key, &kfrag);
            if habit == Habit::BadProof {
                // The last byte of z.
                cfrag[294] ^= 1;
            }
            self.inner.cfrags.lock().unwrap().push(cfrag);
            reply.push_signed(
                bytes,
                FixedBytes(cfrag),
                requester,
                &self.inner.domain,
                self.signer(),
            );
        }
        Some(reply)
    }

    /// The answers that have nothing to do with the question.
    async fn unruly(&self) -> Option<Response> {
        match self.habit() {
            Habit::RefusesInClear(refusal) => Some(problem(refusal)),
            Habit::Forgets(left @ 1..) => {
                self.set(Habit::Forgets(left - 1));
                self.inner.endpoint.forget_key();
                None
            }
            Habit::Oversize => Some(vec![b' '; 1024 * 1024].into_response()),
            Habit::Redirects => {
                let to = [(header::LOCATION, "http://127.0.0.1:1/")];
                Some((StatusCode::TEMPORARY_REDIRECT, to).into_response())
            }
            Habit::Hangs => std::future::pending().await,
            Habit::Encodes => Some(([(header::CONTENT_ENCODING, "gzip")], "x").into_response()),
            Habit::Garbage => Some("<html>".into_response()),
            _ => None,
        }
    }
}

fn cfrag_of(
    habit: &Habit,
    bytes: &FixedBytes<98>,
    label_key: &PublicKey,
    kfrag: &VerifiedKeyFrag,
) -> [u8; 359] {
    let mut capsule = Capsule::from_bytes(&bytes.0).unwrap();
    if *habit == Habit::OtherCapsule {
        (capsule, _) = umbral::encapsulate(&mut getrandom::SysRng, label_key).unwrap();
    }
    umbral::reencrypt(&mut getrandom::SysRng, &capsule, kfrag)
        .unwrap()
        .to_bytes()
}

fn problem(refusal: Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.http_status()).unwrap();
    let body = serde_json::to_vec(&Problem::from(refusal)).unwrap();
    (status, Body::from(body)).into_response()
}

async fn info(State(node): State<TestNode>) -> Response {
    *node.inner.infos.lock().unwrap() += 1;
    let inner = &node.inner;
    let now = (inner.clock)().await;
    let info = inner.endpoint.info(now);
    if node.habit() != Habit::WrongCertificate {
        return info.into_response();
    }
    let mut info: NodeInfo = serde_json::from_slice(&info).unwrap();
    info.transport = info.transport.signed(&inner.domain, &inner.stranger);
    let info = info.signed(&inner.domain, &inner.endpoint.worker);
    serde_json::to_vec(&info).unwrap().into_response()
}

async fn message(State(node): State<TestNode>, body: axum::body::Bytes) -> Response {
    if let Some(response) = node.unruly().await {
        if matches!(
            node.inner.endpoint.open(&body),
            Some((Message::Kfrag(_), _))
        ) {
            *node.inner.uploads.lock().unwrap() += 1;
        }
        return response;
    }
    let Some((message, exchange)) = node.inner.endpoint.open(&body) else {
        return problem(Refusal::TransportKeyUnknown);
    };
    if matches!(message, Message::Kfrag(_)) {
        *node.inner.uploads.lock().unwrap() += 1;
    }
    let answer = match node.habit() {
        Habit::Refuses(refusal) => Answer::Refused(refusal.into()),
        Habit::LagsBy(left @ 1..) => {
            node.set(Habit::LagsBy(left - 1));
            Answer::Refused(Refusal::PolicyUnknown.into())
        }
        _ => node.answer(message),
    };
    let endpoint = &node.inner.endpoint;
    let signer = match node.habit() {
        Habit::WrongSigner => &node.inner.stranger,
        _ => &endpoint.worker,
    };
    endpoint
        .answer_as(&answer, &exchange, signer)
        .into_response()
}
