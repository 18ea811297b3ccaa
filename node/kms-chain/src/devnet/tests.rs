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

#[tokio::test]
async fn a_chain_that_ended_in_order_goes_on_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = DevnetOptions {
        mining: Mining::Manual,
        history: false,
        state: Some(folder.path().join("chain.json")),
        ..DevnetOptions::default()
    };
    let block = async |devnet: &Devnet, number: &str| {
        let request = ("eth_getBlockByNumber", (number, false));
        let block = devnet
            .rpc()
            .request::<_, serde_json::Value>(request.0, &request.1);
        let block = block.await.unwrap();
        (block["number"].clone(), block["hash"].clone())
    };
    let devnet = Devnet::start(&options).await.unwrap();
    devnet.mine(3).await.unwrap();
    let (genesis, head) = (block(&devnet, "0x0").await, block(&devnet, "latest").await);
    devnet.stop().await;

    let devnet = Devnet::start(&options).await.unwrap();
    assert_eq!(block(&devnet, "0x0").await, genesis);
    assert_eq!(block(&devnet, "latest").await, head);
    assert_eq!(head.0, "0x3");
    drop(devnet);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "the file alone");
}

#[tokio::test]
async fn says_at_once_why_anvil_does_not_start() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let options = DevnetOptions {
        port: taken.local_addr().unwrap().port(),
        ..DevnetOptions::default()
    };
    let refused = Devnet::start(&options).await.unwrap_err();
    assert_eq!(refused.code(), "anvil_failed");
    assert!(refused.to_string().contains("in use"), "{refused}");
}

#[tokio::test]
async fn chains_of_one_second_differ_in_their_genesis() {
    let start = async || Devnet::start(&DevnetOptions::default()).await.unwrap();
    let chains = tokio::join!(start(), start(), start());
    let genesis = async |chain: &Devnet| {
        let block = chain
            .rpc()
            .request::<_, serde_json::Value>("eth_getBlockByNumber", &("0x0", false))
            .await
            .unwrap();
        block["hash"].to_string()
    };
    let mut hashes = [
        genesis(&chains.0).await,
        genesis(&chains.1).await,
        genesis(&chains.2).await,
    ];
    hashes.sort();
    assert!(
        hashes.windows(2).all(|pair| pair[0] != pair[1]),
        "{hashes:?}"
    );
}
