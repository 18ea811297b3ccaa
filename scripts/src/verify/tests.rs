use kms_chain::devnet::{Devnet, DevnetOptions};
use kms_chain::{DeployParams, Deployment};
use serde_json::{Value, json};

use super::{Args, verify};
use crate::deploy::network::Target;

struct Scene {
    devnet: Devnet,
    records: tempfile::TempDir,
    deployment: Deployment,
}

impl Scene {
    async fn new() -> Self {
        let devnet = Devnet::start(&DevnetOptions::default()).await.unwrap();
        let params = DeployParams::local().unwrap();
        let deployment = devnet.deploy(&params).await.unwrap();
        let records = tempfile::tempdir().unwrap();
        deployment.save(&records.path().join("31337.json")).unwrap();
        Self {
            devnet,
            records,
            deployment,
        }
    }

    async fn verify(&self) -> Result<(), String> {
        let target = Target {
            network: Some("local".to_owned()),
            params: None,
            rpc: self.devnet.url().to_owned(),
            records: Some(self.records.path().to_owned()),
        };
        verify(&Args { target })
            .await
            .map_err(|error| format!("{error:#}"))
    }
}

#[tokio::test]
async fn accepts_a_fresh_deployment_and_finds_a_tampered_contract() {
    let scene = Scene::new().await;
    scene.verify().await.unwrap();
    let escrow = scene.deployment.contracts.escrow.address;
    // Bytecode that returns zero to every call.
    let code = json!([escrow, "0x60206000f3"]);
    let _: Value = scene
        .devnet
        .rpc()
        .request("anvil_setCode", &code)
        .await
        .unwrap();
    let error = scene.verify().await.unwrap_err();
    assert!(error.contains("faults"), "{error}");
}

#[tokio::test]
async fn refuses_without_a_record_or_with_one_of_other_parameters() {
    let scene = Scene::new().await;
    let path = scene.records.path().join("31337.json");
    let mut changed = scene.deployment.clone();
    changed.params.max_policy_periods -= 1;
    changed.save(&path).unwrap();
    let error = scene.verify().await.unwrap_err();
    assert!(error.contains("max_policy_periods differs"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(scene.verify().await.unwrap_err().contains("31337.json"));
}

#[tokio::test]
async fn refuses_a_record_that_lacks_contracts_and_names_the_first() {
    let scene = Scene::new().await;
    let path = scene.records.path().join("31337.json");
    let mut old: Value = serde_json::from_str(&scene.deployment.to_json().unwrap()).unwrap();
    let contracts = old["contracts"].as_object_mut().unwrap();
    for name in ["adjudicator", "challenges", "timelock", "control"] {
        contracts.remove(name);
    }
    std::fs::write(&path, old.to_string()).unwrap();
    let error = scene.verify().await.unwrap_err();
    assert!(error.contains("does not name Adjudicator"), "{error}");
}
