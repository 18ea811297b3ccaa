//! A node as a process of its own: initialised in a private directory, started, killed, asked.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use kms_chain::keystore;
use kms_protocol::messages::PolicyStatus;
use kms_protocol::{Address, EthSecret, PolicyId, Refusal, SignedConsent};
use serde_json::Value;

use crate::kms::{Kms, PASSPHRASE};
use crate::process::{Process, free_port};
use crate::wait::until;
use crate::wire::Wire;

/// How long a node that runs may take to say whether it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a node listens, and the URL clients reach it under, which may be another's.
#[derive(Debug, Clone)]
pub struct Place {
    /// Address and port.
    pub listen: String,
    /// What the node registers on chain.
    pub public_url: String,
}

impl Place {
    /// A free port of this machine, reached as it is.
    pub fn free() -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        Self {
            public_url: format!("http://{listen}"),
            listen,
        }
    }
}

/// A node's directory, and its process while it runs.
#[derive(Debug)]
pub struct Node {
    /// Where it is asked.
    pub url: String,
    /// Where its operator asks it.
    pub admin_url: String,
    /// Where clients believe it to be.
    pub public_url: String,
    /// The key that signs for the miner.
    pub worker: Address,
    /// By which the miner bonds it.
    pub consent: SignedConsent,
    /// Keys, settings, database.
    pub data_dir: PathBuf,
    kms: Kms,
    /// Settings of this machine, as variables, where its directory is a copy.
    settings: Vec<(&'static str, String)>,
    rpc_url: Mutex<Option<String>>,
    log: PathBuf,
    process: Mutex<Option<Process>>,
    http: reqwest::Client,
}

impl Node {
    /// Makes the data directory of a node by `kms node init`. Miner and chain are those of the
    /// home, unless `more` names others. The node believes whatever time the chain shows, which
    /// tests move, looks at it ten times a second, and erases as soon as the end of a policy is
    /// proved.
    #[track_caller]
    pub fn init(kms: Kms, data_dir: &Path, place: &Place, more: &[&str]) -> Self {
        let directory = data_dir.display().to_string();
        let admin = format!("127.0.0.1:{}", free_port());
        let admin_listen = format!("admin_listen={admin}");
        let args = [
            "node",
            "init",
            "--data-dir",
            &directory,
            "--public-url",
            &place.public_url,
            "--listen",
            &place.listen,
            "--set",
            &admin_listen,
            "--set",
            "max_block_ahead_s=0",
            "--set",
            "max_head_age_s=0",
            "--set",
            "erase_after_ms=0",
            "--set",
            "poll_interval_ms=100",
        ];
        let made = kms.json(&[&args, more].concat()).assert_success();
        Self {
            url: format!("http://{}", place.listen),
            admin_url: format!("http://{admin}"),
            public_url: place.public_url.clone(),
            worker: made.address("worker"),
            consent: made.text("consent").parse().unwrap(),
            kms,
            data_dir: data_dir.to_owned(),
            settings: Vec::new(),
            rpc_url: Mutex::default(),
            log: data_dir.with_extension("log"),
            process: Mutex::default(),
            http: reqwest::Client::new(),
        }
    }

    /// Another machine of the same miner: keys and settings are copies, what it listens at is its
    /// own.
    pub fn replica(&self, data_dir: &Path) -> Self {
        let mut folder = std::fs::DirBuilder::new();
        folder.mode(0o700).create(data_dir).unwrap();
        for entry in std::fs::read_dir(&self.data_dir).unwrap() {
            let from = entry.unwrap().path();
            std::fs::copy(&from, data_dir.join(from.file_name().unwrap())).unwrap();
        }
        let (listen, admin) = (free_port(), free_port());
        let (listen, admin) = (format!("127.0.0.1:{listen}"), format!("127.0.0.1:{admin}"));
        Self {
            url: format!("http://{listen}"),
            admin_url: format!("http://{admin}"),
            public_url: self.public_url.clone(),
            worker: self.worker,
            consent: self.consent,
            data_dir: data_dir.to_owned(),
            kms: self.kms.clone(),
            settings: vec![
                ("KMS_NODE_LISTEN", listen),
                ("KMS_NODE_ADMIN_LISTEN", admin),
            ],
            rpc_url: Mutex::default(),
            log: data_dir.with_extension("log"),
            process: Mutex::default(),
            http: reqwest::Client::new(),
        }
    }

    /// From the next start on, the node speaks to the chain through another URL.
    pub fn reach_chain_by(&self, rpc_url: &str) {
        *self.rpc_url.lock().unwrap() = Some(rpc_url.to_owned());
    }

