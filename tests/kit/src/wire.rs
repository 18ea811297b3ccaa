//! Both ends of the sealed line between client and node: [`Wire`] asks a node as a client does, an
//! [`Endpoint`] is what a false node needs to be asked.

use std::net::IpAddr;
use std::sync::Mutex;

use kms_protocol::messages::{
    Answer, KfragAck, KfragUpload, Message, NodeInfo, PolicyStatus, Problem, ReencryptReply,
    ReencryptRequest, TransportCertificate,
};
use kms_protocol::{
    Address, Destination, Domain, EthSecret, EthSignature, Exchange, Period, PolicyId, Refusal,
    TransportKeyId, TransportSecret,
};
use reqwest::Client;

/// A client's line to one node.
#[derive(Debug, Clone)]
pub struct Wire {
    http: Client,
    base: String,
}

impl Wire {
    /// A line to the node at a base URL.
    pub fn to(base: &str) -> Self {
        Self {
            http: Client::new(),
            base: base.to_owned(),
        }
    }

    /// The same from another address of this machine.
    ///
    /// # Panics
    /// The address cannot be used.
    pub fn from(address: IpAddr, base: &str) -> Self {
        let http = Client::builder().local_address(address).build();
        Self {
            http: http.unwrap(),
            base: base.to_owned(),
        }
    }

    /// Asks for a page, and reads it whatever it says.
    pub async fn page(&self, path: &str) -> Vec<u8> {
        let reply = self.http.get(format!("{}{path}", self.base)).send().await;
        reply.unwrap().bytes().await.unwrap().to_vec()
    }

    /// The node's information; its signatures are checked, whose they should be is not known here.
    ///
    /// # Errors
    /// The node's refusal.
    pub async fn info(&self) -> Result<NodeInfo, Problem> {
        let reply = self.http.get(format!("{}/v2/info", self.base)).send().await;
        let info: NodeInfo = serde_json::from_slice(&plain(reply.unwrap()).await?).unwrap();
        let domain = Domain::node(info.chain_id, info.policy_manager);
        let now = info.transport.first_period;
        info.verify(&domain, &info.miner, &info.worker, now)
            .unwrap();
        Ok(info)
    }

    /// Sends a message; what cannot be answered under the envelope is an error.
    ///
    /// # Errors
    /// An unsigned refusal.
    pub async fn ask(&self, message: &Message) -> Result<Answer, Problem> {
        match self.once(message).await {
            // The period, and with it the key, may have changed between the two requests.
            Err(problem) if problem.code == Refusal::TransportKeyUnknown => {
                self.once(message).await
            }
            answered => answered,
        }
    }

    async fn once(&self, message: &Message) -> Result<Answer, Problem> {
        let info = self.info().await?;
        let domain = Domain::node(info.chain_id, info.policy_manager);
        let destination = Destination {
            domain: &domain,
            miner: &info.miner,
        };
        let (sealed, exchange) = message.seal(&info.transport.key, &destination).unwrap();
        let reply = self.post(sealed).await?;
        Ok(Answer::open(&destination, &exchange, &info.worker, &reply).unwrap())
    }

    /// Posts bytes as they are.
    ///
    /// # Errors
    /// An unsigned refusal.
    pub async fn post(&self, sealed: Vec<u8>) -> Result<Vec<u8>, Problem> {
        let request = self.http.post(format!("{}/v2/message", self.base));
        plain(request.body(sealed).send().await.unwrap()).await
    }

    /// Hands over a kfrag.
    ///
    /// # Errors
    /// The node's refusal, signed or not.
    pub async fn hand_over(&self, upload: &KfragUpload) -> Result<KfragAck, Problem> {
        match self.ask(&Message::Kfrag(Box::new(upload.clone()))).await? {
            Answer::Stored(ack) => Ok(ack),
            other => Err(refused(other)),
        }
    }

    /// Asks for fragments.
    ///
    /// # Errors
    /// The node's refusal, signed or not.
    pub async fn reencrypt(&self, request: &ReencryptRequest) -> Result<ReencryptReply, Problem> {
        match self.ask(&Message::Reencrypt(request.clone())).await? {
            Answer::Fragments(reply) => Ok(reply),
            other => Err(refused(other)),
        }
    }

