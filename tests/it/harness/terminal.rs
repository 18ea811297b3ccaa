//! A person at a terminal: a shell in a pseudo-terminal (that of script(1), which every system
//! has), lines typed into it, and what it shows.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use kms_kit::kms::Kms;
use kms_kit::wait::poll;

/// What the shell shows when it is ready, around the exit code of the last command.
const READY: (&str, &str) = ("<<", ">> ");
/// Limit of a command, far above what one takes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

/// A shell in a terminal; it ends with its value.
pub(crate) struct Terminal {
    process: Child,
    keyboard: ChildStdin,
    screen: Arc<Mutex<String>>,
    /// Length of what was taken notice of.
    seen: usize,
}

impl Terminal {
    /// A shell in `folder`, whose user's own folder is that too, with the settings of `kms`.
    pub(crate) fn open(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = Command::new("script");
        let shell = "bash --noprofile --norc --noediting -i";
        command.args(["--quiet", "--flush", "--command", shell, "/dev/null"]);
        for (name, _) in std::env::vars_os() {
            // The chain tool stays findable; a developer's own settings stay untouched.
            let name = name.to_string_lossy();
            if (name.starts_with("KMS_") && name != "KMS_ANVIL") || name.starts_with("XDG_") {
                command.env_remove(&*name);
            }
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let binary = Kms::anywhere().command(&[]).get_program().to_owned();
        let beside = Path::new(&binary).parent().unwrap().display().to_string();
        let mut process = command
            .env("PATH", format!("{beside}:{path}"))
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("TERM", "dumb")
            // PS1 itself would not pass the shell that script(1) starts this one with.
            .env(
                "PROMPT_COMMAND",
                format!("PS1=\"{}$?{}\"", READY.0, READY.1),
            )
            .envs(settings.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut output, shared) = (process.stdout.take().unwrap(), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).replace('\r', "");
                shared.lock().unwrap().push_str(&text);
            }
        });
        let mut terminal = Self {
            keyboard: process.stdin.take().unwrap(),
            process,
            screen,
            seen: 0,
        };
        terminal.until_ready("");
        terminal
    }

    /// Everything that was shown so far.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Types a line, and the passphrase whenever one is asked for; returns the exit code of the
    /// command and what it showed.
    #[track_caller]
    pub(crate) fn run(&mut self, line: &str, passphrase: &str) -> (i32, String) {
        self.press(&format!("{line}\n"));
        self.until_ready(passphrase)
    }

    /// Presses keys, and does not wait.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until the command that runs shows `text`.
    #[track_caller]
    pub(crate) fn until_shown(&mut self, text: &str) {
        let shown = poll(text, PATIENCE, || {
            let screen = self.screen();
            Ok(screen[self.seen..].find(text).map(|at| at + text.len()))
        });
        self.seen += shown.unwrap_or_else(|error| panic!("{error}\n{}", self.screen()));
    }

    /// Waits until the command that runs has ended.
    #[track_caller]
    pub(crate) fn until_ready(&mut self, passphrase: &str) -> (i32, String) {
        let begun = self.seen;
        let code = poll("the end of a command", PATIENCE, || {
            let screen = self.screen();
            let new = &screen[self.seen..];
            if let Some(code) = exit_code(new) {
                self.seen = screen.len();
                return Ok(Some(code));
            }
            if asks(new) {
                self.seen = screen.len();
                self.press(&format!("{passphrase}\n"));
            }
            Ok(None)
        });
        let code = code.unwrap_or_else(|error| panic!("{error}\n{}", self.screen()));
        (code, self.screen()[begun..self.seen].to_owned())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// The exit code that a ready shell shows at the end of its screen.
fn exit_code(screen: &str) -> Option<i32> {
    let (_, last) = screen.rsplit_once(READY.0)?;
    last.strip_suffix(READY.1)?.parse().ok()
}

/// Whether the last line asks for a passphrase.
fn asks(screen: &str) -> bool {
    let last = screen.rsplit('\n').next().unwrap_or_default();
    let asked = ["Passphrase of ", "New passphrase for ", "The same again"];
    last.ends_with(": ") && asked.iter().any(|begin| last.starts_with(begin))
}
