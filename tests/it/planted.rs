//! Policies that a stranger with a node of its own puts on the chain between owner and reader.

use kms_chain::devnet::{Mining, account};
use kms_chain::{Call, ChainEvent};
use kms_kit::kms::Kms;
use kms_kit::wait::until;
use kms_protocol::{Address, B256, EthSecret, Terms, keccak256};
use serde_json::json;

use crate::harness::world::{Miner, World};

const PLAIN: &str = "what is to be shared";
/// One more than the policies that a reader tries.
const PLANTED: u8 = 33;
const WORD: usize = 32;

fn path(world: &World, name: &str) -> String {
    world.path(name).display().to_string()
}

/// Alice lets Bob read with both of these miners.
fn grant(world: &World, alice: &Kms, bob: &Kms, miners: &[&Miner; 2]) {
    let (from, to) = (path(world, "plain"), path(world, "file.kms"));
    std::fs::write(&from, PLAIN).unwrap();
    alice.run(&["label", "new", "things"]).assert_success();
    let encrypt = ["encrypt", "-t", "things", &from, "-o", &to];
    alice.run(&encrypt).assert_success();
    let card = bob.json(&["card", "make", "--name", "bob"]);
    let card = card.assert_success().text("card");
    alice.run(&["card", "add", &card]).assert_success();
    let [one, two] = miners.map(|miner| miner.address().to_string());
    let miners = ["--threshold", "2/2", "--miner", &one, "--miner", &two];
    let terms = ["--periods", "5", "--rate", "0.1 KMS"];
    let all = [&["grant", "things", "--to", "bob"], &miners[..], &terms].concat();
    alice.run(&all).assert_success();
}

fn word(value: usize) -> [u8; WORD] {
    let mut word = [0; WORD];
    word[WORD - 8..].copy_from_slice(&u64::try_from(value).unwrap().to_be_bytes());
    word
}

/// An array of values of dynamic length: their number, where each begins, themselves.
fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut heads = word(items.len()).to_vec();
    let mut begins = items.len() * WORD;
    for item in items {
        heads.extend(word(begins));
        begins += item.len();
    }
    [heads, items.concat()].concat()
}

/// A call of `createPolicies(terms, memos)`, which the program itself never makes.
fn create_policies(world: &World, terms: &[Terms]) -> Vec<u8> {
    const TERMS: &str =
        "(address,address,address,bytes32,uint96,uint32,uint32,uint8,bytes32,address[])";
    let selector = keccak256(format!("createPolicies({TERMS}[],bytes[])").as_bytes());
    let encoded = |terms: &Terms| {
        let terms = terms.clone();
        // Selector and offset come before the struct.
        Call::RevokePolicy { terms }.data(&world.deployment)[4 + WORD..].to_vec()
    };
    let terms = array(&terms.iter().map(encoded).collect::<Vec<_>>());
    let memos = array(&vec![word(0).to_vec(); usize::from(PLANTED)]);
    let begins = [word(2 * WORD), word(2 * WORD + terms.len())].concat();
    [selector.0[..4].to_vec(), begins, terms, memos].concat()
}

/// Sends a call of an account of which the chain has the key.
async fn call_as(world: &World, from: Address, to: Address, data: String) {
    let transaction = json!([{ "from": from, "to": to, "data": data }]);
    let rpc = world.devnet.rpc();
    let sent: B256 = rpc
        .request("eth_sendTransaction", &transaction)
        .await
        .unwrap();
    let mined = async || world.chain.receipt(sent).await.unwrap();
    assert!(until("a stranger's call", mined).await.succeeded);
}

/// Plants policies with the look-up value of the only grant on chain, and the stranger's miner.
async fn plant(world: &World, stranger: &EthSecret, miner: Address) {
    let created = |event| match event {
        ChainEvent::PolicyCreated { terms, .. } => Some(terms),
        _ => None,
    };
    let own = world.find(created).await.unwrap();
    let planted = |number: u8| Terms {
        author: stranger.address(),
        sponsor: stranger.address(),
        threshold: 1,
        salt: B256([number; 32]),
        miners: vec![miner],
        ..own.clone()
    };
    let planted: Vec<Terms> = (1..=PLANTED).map(planted).collect();
    let amount = kms_protocol::Amount::from_kms(100).unwrap();
    let to = world.deployment.contracts.policies.address;
    let approval = format!("0x095ea7b3{:0>64}{:064x}", hex::encode(to.0), amount.0);
    let token = world.deployment.contracts.token.address;
    call_as(world, stranger.address(), token, approval).await;
    let data = format!("0x{}", hex::encode(create_policies(world, &planted)));
    call_as(world, stranger.address(), to, data).await;
    let hash = |record: &kms_chain::EventRecord| match &record.event {
        ChainEvent::PolicyCreated { keys_hash, .. } => Some(*keys_hash),
        _ => None,
    };
    let found = world.events().await;
    let found = found.iter().filter_map(hash);
    let copies = found.filter(|hash| *hash == own.keys_hash).count();
    assert_eq!(copies, usize::from(PLANTED) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_node_gets_no_request_and_the_reader_reads() {
    let world = World::new().await;
    let [theirs, one, two]: [Miner; 3] = world.miners().await;
    let alice = world.person("alice", 100).await;
    let bob = world.person("bob", 1).await;
    // The development chain signs for this account.
    let stranger = account(5).unwrap();
    world.fund(stranger.address(), 100).await;
    // The chain goes on by itself, so that payments are confirmed while the owner waits.
    world.devnet.set_mining(Mining::Every(1)).await.unwrap();
    tokio::task::block_in_place(|| grant(&world, &alice, &bob, &[&one, &two]));
    plant(&world, &stranger, theirs.address()).await;
    let head = world.head().await.number;
    until("the stranger's node to know its policies", async || {
        let known = theirs.node.gauge("kms_chain_head_block").await;
        (known >= f64::from(u32::try_from(head).unwrap())).then_some(())
    })
    .await;

    let before = (one.node.requests().await, two.node.requests().await);
    let out = path(&world, "out");
    let read = ["read", &path(&world, "file.kms"), "-o", &out];
    bob.run(&read).assert_success();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), PLAIN);
    assert_eq!(theirs.node.requests().await, 0);
    assert!(one.node.requests().await > before.0);
    assert!(two.node.requests().await > before.1);
}
