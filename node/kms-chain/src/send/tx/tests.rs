use ethers::types::transaction::eip2718::TypedTransaction;
use ethers::utils::rlp::Rlp;
use kms_protocol::{EthSecret, Wei, keccak256};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TxFields, reprice, sign_fields};
use crate::chain::Chain;
use crate::error::{ChainError, RpcFault};
use crate::rpc::RpcConfig;
use crate::send::{GasLimit, TxRejection};
use crate::test_support::{Reply, Server, address, deployment, hash};
use crate::types::Fees;

fn fields(nonce: u64, data: Vec<u8>, value: u128) -> TxFields {
    TxFields {
        chain_id: 31_337,
        nonce,
        to: Some(address(7)),
        data,
        value,
        gas_limit: GasLimit::for_estimate(21_000),
        fees: Fees {
            max_fee: Wei(9),
            tip: Wei(2),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signs_what_ethers_reads_back(
        key in proptest::array::uniform32(1..255_u8),
        nonce in any::<u64>(),
        value in any::<u128>(),
        data in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let secret = EthSecret::from_bytes(&key).unwrap();
        let signed = sign_fields(&secret, &fields(nonce, data.clone(), value));
        prop_assert_eq!(signed.hash, keccak256(&signed.raw));
        let (tx, signature) = TypedTransaction::decode_signed(&Rlp::new(&signed.raw)).unwrap();
        prop_assert_eq!(tx.nonce().unwrap().as_u64(), nonce);
        prop_assert_eq!(tx.value().unwrap().as_u128(), value);
        prop_assert_eq!(tx.data().map(|data| data.to_vec()).unwrap_or_default(), data.clone());
        prop_assert_eq!(tx.to_addr().unwrap().0, address(7).0);
        prop_assert_eq!(tx.chain_id().unwrap().as_u64(), 31_337);
        let recovered = signature.recover(tx.sighash()).unwrap();
        prop_assert_eq!(recovered.0, secret.address().0);
        prop_assert_eq!(sign_fields(&secret, &fields(nonce, data, value)), signed);
    }

    #[test]
    fn a_repriced_transaction_differs_in_its_fees_alone(
        key in proptest::array::uniform32(1..255_u8),
        nonce in any::<u64>(),
        value in any::<u128>(),
        data in proptest::collection::vec(any::<u8>(), 0..100),
        (tip, above) in (1..u128::MAX / 4, 0..u128::MAX / 4),
    ) {
        let secret = EthSecret::from_bytes(&key).unwrap();
        let cheap = fields(nonce, data.clone(), value);
        let fees = Fees { max_fee: Wei(tip + above), tip: Wei(tip) };
        let again = reprice(&secret, &sign_fields(&secret, &cheap).raw, fees).unwrap();
        prop_assert_eq!(again, sign_fields(&secret, &TxFields { fees, ..cheap }));
    }
}

#[test]
fn reprices_nothing_but_its_own_transactions() {
    let secret = EthSecret::from_bytes(&[7; 32]).unwrap();
    let fees = fields(0, Vec::new(), 0).fees;
    for raw in [&[][..], &[2], &[1, 0xc0], &[2, 0xc0], RAW] {
        let result = reprice(&secret, raw, fees);
        assert!(matches!(result, Err(ChainError::Bug(_))), "{result:?}");
    }
}

const RAW: &[u8] = &[2, 1, 2, 3];

async fn broadcast(servers: &[&Server]) -> Result<kms_protocol::B256, ChainError> {
    let urls = servers.iter().map(|server| server.url.clone()).collect();
    let config = RpcConfig {
        timeout_ms: 300,
        ..RpcConfig::new(urls)
    };
    Chain::offline(&config, deployment())
        .unwrap()
        .broadcast(RAW)
        .await
}

async fn server(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::of_deployment(move |_, _| reply()).await
}

async fn taker() -> Server {
    server(|| Reply::Result(json!(keccak256(RAW)))).await
}

async fn refuser(message: &'static str) -> Server {
    server(move || Reply::Error(-32_000, message)).await
}

async fn silent() -> Server {
    server(|| Reply::Silence(std::time::Duration::from_secs(600))).await
}

#[tokio::test]
async fn gives_a_transaction_to_every_endpoint() {
    let (first, second) = (taker().await, taker().await);
    assert_eq!(broadcast(&[&first, &second]).await.unwrap(), keccak256(RAW));
    assert_eq!(first.count("eth_sendRawTransaction"), 1);
    assert_eq!(second.count("eth_sendRawTransaction"), 1);
}

#[tokio::test]
async fn is_done_when_one_endpoint_takes_it_or_has_it() {
    let (refuser, taker) = (refuser("nonce too low").await, taker().await);
    assert!(broadcast(&[&refuser, &taker]).await.is_ok());
    let known = server(|| Reply::Error(-32_003, "transaction already imported")).await;
    assert!(broadcast(&[&refuser, &known]).await.is_ok());
    assert!(broadcast(&[&silent().await, &known]).await.is_ok());
}

#[tokio::test]
async fn names_a_refusal_that_all_endpoints_gave() {
    let (vague, clear) = (refuser("oops").await, refuser("insufficient funds").await);
    match broadcast(&[&vague, &clear]).await {
        Err(ChainError::Rejected { reason, message }) => {
            assert_eq!(reason, TxRejection::InsufficientFunds);
            assert_eq!(message, "insufficient funds");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn calls_no_refusal_final_while_a_silent_endpoint_may_have_it() {
    let refuser = refuser("insufficient funds").await;
    match broadcast(&[&refuser, &silent().await]).await {
        Err(ChainError::Unreachable { fault, .. }) => assert_eq!(fault, RpcFault::Timeout),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn distrusts_an_endpoint_that_names_another_hash() {
    let liar = server(|| Reply::Result(json!(hash(9)))).await;
    assert!(matches!(
        broadcast(&[&liar]).await,
        Err(ChainError::BadReply { .. })
    ));
}

#[tokio::test]
async fn gives_a_transaction_to_no_foreign_chain() {
    let foreign = Server::start(|_, _: &Value| Reply::Result(json!("0x1"))).await;
    assert!(matches!(
        broadcast(&[&foreign]).await,
        Err(ChainError::WrongChain { .. })
    ));
    assert_eq!(foreign.count("eth_sendRawTransaction"), 0);
}
