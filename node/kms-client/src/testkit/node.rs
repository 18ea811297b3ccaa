//! A node: a real HTTP server with a real Umbral key and worker, honest or with one bad habit.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kms_protocol::messages::{
    CommitmentsBytes, ErasureReceipt, KfragAck, KfragState, KfragUpload, PolicyStatus, Problem,
    ReencryptReply, ReencryptRequest,
};
use kms_protocol::{
    Address, B256, Domain, EthSecret, EthSignature, FixedBytes, PolicyId, Refusal, kfrag_policy,
};
use umbral::{Capsule, Context, KeyFrag, PublicKey, SecretKey, VerifiedKeyFrag};

/// What a node does instead of its duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Nothing else.
    Honest,
    /// Refuses everything.
    Refuses(Refusal),
    /// Knows no policy for the first so many requests.
    LagsBy(u32),
    /// Signs with a key that is not bonded.
    WrongSigner,
    /// Answers with a fragment of another capsule, rightly signed.
    OtherCapsule,
    /// Answers with a valid fragment of another miner's key fragment, rightly signed.
    AnothersFragment,
    /// Breaks the proof of its fragment and signs the result.
    BadProof,
    /// Answers well, and passes on commitments that the author did not sign.
    BadCommitments,
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

struct Inner {
    miner: Address,
    domain: Domain,
    worker: EthSecret,
    stranger: EthSecret,
    umbral: SecretKey,
    habit: Mutex<Habit>,
    held: Mutex<Vec<(PolicyId, KfragUpload, Arc<VerifiedKeyFrag>)>>,
    uploads: Mutex<u32>,
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
    pub(crate) async fn start(miner: Address, domain: Domain) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            miner,
            domain,
            worker: EthSecret::random().unwrap(),
            stranger: EthSecret::random().unwrap(),
            umbral: SecretKey::random(&mut getrandom::SysRng).unwrap(),
            habit: Mutex::new(Habit::Honest),
            held: Mutex::default(),
            uploads: Mutex::default(),
            revoked: Mutex::default(),
            victim: Mutex::default(),
        });
        let node = Self { inner, url };
        let app = Router::new()
            .route("/v2/policies/{id}/kfrag", post(upload))
            .route("/v2/policies/{id}/reencrypt", post(reencrypt))
            .route("/v1/policies/{id}", get(status))
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

    pub(crate) fn worker(&self) -> Address {
        self.inner.worker.address()
    }

    /// For transactions of the worker on a real chain.
    pub(crate) fn worker_secret(&self) -> EthSecret {
        EthSecret::from_bytes(&self.inner.worker.expose_bytes()).unwrap()
    }

    pub(crate) fn umbral_key(&self) -> [u8; 33] {
        self.inner.umbral.public_key().to_bytes()
    }

    fn habit(&self) -> Habit {
        self.inner.habit.lock().unwrap().clone()
    }

    fn signer(&self) -> &EthSecret {
        match self.habit() {
            Habit::WrongSigner => &self.inner.stranger,
            _ => &self.inner.worker,
        }
    }

    fn unseal(&self, upload: &KfragUpload) -> VerifiedKeyFrag {
        let (capsule, ciphertext) = upload.sealed_kfrag.as_ref().split_at(98);
        let capsule = Capsule::from_bytes(capsule.try_into().unwrap()).unwrap();
        let bytes = umbral::decrypt_original(&self.inner.umbral, &capsule, ciphertext).unwrap();
        let context = Context {
            delegating: upload.delegating_key,
            receiving: upload.receiving_key,
            verifying: upload.verifying_key,
        };
        let domain = &self.inner.domain;
        let policy = kfrag_policy(&upload.terms, domain.chain_id, &domain.contract).unwrap();
        let kfrag = KeyFrag::from_bytes(bytes.as_slice().try_into().unwrap()).unwrap();
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
        let found = held.iter().find(|(id, ..)| *id == policy);
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
            block_number: 100,
            block_hash: B256([2; 32]),
            fragments: Vec::new(),
        };
        let requester = kms_protocol::address_of(&upload.receiving_key);
        for bytes in &request.capsules {
            let mut cfrag = cfrag_of(&habit, bytes, &upload.delegating_key, &kfrag);
            if habit == Habit::BadProof {
                // The last byte of z.
                cfrag[294] ^= 1;
            }
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
            Habit::Refuses(refusal) => Some(problem(refusal)),
            Habit::LagsBy(left @ 1..) => {
                self.set(Habit::LagsBy(left - 1));
                Some(problem(Refusal::PolicyUnknown))
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
    json(
        StatusCode::from_u16(refusal.http_status()).unwrap(),
        &Problem::from(refusal),
    )
}

fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    (status, Body::from(serde_json::to_vec(body).unwrap())).into_response()
}

async fn upload(State(node): State<TestNode>, body: axum::body::Bytes) -> Response {
    *node.inner.uploads.lock().unwrap() += 1;
    if let Some(response) = node.unruly().await {
        return response;
    }
    let upload: KfragUpload = serde_json::from_slice(&body).unwrap();
    let policy_id = upload.verify(&node.inner.domain, node.inner.miner).unwrap();
    let kfrag = Arc::new(node.unseal(&upload));
    let kfrag_hash = upload.kfrag_hash;
    node.inner
        .held
        .lock()
        .unwrap()
        .push((policy_id, upload, kfrag));
    let miner = node.inner.miner;
    let ack = KfragAck {
        policy_id,
        miner,
        kfrag_hash,
        signature: EthSignature::UNSIGNED,
    };
    json(
        StatusCode::CREATED,
        &ack.signed(&node.inner.domain, node.signer()),
    )
}

async fn reencrypt(State(node): State<TestNode>, body: axum::body::Bytes) -> Response {
    if let Some(response) = node.unruly().await {
        return response;
    }
    let request: ReencryptRequest = serde_json::from_slice(&body).unwrap();
    if *node.inner.revoked.lock().unwrap() {
        return problem(Refusal::PolicyRevoked);
    }
    match node.reply(&request) {
        Some(reply) => json(StatusCode::OK, &reply),
        None => problem(Refusal::KfragMissing),
    }
}

async fn status(State(node): State<TestNode>, Path(id): Path<String>) -> Response {
    if let Some(response) = node.unruly().await {
        return response;
    }
    let policy_id: PolicyId = id.parse().unwrap();
    let revoked = *node.inner.revoked.lock().unwrap();
    let held = node.held(policy_id);
    let erasure = held.as_ref().filter(|_| revoked).map(|(upload, _)| {
        ErasureReceipt {
            policy_id,
            miner: node.inner.miner,
            kfrag_hash: upload.kfrag_hash,
            block_number: 100,
            block_hash: B256([2; 32]),
            signature: EthSignature::UNSIGNED,
        }
        .signed(&node.inner.domain, node.signer())
    });
    let refusal = revoked.then(|| Problem::from(Refusal::PolicyRevoked));
    let kfrag = match (&held, revoked) {
        (Some(_), true) => KfragState::Erased,
        (Some(_), false) => KfragState::Stored,
        (None, _) => KfragState::Missing,
    };
    let serving = held.is_some() && !revoked;
    json(
        StatusCode::OK,
        &PolicyStatus {
            policy_id,
            serving,
            refusal,
            kfrag,
            erasure,
        },
    )
}
