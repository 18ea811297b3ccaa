//! The committed vector: a program that writes or reads other bytes is another format.

use kms_format::{Header, Locator, SealedName};
use umbral::SecretKey;

use crate::support::{CounterRng, Label, hex_digest};

const SMALL: &str = include_str!("golden/small.hex");
const LARGE_SHA256: &str = "0fd134e261e084a8f302beafffab9f7bb00d3925f5e5f93aff25c6a5ee24772d";

fn label() -> Label {
    Label(SecretKey::from_secret_bytes(&[0x11; 32]).unwrap())
}

fn write(plain: &[u8]) -> Vec<u8> {
    let locator = Locator {
        chain_id: 31337,
        contract: [0xc0; 20],
    };
    let encryptor = label()
        .encryptor()
        .with_locator(locator)
        .with_sealed_name(SealedName::from_bytes(&[0x5e; 48]).unwrap());
    let mut file = Vec::new();
    encryptor
        .encrypt(&mut CounterRng::new(1), plain, &mut file, &mut |_| ())
        .unwrap();
    file
}

#[test]
fn the_vector_is_written_byte_for_byte() {
    let lines: Vec<String> = write(b"KMS v1\n").chunks(32).map(hex::encode).collect();
    assert_eq!(lines.join("\n"), SMALL.trim_end());
}

#[test]
fn the_vector_opens() {
    let file = hex::decode(SMALL.replace('\n', "")).unwrap();
    assert_eq!(label().decrypt(&file).unwrap(), b"KMS v1\n");
    let header = Header::read(&mut &*file).unwrap();
    assert_eq!(header.locator().unwrap().chain_id, 31337);
    assert_eq!(header.sealed_name().unwrap().as_bytes(), [0x5e; 48]);
}

#[test]
fn a_file_of_three_chunks_has_its_digest() {
    let file = write(&[0x5a; 2 * 65_536 + 1]);
    assert_eq!(hex_digest(&file), LARGE_SHA256);
}
