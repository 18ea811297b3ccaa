use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use kms_client::{Error, KeyFile};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::client::Client;
use super::server::{Deadline, Keys, Next, alone, answer, is_served, parse, run};
use super::{Verb, folder, socket};
use crate::failure::Outcome;

const SEED: &str = "0000-1111-2222-3333-4444";
const LONG: Duration = Duration::from_secs(3600);

fn keys() -> Keys {
    Keys {
        fingerprint: SEED.to_owned(),
        seed: Zeroizing::new([1; 32]),
        wallet: Zeroizing::new([2; 32]),
    }
}

/// A running agent of the home, and what ends it.
async fn agent(home: &Path, lifetime: Duration) -> (oneshot::Sender<()>, Task) {
    let (stop, stopped) = oneshot::channel::<()>();
    let (told, ready) = oneshot::channel();
    let home = home.to_path_buf();
    let task = tokio::spawn(async move {
        let ready = || {
            told.send(())
                .map_err(|()| std::io::ErrorKind::BrokenPipe.into())
        };
        let stop = async {
            stopped
                .await
                .map_err(|_| std::io::ErrorKind::BrokenPipe.into())
        };
        run(&home, keys(), lifetime, ready, stop).await
    });
    ready.await.unwrap();
    (stop, task)
}

type Task = tokio::task::JoinHandle<Outcome>;

