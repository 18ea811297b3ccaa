use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::{Process, tail};
use crate::wait::poll;

const LIMIT: Duration = Duration::from_secs(10);

/// A shell that leads a group, with `$PID` as the file to write a process id to.
fn shell(folder: &TempDir, script: &str) -> Process {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .env("PID", folder.path().join("pid"))
        .process_group(0);
    Process::start(command, &folder.path().join("log")).unwrap()
}

/// Whether the process exists and is no zombie. `stat` shows the state after the last `)`; the
/// command line would not do: it is empty for a moment while a process executes its program.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    let state = stat.ok().and_then(|stat| {
        let (_name, rest) = stat.rsplit_once(") ")?;
        rest.chars().next()
    });
    state.is_some_and(|state| !"ZXx".contains(state))
}

/// A signal is delivered when it was sent; the process dies a little later.
fn ends(pid: &str) -> bool {
    poll("the end", LIMIT, || Ok((!is_alive(pid)).then_some(()))).is_ok()
}

fn pid_in(folder: &TempDir) -> String {
    let path = folder.path().join("pid");
    let text = poll("a pid", LIMIT, || {
        let text = std::fs::read_to_string(&path).ok();
        Ok(text.filter(|text| text.ends_with('\n')))
    });
    text.unwrap().trim().to_owned()
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_process_started_ends_with_it() {
    for stopped in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let parent = shell(&folder, "sleep 600 & echo $! > $PID; wait");
        let grandchild = pid_in(&folder);
        assert!(is_alive(&grandchild));
        if stopped {
            parent.stop();
            assert!(!is_alive(&grandchild), "stop returned too early");
        } else {
            drop(parent);
            assert!(ends(&grandchild));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_leads_no_group_ends_with_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    let script = format!("echo $$ > {}/pid; exec sleep 600", folder.path().display());
    command.args(["-c", &script]);
    let process = Process::start(command, &folder.path().join("log")).unwrap();
    let pid = pid_in(&folder);
    assert!(is_alive(&pid));
    process.kill();
    assert!(ends(&pid));
}

#[test]
fn a_process_that_has_ended_leaves_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut brief = shell(&folder, "echo alas; exit 3");
    let error = poll("the end", LIMIT, || Ok(brief.check().err())).unwrap();
    let error = error.to_string();
    assert!(
        error.contains("exit status: 3") && error.contains("alas"),
        "{error}"
    );
}

#[test]
fn a_log_that_is_missing_has_no_last_words() {
    assert_eq!(tail(Path::new("no such file")), "");
}
