use kms_protocol::{Address, Amount, B256, Period, Terms};

use super::{Abi, address, bytes32, call, terms, uint};

fn some_terms() -> Terms {
    Terms {
        author: Address([1; 20]),
        sponsor: Address([2; 20]),
        verifier: Address([3; 20]),
        keys_hash: B256([4; 32]),
        rate: Amount(5),
        first_period: Period(6),
        last_period: Period(7),
        threshold: 1,
        salt: B256([8; 32]),
        miners: vec![Address([9; 20]), Address([10; 20])],
    }
}

#[test]
fn encodes_terms_as_the_protocol_does() {
    let encoded = super::sequence(&[terms(&some_terms())]);
    assert_eq!(encoded, some_terms().abi_encode());
}

#[test]
fn lays_out_heads_and_tails_as_the_specification_does() {
    // The example of the ABI specification: g(uint256[][],string[]), ([[1,2],[3]], [..]).
    let list = |items: &[u8]| Abi::List(items.iter().map(|i| uint(*i)).collect());
    let words = ["one", "two", "three"].map(|w| Abi::Bytes(w.as_bytes().to_vec()));
    let arguments = [
        Abi::List(vec![list(&[1, 2]), list(&[3])]),
        Abi::List(words.to_vec()),
    ];
    let data = call("g(uint256[][],string[])", &arguments);
    assert_eq!(hex::encode(&data[..4]), "2289b18c");
    let words: Vec<u8> = data[4..].chunks(32).map(|word| word[31]).collect();
    let ends: Vec<u8> = vec![
        0x40, 0x40, 2, 0x40, 0xa0, 2, 1, 2, 1, 3, 3, 0x60, 0xa0, 0xe0, 3, 0, 3, 0, 5, 0,
    ];
    assert_eq!(words, ends);
    assert_eq!(data[4 + 32 + 30..][..2], [0x01, 0x40]);
}

#[test]
fn puts_words_where_they_belong() {
    let Abi::Word(word) = address(Address([7; 20])) else {
        panic!()
    };
    assert_eq!((word[11], word[12]), (0, 7));
    let Abi::Word(word) = uint(u128::MAX) else {
        panic!()
    };
    assert_eq!((word[15], word[16]), (0, 0xff));
    assert!(matches!(bytes32(B256([1; 32])), Abi::Word([1, ..])));
}