/// The client blocks, as a command may.
async fn ask<T: Send + 'static>(
    home: &Path,
    seed: &'static str,
    of: impl FnOnce(Client<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let home = home.to_path_buf();
    let asked = tokio::task::spawn_blocking(move || of(Client::of(&home, seed)));
    asked.await.unwrap()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn gives_each_key_to_its_home_and_ends_when_asked() {
    let home = tempfile::tempdir().unwrap();
    let none = ask(home.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(none.unwrap().is_none());
    let (_stop, task) = agent(home.path(), LONG).await;
    assert_eq!(mode(&folder(home.path())), 0o700);
    assert_eq!(mode(&socket(home.path())), 0o600);
    for (key, byte) in [(KeyFile::Seed, 1), (KeyFile::Wallet, 2)] {
        let given = ask(home.path(), SEED, move |client| client.key(key)).await;
        assert_eq!(*given.unwrap().unwrap(), [byte; 32]);
    }
    let left = ask(home.path(), SEED, |client| client.seconds_left()).await;
    assert!((1..=3600).contains(&left.unwrap().unwrap()));
    let stopped = ask(home.path(), SEED, |client| client.stop()).await;
    assert!(stopped.unwrap());
    assert!(!socket(home.path()).exists());
    task.await.unwrap().unwrap();
    let again = ask(home.path(), SEED, |client| client.stop()).await;
    assert!(!again.unwrap());
}

#[tokio::test]
async fn ends_when_its_time_is_over_and_when_stopped() {
    let home = tempfile::tempdir().unwrap();
    let (_stop, task) = agent(home.path(), Duration::from_millis(1)).await;
    task.await.unwrap().unwrap();
    assert!(!socket(home.path()).exists());

    let (stop, task) = agent(home.path(), LONG).await;
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
    assert!(!socket(home.path()).exists());
}

#[tokio::test]
async fn refuses_another_home_and_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let (_stop, _task) = agent(home.path(), LONG).await;
    let other = "ffff-1111-2222-3333-4444";
    let refused = ask(home.path(), other, |client| client.key(KeyFile::Seed)).await;
    assert!(matches!(refused, Err(Error::HomeCorrupt { .. })));
    let refused = ask(home.path(), other, |client| client.stop()).await;
    assert!(matches!(refused, Err(Error::HomeCorrupt { .. })));
    let given = ask(home.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(given.unwrap().is_some());
}

#[tokio::test]
async fn refuses_a_socket_or_folder_that_others_can_reach() {
    let home = tempfile::tempdir().unwrap();
    let (_stop, _task) = agent(home.path(), LONG).await;
    for (path, kept) in [(socket(home.path()), 0o600), (folder(home.path()), 0o700)] {
        for wrong in [0o777, kept | 0o040, kept | 0o004, kept | 0o010] {
            std::fs::set_permissions(&path, Permissions::from_mode(wrong)).unwrap();
            let refused = ask(home.path(), SEED, |client| client.key(KeyFile::Seed)).await;
            assert!(
                matches!(refused, Err(Error::PermissionsTooOpen { mode, .. }) if mode == wrong)
            );
        }
        std::fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
    }
    let given = ask(home.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(given.unwrap().is_some());
}

#[tokio::test]
async fn refuses_links_and_files_in_place_of_the_socket() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_stop, _task) = agent(home.path(), LONG).await;
    std::os::unix::fs::symlink(folder(home.path()), folder(other.path())).unwrap();
    let refused = ask(other.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(matches!(refused, Err(Error::HomeCorrupt { .. })));
    std::fs::remove_file(folder(other.path())).unwrap();
    std::fs::create_dir(folder(other.path())).unwrap();
    std::fs::set_permissions(folder(other.path()), Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink(socket(home.path()), socket(other.path())).unwrap();
    let refused = ask(other.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(matches!(refused, Err(Error::HomeCorrupt { .. })));
    std::fs::remove_file(socket(other.path())).unwrap();
    std::fs::write(socket(other.path()), "").unwrap();
    let refused = ask(other.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(matches!(refused, Err(Error::HomeCorrupt { .. })));
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_is_no_agent() {
    let home = tempfile::tempdir().unwrap();
    let (_stop, task) = agent(home.path(), LONG).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(socket(home.path()).exists());
    let none = ask(home.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(none.unwrap().is_none());
    // The next agent takes its place.
    let (_stop, _task) = agent(home.path(), LONG).await;
    let given = ask(home.path(), SEED, |client| client.key(KeyFile::Seed)).await;
    assert!(given.unwrap().is_some());
}

#[test]
fn serves_its_own_user_alone() {
    assert!(is_served(1000, 1000));
    assert!(!is_served(1001, 1000));
    assert!(!is_served(0, 1000));
    assert!(!is_served(1000, 0));
}

#[test]
fn takes_whole_requests_only() {
    let good = [
        ("seed 1-2", (Verb::Key(KeyFile::Seed), "1-2")),
        ("wallet 1", (Verb::Key(KeyFile::Wallet), "1")),
        ("status 1", (Verb::Status, "1")),
        ("stop 1", (Verb::Stop, "1")),
    ];
    for (line, expected) in good {
        assert_eq!(parse(line.as_bytes()), Some(expected), "{line}");
    }
    for line in [
        "", " ", "seed", "Seed 1", "seeds 1", "  seed 1", "owner 1", "\u{1}",
    ] {
        assert_eq!(parse(line.as_bytes()), None, "{line}");
    }
    assert_eq!(parse(&[0xff, b' ', b'1']), None);
}

#[tokio::test]
async fn past_its_time_it_ends_and_accuses_nobody() {
    let home = tempfile::tempdir().unwrap();
    let (mut near, far) = tokio::net::UnixStream::pair().unwrap();
    let request = format!("seed {SEED}\n");
    near.write_all(request.as_bytes()).await.unwrap();
    let next = answer(far, home.path(), &keys(), Deadline::after(Duration::ZERO)).await;
    assert_eq!(next.unwrap(), Next::End);
    let mut told = Vec::new();
    near.read_to_end(&mut told).await.unwrap();
    assert!(told.is_empty());
}

#[tokio::test]
async fn refuses_a_second_agent_and_leaves_the_first_its_socket() {
    let home = tempfile::tempdir().unwrap();
    let (_stop, task) = agent(home.path(), LONG).await;
    let refused = alone(home.path(), Duration::ZERO).await.unwrap_err();
    assert!(refused.to_json().contains("agent_failed"), "{refused:?}");
    assert_eq!(mode(&folder(home.path()).join("agent.lock")), 0o600);
    let stopped = ask(home.path(), SEED, |client| client.stop()).await;
    assert!(stopped.unwrap());
    task.await.unwrap().unwrap();
    assert!(alone(home.path(), Duration::ZERO).await.is_ok());
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_not_taken_for_ended() {
    let home = tempfile::tempdir().unwrap();
    let (_stop, task) = agent(home.path(), LONG).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    std::fs::remove_file(socket(home.path())).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(socket(home.path())).unwrap();
    std::fs::set_permissions(socket(home.path()), Permissions::from_mode(0o600)).unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let refused = ask(home.path(), SEED, |client| client.stop()).await;
    assert!(matches!(refused, Err(Error::HomeCorrupt { .. })));
}
