//! A node as a process of its own: initialised in a private directory, started, killed, asked.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Mutex;

use kms_node::{InitOptions, init};
use kms_protocol::messages::{PolicyStatus, Problem};
use kms_protocol::{Address, EthSecret, PolicyId, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use umbral::PublicKey;

use super::kms::{Kms, PASSPHRASE};
use super::wait::until;
use super::world::World;

/// A node's directory, and its process while it runs.
pub(crate) struct Node {
    pub(crate) url: String,
    pub(crate) public_url: String,
    pub(crate) worker: Address,
    pub(crate) umbral_key: PublicKey,
    kms: Kms,
    data_dir: PathBuf,
    rpc_url: Mutex<String>,
    log: PathBuf,
    child: Mutex<Option<Child>>,
    http: reqwest::Client,
}

/// A port nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Node {
    /// Makes the data directory of a node for `miner`, which listens at one address and is reached
    /// by clients under a URL that may be another's.
    pub(crate) fn init(
        world: &World,
        name: &str,
        miner: Address,
        (listen, public_url): (&str, &str),
    ) -> Self {
        let data_dir = world.path(name);
        let settings = [
            ("deployment", world.deployment_file.display().to_string()),
            ("rpc_urls", world.rpc_url.clone()),
            ("miner", miner.to_string()),
            ("public_url", public_url.to_owned()),
            ("listen", listen.to_owned()),
            ("poll_interval_ms", "100".to_owned()),
        ];
        let settings = settings
            .map(|(key, value)| (key.to_owned(), value))
            .to_vec();
        let options = InitOptions {
            data_dir: data_dir.clone(),
            settings,
        };
        let made = init(&options, PASSPHRASE).unwrap();
        Self {
            url: format!("http://{listen}"),
            public_url: public_url.to_owned(),
            worker: made.worker,
            umbral_key: made.umbral_key,
            kms: Kms::at(&world.path(&format!("{name}-home"))),
            data_dir,
            rpc_url: Mutex::new(world.rpc_url.clone()),
            log: world.path(&format!("{name}.log")),
            child: Mutex::new(None),
            http: reqwest::Client::new(),
        }
    }

    /// From the next start on, the node speaks to the chain through another URL.
    pub(crate) fn reach_chain_by(&self, rpc_url: &str) {
        rpc_url.clone_into(&mut self.rpc_url.lock().unwrap());
    }

    /// Starts the process.
    pub(crate) fn start(&self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let data_dir = self.data_dir.display().to_string();
        let mut command = self.kms.command(&["node", "run", "--data-dir", &data_dir]);
        command.env("KMS_NODE_RPC_URLS", self.rpc_url.lock().unwrap().as_str());
        command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null());
        let before = self.child.lock().unwrap().replace(command.spawn().unwrap());
        assert!(before.is_none(), "the node runs already");
    }

    /// Ends the process as a crash or a power cut would.
    pub(crate) fn kill(&self) {
        let mut child = self
            .child
            .lock()
            .unwrap()
            .take()
            .expect("the node does not run");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The key that signs for the miner; on disk it is encrypted.
    pub(crate) fn worker_key(&self) -> EthSecret {
        let path = self.data_dir.join("worker.json");
        let bytes = kms_chain::keystore::load(&path, PASSPHRASE).unwrap();
        EthSecret::from_bytes(&bytes).unwrap()
    }

    /// What the process has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the node says that it is ready.
    pub(crate) async fn ready(&self) {
        let url = format!("{}/readyz", self.url);
        until(&format!("{url} to be ready"), async || {
            if let Some(child) = self.child.lock().unwrap().as_mut()
                && let Some(status) = child.try_wait().unwrap()
            {
                panic!("the node ended ({status}):\n{}", self.log());
            }
            let reply = self.http.get(&url).send().await.ok()?;
            reply.status().is_success().then_some(())
        })
        .await;
    }

    /// Why a condition of the node's own report fails; `None` while it holds.
    pub(crate) async fn complaint(&self, condition: &str) -> Option<String> {
        let report: Value = self.get("/readyz").await.unwrap();
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == condition)?;
        Some(check["reason"].as_str()?.to_owned())
    }

    /// A gauge of the node.
    pub(crate) async fn gauge(&self, name: &str) -> f64 {
        let url = format!("{}/metrics", self.url);
        let text = self.http.get(url).send().await.unwrap().text().await;
        let text = text.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value
            .unwrap_or_else(|| panic!("no {name}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// Waits until the node has seen a block of this height.
    pub(crate) async fn sees(&self, block: u64) {
        until("the node to follow the chain", async || {
            let info: kms_protocol::messages::NodeInfo = self.get("/v1/info").await.ok()?;
            (info.head_block >= block).then_some(())
        })
        .await;
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        let reply = self
            .http
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        answer(reply).await
    }

    /// Posts a body, as the real client does or as it never would.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Problem> {
        let url = format!("{}{path}", self.url);
        let body = serde_json::to_vec(body).unwrap();
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .body(body);
        let reply = request.send().await.unwrap();
        answer(reply).await
    }

    /// What the node says it would do with a request under a policy.
    pub(crate) async fn refusal(&self, policy: PolicyId) -> Option<Refusal> {
        let status: PolicyStatus = self.get(&format!("/v1/policies/{policy}")).await.unwrap();
        assert_eq!(status.serving, status.refusal.is_none());
        status.refusal.map(|problem| problem.code)
    }
}

/// A body of the expected type, or a problem whose status and media type are those of its code.
async fn answer<T: DeserializeOwned>(reply: reqwest::Response) -> Result<T, Problem> {
    let status = reply.status();
    let kind = reply.headers().get("content-type").cloned();
    let body = reply.bytes().await.unwrap();
    if status.is_success() {
        return Ok(serde_json::from_slice(&body).unwrap());
    }
    assert_eq!(kind.unwrap(), Problem::MEDIA_TYPE);
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.code.http_status(), status.as_u16());
    Err(problem)
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _gone = child.kill();
            let _gone = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}
