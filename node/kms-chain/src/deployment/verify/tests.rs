use kms_protocol::{Address, keccak256};
use serde_json::{Value, json};

use super::{Difference, check_deployment};
use crate::contracts::Contract;
use crate::deployment::Deployment;
use crate::deployment::params::DeployParams;
use crate::devnet::{Devnet, DevnetOptions};
use crate::types::wire::HexBytes;

struct Scene {
    devnet: Devnet,
    deployment: Deployment,
}

async fn scene() -> Scene {
    let devnet = Devnet::start(&DevnetOptions::default()).await.unwrap();
    let params = DeployParams::local().unwrap();
    let deployment = devnet.deploy(&params).await.unwrap();
    Scene { devnet, deployment }
}

impl Scene {
    async fn differences(&self) -> Vec<Difference> {
        let rpc = self.devnet.rpc();
        check_deployment(rpc, &self.deployment).await.unwrap().1
    }

    async fn code(&self, address: Address) -> Vec<u8> {
        let params = (address, "latest");
        let code: HexBytes = self
            .devnet
            .rpc()
            .request("eth_getCode", &params)
            .await
            .unwrap();
        code.0
    }

    async fn set_code(&self, address: Address, code: Vec<u8>) {
        let params = (address, HexBytes(code));
        let _: Value = self
            .devnet
            .rpc()
            .request("anvil_setCode", &params)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn finds_nothing_wrong_with_what_was_just_deployed() {
    let scene = scene().await;
    let rpc = scene.devnet.rpc();
    let (values, differences) = check_deployment(rpc, &scene.deployment).await.unwrap();
    assert_eq!(differences, []);
    assert!(values >= 60, "{values}");
}

#[tokio::test]
async fn finds_every_contract_whose_code_was_tampered_with() {
    let scene = scene().await;
    for (contract, record) in Contract::ALL.iter().zip(scene.deployment.contracts.all()) {
        let code = scene.code(record.address).await;
        let mut tampered = code.clone();
        // The beginning of the code: no immutable stands there.
        tampered[3] ^= 1;
        scene.set_code(record.address, tampered).await;
        let found = scene.differences().await;
        let (contract, address) = (contract.name(), record.address);
        assert!(
            found.contains(&Difference::ForeignCode { contract, address }),
            "{found:?}"
        );
        scene.set_code(record.address, Vec::new()).await;
        let found = scene.differences().await;
        assert_eq!(found, [Difference::NoCode { contract, address }]);
        scene.set_code(record.address, code).await;
    }
    assert_eq!(scene.differences().await, []);
}

#[tokio::test]
async fn finds_an_immutable_that_was_replaced() {
    let scene = scene().await;
    let token = scene.deployment.contracts.token.address;
    let rewards = scene.deployment.contracts.rewards.address;
    let code = scene.code(token).await;
    let places = code.windows(20).filter(|bytes| *bytes == rewards.0).count();
    assert!(places > 0, "the minter stands in the code");
    let hex = hex::encode(&code).replace(&hex::encode(rewards.0), &"11".repeat(20));
    scene.set_code(token, hex::decode(hex).unwrap()).await;
    let found = scene.differences().await;
    let (contract, address) = ("KMSToken", token);
    assert!(
        found.contains(&Difference::CodeChanged { contract, address }),
        "{found:?}"
    );
    let minter = |d: &Difference| {
        matches!(
            d,
            Difference::Value {
                view: "minter()",
                ..
            }
        )
    };
    assert!(found.iter().any(minter), "{found:?}");
    assert!(found.iter().all(Difference::is_fault));
}

#[tokio::test]
async fn finds_a_record_that_tells_other_parameters_or_arguments() {
    let mut scene = scene().await;
    scene.deployment.params.max_policy_periods += 1;
    let found = scene.differences().await;
    let contract = "PolicyManager";
    assert!(
        found.contains(&Difference::Arguments { contract }),
        "{found:?}"
    );
    let value = |d: &Difference| {
        matches!(
            d,
            Difference::Value {
                view: "maxPolicyPeriods()",
                ..
            }
        )
    };
    assert!(found.iter().any(value), "{found:?}");
    scene.deployment.params.max_policy_periods -= 1;
    scene.deployment.contracts.timelock.constructor_args.pop();
    let contract = "KMSTimelock";
    assert_eq!(
        scene.differences().await,
        [Difference::Arguments { contract }]
    );
}

#[tokio::test]
async fn tells_a_forged_record_from_a_forged_contract() {
    let mut scene = scene().await;
    let record = &mut scene.deployment.contracts.control;
    record.code_hash = keccak256(b"forged");
    let (contract, address) = ("Control", record.address);
    let expected = [Difference::CodeChanged { contract, address }];
    assert_eq!(scene.differences().await, expected);
}

#[tokio::test]
async fn what_governance_changed_is_told_and_is_no_fault() {
    let scene = scene().await;
    let control = scene.deployment.contracts.control.address;
    let guardian = scene.deployment.params.control.guardian.unwrap();
    // The guardian's slot, wherever the compiler put it.
    for slot in 0..16_u8 {
        let slot = format!("{slot:#066x}");
        let read = json!([control, slot, "latest"]);
        let rpc = scene.devnet.rpc();
        let word: String = rpc.request("eth_getStorageAt", &read).await.unwrap();
        let ours = hex::encode(guardian.0);
        if word.contains(&ours) {
            let write = json!([control, slot, word.replace(&ours, &"22".repeat(20))]);
            let _: Value = rpc.request("anvil_setStorageAt", &write).await.unwrap();
        }
    }
    let found = scene.differences().await;
    let [
        Difference::Governed {
            view: "guardian()", ..
        },
    ] = found.as_slice()
    else {
        panic!("{found:?}");
    };
    assert!(!found[0].is_fault());
}
