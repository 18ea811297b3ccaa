use super::*;

fn ip(last: u8) -> IpAddr {
    IpAddr::from([127, 0, 0, last])
}

fn admitted(connections: &Arc<Connections>, from: IpAddr) -> Entry {
    match connections.admit(from) {
        Some(Admitted::Free(entry) | Admitted::Evicted(entry)) => entry,
        None => panic!("turned away"),
    }
}

#[tokio::test]
async fn closes_the_longest_waiting_when_full() {
    let connections = Connections::new(2, 10);
    let first = admitted(&connections, ip(1));
    let _second = admitted(&connections, ip(2));
    assert!(matches!(
        connections.admit(ip(3)),
        Some(Admitted::Evicted(_))
    ));
    first.evicted().await;
}

#[test]
fn turns_away_when_every_connection_is_being_answered() {
    let connections = Connections::new(1, 10);
    let only = admitted(&connections, ip(1));
    only.working();
    assert!(connections.admit(ip(2)).is_none());
    only.waiting();
    assert!(connections.admit(ip(2)).is_some());
}

#[tokio::test]
async fn one_address_evicts_only_its_own() {
    let connections = Connections::new(10, 1);
    let other = admitted(&connections, ip(1));
    let own = admitted(&connections, ip(2));
    let _newer = admitted(&connections, ip(2));
    own.evicted().await;
    assert!(futures_util::FutureExt::now_or_never(other.evicted()).is_none());
    assert_eq!(connections.count(), 2);
}

#[test]
fn a_dropped_connection_leaves_room() {
    let connections = Connections::new(1, 1);
    let only = admitted(&connections, ip(1));
    only.working();
    drop(only);
    assert!(matches!(connections.admit(ip(1)), Some(Admitted::Free(_))));
}
