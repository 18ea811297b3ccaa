use super::{Devnet, DevnetOptions, Mining, account, find_anvil};

#[test]
fn derives_the_accounts_everybody_knows() {
    let known = [
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    ];
    for (index, address) in (0..).zip(known) {
        assert_eq!(account(index).unwrap().address().to_string(), address);
    }
}

#[test]
fn finds_anvil_above_this_crate() {
    assert!(find_anvil().unwrap().is_file());
}

#[tokio::test]
async fn makes_blocks_only_when_told_and_ends_with_its_value() {
    let options = DevnetOptions {
        mining: Mining::Manual,
        ..DevnetOptions::default()
    };
    let devnet = Devnet::start(&options).await.unwrap();
    let number = || async {
        devnet
            .rpc()
            .request::<_, String>("eth_blockNumber", &[(); 0])
            .await
            .unwrap()
    };
    assert_eq!(number().await, "0x0");
    devnet.mine(3).await.unwrap();
    devnet.advance(100).await.unwrap();
    assert_eq!(number().await, "0x4");
    let process = format!("/proc/{}", devnet.process_id());
    assert!(std::path::Path::new(&process).exists());
    drop(devnet);
    assert!(!std::path::Path::new(&process).exists());
}
