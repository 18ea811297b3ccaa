use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{Stage, tail};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn is_alive(pid: &str) -> bool {
    // A zombie has no command line any more.
    std::fs::read(Path::new("/proc").join(pid).join("cmdline")).is_ok_and(|line| !line.is_empty())
}

/// A signal is delivered when it was sent; the process dies a little later.
fn ends(pid: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_alive(pid) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    !is_alive(pid)
}

fn pid_in(stage: &Stage, name: &str) -> String {
    let path = stage.path("pid");
    stage
        .wait("a pid", name, Duration::from_secs(5), || {
            Ok(std::fs::read_to_string(&path)
                .ok()
                .filter(|text| text.ends_with('\n')))
        })
        .unwrap()
        .trim()
        .to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_process_started_ends_with_it() {
    let stage = Stage::new().unwrap();
    let script = format!(
        "sleep 600 & echo $! > {}; wait",
        stage.path("pid").display()
    );
    stage.start("parent", shell(&script)).unwrap();
    let grandchild = pid_in(&stage, "parent");
    assert!(is_alive(&grandchild));
    stage.processes().stop("parent").unwrap();
    assert!(ends(&grandchild));
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_outlives_the_stage() {
    let stage = Stage::new().unwrap();
    let script = format!("echo $$ > {}; exec sleep 600", stage.path("pid").display());
    stage.start("lasting", shell(&script)).unwrap();
    let pid = pid_in(&stage, "lasting");
    let folder = stage.path("");
    drop(stage);
    assert!(ends(&pid) && !folder.exists());
}

#[test]
fn a_wait_ends_with_the_process_and_quotes_its_last_words() {
    let stage = Stage::new().unwrap();
    stage.start("brief", shell("echo alas; exit 3")).unwrap();
    let error = stage
        .wait("a miracle", "brief", Duration::from_secs(60), || {
            Ok(None::<()>)
        })
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("brief ended") && error.contains("alas"),
        "{error}"
    );
}

#[test]
fn a_wait_ends_at_its_deadline() {
    let stage = Stage::new().unwrap();
    stage.start("lasting", shell("exec sleep 600")).unwrap();
    let waited = stage.wait("a miracle", "lasting", Duration::from_millis(1), || {
        Ok(None::<()>)
    });
    assert!(waited.unwrap_err().to_string().contains("took longer"));
}

#[test]
fn stopping_what_does_not_run_is_an_error() {
    assert!(Stage::new().unwrap().processes().stop("nobody").is_err());
    assert_eq!(tail(Path::new("no such file")), "");
}
