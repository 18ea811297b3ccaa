use super::*;

fn key(byte: u8) -> DataKey {
    DataKey(Zeroizing::new([byte; 32]))
}

#[test]
fn unwraps_what_it_wrapped() {
    let access = AccessKey::new(&[1; 32]).unwrap();
    let wrapped = access.wrap(&key(7)).unwrap();
    assert_eq!(*access.unwrap_key(&wrapped).unwrap().0, [7; 32]);
}

#[test]
fn another_capsule_key_does_not_unwrap() {
    let wrapped = AccessKey::new(&[1; 32]).unwrap().wrap(&key(7)).unwrap();
    assert!(
        AccessKey::new(&[2; 32])
            .unwrap()
            .unwrap_key(&wrapped)
            .is_none()
    );
}

#[test]
fn refuses_a_wrapped_key_with_any_bit_flipped() {
    let access = AccessKey::new(&[1; 32]).unwrap();
    let wrapped = access.wrap(&key(7)).unwrap();
    for bit in 0..WRAPPED_BYTES * 8 {
        let mut changed = wrapped;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(access.unwrap_key(&changed).is_none(), "bit {bit}");
    }
}

#[test]
fn commits_to_one_capsule_key() {
    let (first, second) = (
        AccessKey::new(&[1; 32]).unwrap(),
        AccessKey::new(&[2; 32]).unwrap(),
    );
    assert!(first.commits_to(first.commitment()));
    assert!(!first.commits_to(second.commitment()));
}

#[test]
fn every_derived_value_differs_from_every_other() {
    let data = key(9);
    let access = AccessKey::new(&[9; 32]).unwrap();
    let schedule = data.schedule();
    let mut values = vec![
        expand::<32>(&schedule, &[b"header"]).unwrap().to_vec(),
        expand::<32>(&schedule, &[b"chunks", &PARAMETERS])
            .unwrap()
            .to_vec(),
    ];
    values.push(access.commitment().to_vec());
    values.push(data.body_id().unwrap().to_vec());
    values.push(vec![9; 32]);
    for (index, value) in values.iter().enumerate() {
        for other in &values[index + 1..] {
            assert_ne!(value[..16], other[..16]);
        }
    }
}

#[test]
fn the_header_mac_covers_every_byte() {
    let data = key(3);
    let header = [5; 40];
    let mac = data.header_mac(&header).unwrap();
    assert!(data.header_mac_holds(&header, &mac).unwrap());
    assert!(!data.header_mac_holds(&header[..39], &mac).unwrap());
    assert!(!data.header_mac_holds(&header, &mac[..31]).unwrap());
    assert!(!key(4).header_mac_holds(&header, &mac).unwrap());
}

#[test]
fn prints_no_secret() {
    assert_eq!(format!("{:?}", key(0x41)), "DataKey(<redacted>)");
}
