//! A node run through the public API of the crate, and a client of its HTTP interface.

use std::path::Path;

use kms_kit::net::Net;
use kms_kit::process::free_port;
use kms_node::{InitOptions, NodeConfig, NodeError, Sources, init, run};
use kms_protocol::Address;
use reqwest::Client;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

const PASSPHRASE: &str = "a passphrase for one test";

/// A running node and a client of its HTTP interface.
pub(crate) struct Served {
    pub(crate) base: String,
    pub(crate) http: Client,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) task: tokio::task::JoinHandle<Result<(), NodeError>>,
}

impl Served {
    pub(crate) fn start(config: NodeConfig) -> Self {
        let base = format!("http://{}", config.listen);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(run(config, Zeroizing::new(PASSPHRASE.into()), shutdown));
        Self {
            base,
            http: Client::new(),
            stop,
            task,
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        let response = self
            .http
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .ok()?;
        serde_json::from_slice(&response.bytes().await.ok()?).ok()
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: String) -> (u16, T) {
        let url = format!("{}{path}", self.base);
        let response = self.http.post(url).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        let value = serde_json::from_slice(&bytes);
        (
            status,
            value.unwrap_or_else(|_| panic!("{status} {}", String::from_utf8_lossy(&bytes))),
        )
    }

    pub(crate) async fn ready(&self) -> Option<()> {
        let response = self
            .http
            .get(format!("{}/readyz", self.base))
            .send()
            .await
            .ok()?;
        (response.status() == 200).then_some(())
    }
}

pub(crate) fn init_node(dir: &Path, net: &Net, miner: Address) -> (Address, NodeConfig) {
    let address = format!("127.0.0.1:{}", free_port());
    let data_dir = dir.join("node");
    let settings = [
        ("deployment", net.deployment_file.display().to_string()),
        ("rpc_urls", net.rpc_url.clone()),
        ("miner", miner.to_string()),
        ("public_url", format!("http://{address}")),
        ("listen", address),
    ];
    let settings = settings
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec();
    let made = init(
        &InitOptions {
            data_dir: data_dir.clone(),
            settings,
        },
        PASSPHRASE,
    )
    .unwrap();
    let file = Some(data_dir.join("node.toml"));
    let loaded = NodeConfig::load(&Sources {
        file,
        ..Sources::default()
    })
    .unwrap();
    (made.worker, loaded.config)
}
