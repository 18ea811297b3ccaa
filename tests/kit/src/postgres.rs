//! Debian's PostgreSQL in a private folder, reached by a Unix socket. It refuses to run as root, so
//! root becomes the user `postgres` for it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::tail;
use crate::wait::poll;

/// Where Debian puts the programs, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes a cluster that believes whoever reaches its socket, starts it, and ends it when the
/// standard input is closed: with whoever holds the other end, however that ends.
const SERVE: &str = r#"
set -e
initdb --pgdata "$1/data" --username kms --auth trust --no-sync --encoding UTF8 --locale C
cat >> "$1/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$1'
fsync = off
max_connections = 200
END
pg_ctl --pgdata "$1/data" --log "$1/log" --wait start
: > "$1/ready"
cat > /dev/null
pg_ctl --pgdata "$1/data" --mode immediate stop
rm -rf "$1/data"
"#;

/// A running PostgreSQL, which ends with this value.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    server: Child,
}

impl Postgres {
    /// Starts it in an empty folder, whose path is short enough for a socket. The folder is given
    /// to the user that runs it.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start; quotes what it said.
    pub fn start(folder: &Path) -> Result<Self> {
        let programs = programs()?;
        let folder = folder.to_owned();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        if is_root() {
            let given = Command::new("chown")
                .arg("postgres")
                .arg(&folder)
                .status()?;
            ensure!(given.success(), "{} was not given away", folder.display());
        }
        let said = std::fs::File::create(folder.join("said"))?;
        let mut serve = unprivileged(&programs, "sh");
        serve.args(["-c", SERVE, "serve"]).arg(&folder);
        serve.stdin(Stdio::piped()).stdout(said.try_clone()?);
        let mut server = serve.stderr(said).spawn().context("starting PostgreSQL")?;
        let started = poll("PostgreSQL", START_TIMEOUT, || {
            if folder.join("ready").exists() {
                return Ok(Some(()));
            }
            let ended = server.try_wait()?;
            let said = tail(&folder.join("said"));
            ensure!(ended.is_none(), "it did not start:\n{said}");
            Ok(None)
        });
        let running = Self {
            folder,
            programs,
            server,
        };
        started.map(|()| running)
    }

    /// URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        let socket = self.folder.display();
        format!("postgres://kms@localhost/{database}?host={socket}")
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn create(&self, database: &str) -> Result<String> {
        let mut create = unprivileged(&self.programs, "createdb");
        create.arg("--host").arg(&self.folder);
        run(create.args(["--username", "kms", database]))?;
        Ok(self.url(database))
    }

    /// Restarts it as after a crash: connections break, transactions under way are lost.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn restart(&self) -> Result<()> {
        let mut restart = unprivileged(&self.programs, "pg_ctl");
        restart.arg("--pgdata").arg(self.folder.join("data"));
        restart.arg("--log").arg(self.folder.join("log"));
        run(restart.args(["--mode", "immediate", "--wait", "restart"]))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ended = self.server.wait();
    }
}

fn run(command: &mut Command) -> Result<()> {
    let done = command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = done.stderr(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A command of PostgreSQL's programs, as a user that it accepts.
fn unprivileged(programs: &Path, program: &str) -> Command {
    let mut command = match is_root() {
        true => {
            let mut become_postgres = Command::new("setpriv");
            become_postgres.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            become_postgres.arg(program);
            become_postgres
        }
        false => Command::new(program),
    };
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let mut path = programs.as_os_str().to_owned();
    path.push(":");
    path.push(inherited);
    // The folder the tests run in may be closed to that user.
    command
        .env("PATH", path)
        .env("LC_ALL", "C")
        .current_dir("/");
    command
}

fn programs() -> Result<PathBuf> {
    let missing = "PostgreSQL is missing; Debian: apt-get install postgresql";
    let versions = std::fs::read_dir(VERSIONS).context(missing)?;
    let folders = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let newest = folders.filter(|bin| bin.join("initdb").exists()).max();
    newest.context(missing)
}
