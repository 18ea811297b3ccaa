use super::*;
use crate::testkit::{World, label};

async fn one_grant() -> (World, Grant) {
    let world = World::new(3).await;
    let policy = world.granted(2, 3).await;
    let grant = world.home.journal().get(policy).unwrap().unwrap();
    (world, grant)
}

fn file_of(world: &World, grant: &Grant) -> PathBuf {
    world
        .home
        .path()
        .join("journal")
        .join(world.home.config().network_id())
        .join(format!("{}.json", grant.policy))
}

#[tokio::test]
async fn refuses_a_grant_in_the_place_of_another() {
    let (world, grant) = one_grant().await;
    let other = PolicyId(B256([1; 32]));
    let place = world
        .home
        .path()
        .join("journal")
        .join(world.home.config().network_id())
        .join(format!("{other}.json"));
    std::fs::copy(file_of(&world, &grant), place).unwrap();
    assert!(matches!(
        world.home.journal().get(other),
        Err(Error::HomeCorrupt { .. })
    ));
    assert!(matches!(
        world.home.journal().list(),
        Err(Error::HomeCorrupt { .. })
    ));
}

#[tokio::test]
async fn refuses_unknown_fields_and_versions() {
    let (world, grant) = one_grant().await;
    let path = file_of(&world, &grant);
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in [
        good.replace("\"version\": 4", "\"version\": 7"),
        good.replace("\"version\": 4", "\"version\": 2"),
        good.replacen('{', "{\"extra\": 1,", 1),
        good[..good.len() - 9].to_owned(),
    ] {
        std::fs::write(&path, bad).unwrap();
        let read = world.home.journal().get(grant.policy);
        assert!(matches!(read, Err(Error::HomeCorrupt { .. })));
    }
}

#[tokio::test]
async fn ignores_part_files_and_strangers() {
    let (world, grant) = one_grant().await;
    let dir = world
        .home
        .path()
        .join("journal")
        .join(world.home.config().network_id());
    std::fs::write(dir.join(".part-123"), "half").unwrap();
    std::fs::write(dir.join("notes.txt"), "mine").unwrap();
    std::fs::write(dir.join("x.json"), "mine").unwrap();
    assert_eq!(world.home.journal().list().unwrap(), [grant]);
}

#[tokio::test]
async fn a_delivered_grant_keeps_acknowledgements_but_no_kfrags() {
    let (world, grant) = one_grant().await;
    assert_eq!(grant.state, GrantState::Delivered);
    assert!(grant.deliveries.iter().all(|d| d.ack.is_some()));
    assert!(grant.undelivered().is_empty());
    assert!(!grant.is_unfinished());
    assert!(world.home.journal().unfinished().unwrap().is_empty());
}

#[tokio::test]
async fn no_key_of_the_owner_is_in_the_journal() {
    let (world, grant) = one_grant().await;
    let text = std::fs::read_to_string(file_of(&world, &grant)).unwrap();
    let delegating = world.keys.delegating(&label("films/demo")).unwrap();
    assert!(!text.contains(&hex::encode(*delegating.to_secret_bytes())));
    let signer = world.keys.signer(&label("films/demo")).unwrap();
    assert!(!text.contains(&hex::encode(*signer.umbral.to_secret_bytes())));
}
