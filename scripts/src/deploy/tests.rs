//! The command on private chains: repeated, killed, with the wrong chain, key or parameters.

use std::path::Path;

use kms_chain::devnet::{Devnet, DevnetOptions};
use kms_chain::{DeployState, Deployment, deploy_journaled, devnet};
use kms_protocol::Address;

use super::network::Target;
use super::{Args, deploy, resume};

const RECORD: &str = "31337.json";
const JOURNAL: &str = "31337.journal.json";

struct Scene {
    devnet: Devnet,
    records: tempfile::TempDir,
}

async fn scene() -> Scene {
    Scene {
        devnet: Devnet::start(&DevnetOptions::default()).await.unwrap(),
        records: tempfile::tempdir().unwrap(),
    }
}

impl Scene {
    fn args(&self) -> Args {
        Args {
            target: Target {
                network: Some("local".to_owned()),
                params: None,
                rpc: self.devnet.url().to_owned(),
                records: Some(self.records.path().to_owned()),
            },
            key_file: None,
            dry_run: false,
            deployer: None,
        }
    }

    /// The arguments for local parameters in which `by` replaces `line`.
    fn args_with(&self, line: &str, by: &str) -> Args {
        let file = crate::workspace::root().join("deployments/params/local.toml");
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(line), "{line}");
        let changed = self.records.path().join("changed.toml");
        std::fs::write(&changed, text.replacen(line, by, 1)).unwrap();
        let mut args = self.args();
        args.target.network = None;
        args.target.params = Some(changed);
        args
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.records.path().join(name)
    }

    async fn sent(&self) -> u64 {
        let account = devnet::account(0).unwrap().address();
        let method = "eth_getTransactionCount";
        let count: String = self
            .devnet
            .rpc()
            .request(method, &(account, "latest"))
            .await
            .unwrap();
        u64::from_str_radix(count.trim_start_matches("0x"), 16).unwrap()
    }
}

async fn refused(args: &Args) -> String {
    format!("{:#}", deploy(args).await.unwrap_err())
}

#[tokio::test]
async fn deploys_once_however_often_it_runs() {
    let scene = scene().await;
    deploy(&scene.args()).await.unwrap();
    let record = std::fs::read(scene.file(RECORD)).unwrap();
    // A crash may leave the journal of a complete deployment.
    std::fs::write(scene.file(JOURNAL), "left behind").unwrap();
    deploy(&scene.args()).await.unwrap();
    assert_eq!(scene.sent().await, 8);
    assert_eq!(std::fs::read(scene.file(RECORD)).unwrap(), record);
    assert!(!scene.file(JOURNAL).exists());
}

