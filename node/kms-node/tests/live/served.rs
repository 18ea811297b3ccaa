//! A node run through the public API of the crate, and a client of its HTTP interface.

use std::path::Path;

use kms_kit::net::Net;
use kms_kit::process::free_port;
use kms_kit::wire::Wire;
use kms_node::{ConsentTo, InitOptions, NodeConfig, NodeError, Sources, init, run};
use kms_protocol::{Address, SignedConsent};
use reqwest::Client;
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

    pub(crate) fn wire(&self) -> Wire {
        Wire::to(&self.base)
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

pub(crate) fn init_node(dir: &Path, net: &Net, miner: Address) -> (SignedConsent, NodeConfig) {
    let address = format!("127.0.0.1:{}", free_port());
    let data_dir = dir.join("node");
    let settings = [
        ("deployment", net.deployment_file.display().to_string()),
        ("rpc_urls", net.rpc_url.clone()),
        ("miner", miner.to_string()),
        ("public_url", format!("http://{address}")),
        ("listen", address),
        ("admin_listen", String::new()),
        // Blocks made at once are ahead of the clock, and a test waits for no interval.
        ("max_block_ahead_s", "0".to_owned()),
        ("erase_after_ms", "0".to_owned()),
        ("claim_every_periods", "1".to_owned()),
        ("collect_every_periods", "1".to_owned()),
        ("fee_per_kms", "1 ETH".to_owned()),
    ];
    let settings = settings
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec();
    let made = init(
        &InitOptions {
            data_dir: data_dir.clone(),
            settings,
            consent: ConsentTo {
                escrow: net.deployment.escrow_domain(),
                until: u64::MAX,
            },
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
    (made.consent, loaded.config)
}