    /// Asks for the state of a policy.
    ///
    /// # Errors
    /// The node's refusal, signed or not.
    pub async fn status(&self, policy: PolicyId) -> Result<PolicyStatus, Problem> {
        match self.ask(&Message::Status(policy)).await? {
            Answer::Status(status) => Ok(*status),
            other => Err(refused(other)),
        }
    }
}

fn refused(answer: Answer) -> Problem {
    match answer {
        Answer::Refused(problem) => problem,
        Answer::Stored(_) | Answer::Fragments(_) | Answer::Status(_) => {
            panic!("an answer to another question: {answer:?}")
        }
    }
}

/// The body, or a problem whose status and media type are those of its code.
async fn plain(reply: reqwest::Response) -> Result<Vec<u8>, Problem> {
    let status = reply.status();
    let kind = reply.headers().get("content-type").cloned();
    let body = reply.bytes().await.unwrap();
    if status.is_success() {
        return Ok(body.to_vec());
    }
    assert_eq!(kind.unwrap(), Problem::MEDIA_TYPE);
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.code.http_status(), status.as_u16());
    Err(problem)
}

/// The keys of a node that a test plays itself.
pub struct Endpoint {
    /// Chain and contract it answers for.
    pub domain: Domain,
    /// Owner address of its miner.
    pub miner: Address,
    /// Signs what it says.
    pub worker: EthSecret,
    held: Mutex<Option<(Period, TransportSecret)>>,
}

impl Endpoint {
    /// A node of this miner, without a transport key yet.
    pub fn new(domain: Domain, miner: Address, worker: EthSecret) -> Self {
        Self {
            domain,
            miner,
            worker,
            held: Mutex::default(),
        }
    }

    fn destination(&self) -> Destination<'_> {
        Destination {
            domain: &self.domain,
            miner: &self.miner,
        }
    }

    /// The signed information of period `now`, as JSON; a new period has a new key.
    pub fn info(&self, now: Period) -> Vec<u8> {
        let mut held = self.held.lock().unwrap();
        if held.as_ref().is_none_or(|(first, _)| *first != now) {
            *held = Some((now, TransportSecret::random().unwrap()));
        }
        let transport = TransportCertificate {
            miner: self.miner,
            key: held.as_ref().unwrap().1.key(),
            first_period: now,
            last_period: Period(now.0 + 1),
            signature: EthSignature::UNSIGNED,
        };
        let info = NodeInfo {
            miner: self.miner,
            worker: self.worker.address(),
            chain_id: self.domain.chain_id,
            policy_manager: self.domain.contract,
            version: "0.0.0".to_owned(),
            head_block: 100,
            transport: transport.signed(&self.domain, &self.worker),
            signature: EthSignature::UNSIGNED,
        };
        serde_json::to_vec(&info.signed(&self.domain, &self.worker)).unwrap()
    }

    /// Forgets the transport key, as a restart does.
    pub fn forget_key(&self) {
        *self.held.lock().unwrap() = None;
    }

    /// Opens a message; `None` if it is sealed to another key.
    pub fn open(&self, sealed: &[u8]) -> Option<(Message, Exchange)> {
        let held = self.held.lock().unwrap();
        let (_, secret) = held.as_ref()?;
        if TransportKeyId::named_by(sealed).unwrap() != TransportKeyId::of(&secret.key()) {
            return None;
        }
        let (plain, exchange) = secret.open(&self.destination(), sealed).unwrap();
        Some((Message::parse(&plain).unwrap(), exchange))
    }

    /// Seals an answer, signed by the worker.
    pub fn answer(&self, answer: &Answer, exchange: &Exchange) -> Vec<u8> {
        self.answer_as(answer, exchange, &self.worker)
    }

    /// The same, signed by anybody.
    pub fn answer_as(&self, answer: &Answer, exchange: &Exchange, signer: &EthSecret) -> Vec<u8> {
        answer.seal(&self.destination(), exchange, signer).unwrap()
    }
}