/// Simulates a crash after `steps` transactions are journaled, the last of them not sent.
async fn die_after(scene: &Scene, steps: usize) {
    let network = scene.args().target.open().await.unwrap();
    let key = devnet::account(0).unwrap();
    let state = DeployState::begin(&network.rpc, key.address(), &network.params)
        .await
        .unwrap();
    let journal = network.journal();
    let mut keep = |state: &DeployState| {
        state.save(&journal)?;
        match state.sent.len() == steps {
            true => Err(kms_chain::ChainError::NoEndpoint),
            false => Ok(()),
        }
    };
    deploy_journaled(&network.rpc, &key, state, &mut keep)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn goes_on_where_it_was_killed() {
    for steps in [0, 1, 5, 8] {
        let scene = scene().await;
        die_after(&scene, steps).await;
        assert!(scene.file(JOURNAL).exists() && !scene.file(RECORD).exists());
        deploy(&scene.args()).await.unwrap();
        assert_eq!(scene.sent().await, 8, "after {steps}");
        assert!(!scene.file(JOURNAL).exists());
        let deployment = Deployment::load(&scene.file(RECORD)).unwrap();
        crate::verify::check(scene.devnet.rpc(), &deployment)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_killed_deployment_refuses_other_parameters_and_another_deployer() {
    let scene = scene().await;
    die_after(&scene, 3).await;
    let changed = scene.args_with("share_bps = 1000", "share_bps = 999");
    let error = refused(&changed).await;
    assert!(error.contains("penalty.share_bps differs"), "{error}");
    let key = devnet::account(1).unwrap();
    let file = scene.file("key");
    std::fs::write(&file, hex::encode(*key.expose_bytes())).unwrap();
    let mut args = scene.args();
    args.key_file = Some(file);
    let error = refused(&args).await;
    assert!(error.contains("was begun by"), "{error}");
    assert_eq!(scene.sent().await, 2);
    deploy(&scene.args()).await.unwrap();
}

#[tokio::test]
async fn a_standing_deployment_refuses_other_parameters() {
    let scene = scene().await;
    deploy(&scene.args()).await.unwrap();
    let changed = scene.args_with("max_policy_periods = 10000", "max_policy_periods = 9999");
    let error = refused(&changed).await;
    assert!(error.contains("max_policy_periods differs"), "{error}");
    assert_eq!(scene.sent().await, 8);
}

#[tokio::test]
async fn refuses_a_chain_the_parameters_are_not_for() {
    let scene = scene().await;
    let error = refused(&scene.args_with("chain_id = 31337", "chain_id = 1")).await;
    assert!(
        error.contains("is for chain 1; the endpoint serves chain 31337"),
        "{error}"
    );
    let mut mainnet = scene.args();
    mainnet.target.network = Some("mainnet".to_owned());
    assert!(refused(&mainnet).await.contains("is for chain 1"));
    assert_eq!(scene.sent().await, 0);
}

#[tokio::test]
async fn refuses_parameters_that_lack_or_mistype_a_key() {
    let scene = scene().await;
    for (line, by) in [
        ("cap = \"38900000 KMS\"", ""),
        ("cap = \"38900000 KMS\"", "cap = 38900000"),
        ("\nbond = \"0.1 KMS\"", "\nbond = \"5 KMS\""),
        ("period_seconds = 6", "period_secs = 6"),
    ] {
        refused(&scene.args_with(line, by)).await;
    }
    let mut nowhere = scene.args();
    nowhere.target.network = Some("nowhere".to_owned());
    assert!(refused(&nowhere).await.contains("nowhere.toml"));
    assert_eq!(scene.sent().await, 0);
}

#[tokio::test]
async fn a_chain_started_anew_is_deployed_to_again() {
    let scene = scene().await;
    deploy(&scene.args()).await.unwrap();
    let anew = Scene {
        devnet: Devnet::start(&DevnetOptions::default()).await.unwrap(),
        records: scene.records,
    };
    die_after(&anew, 2).await;
    deploy(&anew.args()).await.unwrap();
    assert_eq!(anew.sent().await, 8);
}

#[tokio::test]
async fn a_dry_run_sends_and_writes_nothing() {
    let scene = scene().await;
    let mut args = scene.args();
    args.dry_run = true;
    deploy(&args).await.unwrap();
    args.deployer = Some(Address([7; 20]));
    deploy(&args).await.unwrap();
    assert_eq!(scene.sent().await, 0);
    assert_eq!(std::fs::read_dir(scene.records.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn refuses_a_deployer_without_the_money() {
    let scene = scene().await;
    let file = scene.file("key");
    std::fs::write(&file, "11".repeat(32)).unwrap();
    let mut args = scene.args();
    args.key_file = Some(file);
    let error = refused(&args).await;
    assert!(error.contains("has 0.000000 ETH"), "{error}");
    for broken in ["", "zz", "00"] {
        std::fs::write(scene.file("key"), broken).unwrap();
        refused(&args).await;
    }
    assert!(!scene.file(JOURNAL).exists());
}

#[tokio::test]
async fn a_broken_journal_is_refused_not_overwritten() {
    let scene = scene().await;
    std::fs::write(scene.file(JOURNAL), "{}").unwrap();
    let error = refused(&scene.args()).await;
    assert!(error.contains("journal of a deployment"), "{error}");
    let network = scene.args().target.open().await.unwrap();
    assert!(
        resume(&network, Path::new("absent"))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(std::fs::read(scene.file(JOURNAL)).unwrap(), b"{}");
}