    /// What runs the node.
    pub fn command(&self) -> Command {
        let data_dir = self.data_dir.display().to_string();
        let mut command = self.kms.command(&["node", "run", "--data-dir", &data_dir]);
        let rpc_url = self.rpc_url.lock().unwrap();
        command.envs(rpc_url.iter().map(|url| ("KMS_NODE_RPC_URLS", url)));
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the process, which ends with this value.
    pub fn start(&self) {
        self.start_by(self.command());
    }

    /// Starts the process by a command around that of [`Node::command`].
    pub fn start_by(&self, command: Command) {
        let process = Process::start(command, &self.log).unwrap();
        let before = self.process.lock().unwrap().replace(process);
        assert!(before.is_none(), "the node runs already");
    }

    /// Id of the process, which runs.
    pub fn process_id(&self) -> u32 {
        let process = self.process.lock().unwrap();
        process.as_ref().expect("the node does not run").id()
    }

    /// Whether the process was started and has ended by itself.
    pub fn has_ended(&self) -> bool {
        let mut process = self.process.lock().unwrap();
        process
            .as_mut()
            .is_some_and(|process| process.check().is_err())
    }

    /// Ends the process as a crash or a power cut would.
    pub fn kill(&self) {
        let process = self.process.lock().unwrap().take();
        process.expect("the node does not run").kill();
    }

    /// The key that signs for the miner; on disk it is encrypted.
    pub fn worker_key(&self) -> EthSecret {
        let path = self.data_dir.join("worker.json");
        let bytes = keystore::load(&path, PASSPHRASE).unwrap();
        EthSecret::from_bytes(&bytes).unwrap()
    }

    /// Whether the node says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let request = self.http.get(format!("{}/readyz", self.url));
        let reply = request.timeout(READY_TIMEOUT).send().await;
        reply.is_ok_and(|reply| reply.status().is_success())
    }

    /// Waits until the node says that it is ready.
    pub async fn ready(&self) {
        until(&format!("{} to be ready", self.url), async || {
            if let Some(process) = self.process.lock().unwrap().as_mut() {
                process.check().unwrap();
            }
            self.is_ready().await.then_some(())
        })
        .await;
    }

    /// Why a check of the node's own reports fails; `None` while it holds.
    pub async fn complaint(&self, check: &str) -> Option<String> {
        let mut complaints = self.complaints().await.into_iter();
        complaints.find_map(|(id, reason)| (id == check).then_some(reason))
    }

    /// The checks of the node's own reports that fail, each with its reason.
    pub async fn complaints(&self) -> Vec<(String, String)> {
        let mut complaints = Vec::new();
        for page in ["readyz", "earnz"] {
            let url = format!("{}/{page}", self.url);
            let report = self.http.get(url).send().await.unwrap().bytes().await;
            let report: Value = serde_json::from_slice(&report.unwrap()).unwrap();
            for check in report["checks"].as_array().unwrap() {
                if let (Some(id), Some(reason)) = (check["id"].as_str(), check["reason"].as_str()) {
                    complaints.push((id.to_owned(), reason.to_owned()));
                }
            }
        }
        complaints
    }

    async fn metrics(&self) -> String {
        let url = format!("{}/metrics", self.admin_url);
        let text = self.http.get(url).send().await.unwrap().text().await;
        text.unwrap()
    }

    /// Messages and questions for its certificate that clients have sent it since it started.
    pub async fn requests(&self) -> u64 {
        let text = self.metrics().await;
        let of_route = |line: &str| -> Option<u64> {
            let counted = line.strip_prefix("kms_http_requests_total{")?;
            Some(counted.split_whitespace().last()?.parse().unwrap())
        };
        text.lines().filter_map(of_route).sum()
    }

    /// A gauge of the node.
    pub async fn gauge(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        let value = value.unwrap_or_else(|| panic!("no {name}"));
        value.trim().parse().unwrap()
    }

    /// Waits until the node has seen a block of this height.
    pub async fn sees(&self, block: u64) {
        until("the node to follow the chain", async || {
            let info = self.wire().info().await.ok()?;
            (info.head_block >= block).then_some(())
        })
        .await;
    }

    /// Waits until the node has decided its duties as of a block of this height.
    pub async fn decides(&self, block: u64) {
        until("the node to decide its duties", async || {
            let decided = self.gauge("kms_tx_decided_block").await;
            (decided >= block as f64).then_some(())
        })
        .await;
    }

    /// A client's line to the node.
    pub fn wire(&self) -> Wire {
        Wire::to(&self.url)
    }

    /// What the node says of a policy.
    pub async fn status(&self, policy: PolicyId) -> PolicyStatus {
        let status = self.wire().status(policy).await.unwrap();
        assert_eq!(status.serving, status.refusal.is_none());
        status
    }

    /// What the node would refuse a request under a policy with.
    pub async fn refusal(&self, policy: PolicyId) -> Option<Refusal> {
        let refusal = self.status(policy).await.refusal;
        refusal.map(|problem| problem.code)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- {}\n{log}", self.log.display());
        }
    }
}
