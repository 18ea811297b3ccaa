use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Stage;

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_outlives_the_stage() {
    let stage = Stage::new().unwrap();
    let (folder, pid) = (stage.path(""), stage.path("pid"));
    let script = format!("echo $$ > {}; exec sleep 600", pid.display());
    stage.start("lasting", shell(&script)).unwrap();
    let pid = stage.wait("a pid", "lasting", Duration::from_secs(10), || {
        let text = std::fs::read_to_string(&pid).ok();
        Ok(text.filter(|text| text.ends_with('\n')))
    });
    let process = Path::new("/proc").join(pid.unwrap().trim());
    assert!(process.exists());
    drop(stage);
    assert!(!process.exists() && !folder.exists());
}

#[test]
fn a_wait_ends_with_the_process_and_quotes_its_last_words() {
    let stage = Stage::new().unwrap();
    stage.start("brief", shell("echo alas; exit 3")).unwrap();
    let waited = stage.wait("a miracle", "brief", Duration::from_secs(60), || {
        Ok(None::<()>)
    });
    let error = format!("{:#}", waited.unwrap_err());
    assert!(
        error.contains("brief: ended") && error.contains("alas"),
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
    assert!(format!("{:#}", waited.unwrap_err()).contains("took longer"));
}

#[test]
fn stopping_what_does_not_run_is_an_error() {
    assert!(Stage::new().unwrap().processes().stop("nobody").is_err());
}
