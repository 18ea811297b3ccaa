use super::*;

#[test]
fn the_reserve_is_real_and_is_given_up_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let reserve = Reserve::new(dir.path());
    assert!(reserve.is_held());
    let size = || std::fs::metadata(dir.path().join(FILE)).map_or(0, |file| file.len());
    assert_eq!(size(), u64::try_from(BYTES).unwrap());
    reserve.release();
    assert!(!reserve.is_held());
    assert_eq!(size(), 0);
    assert!(reserve.take());
    drop(reserve);
    assert!(Reserve::new(dir.path()).is_held(), "over an older one");
}

#[test]
fn without_room_there_is_no_reserve() {
    let reserve = Reserve::new(Path::new("/nonexistent"));
    assert!(!reserve.is_held());
    assert!(!reserve.take());
}
