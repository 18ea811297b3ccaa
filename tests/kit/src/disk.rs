//! What is wrong with a disk: calls that flush fail, or kill the process, by a library that is put
//! under a program. It is compiled from `disk.c` with the C compiler of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk at fault, for any number of programs.
#[derive(Debug)]
pub struct FaultyDisk {
    library: PathBuf,
    switch: PathBuf,
}

impl FaultyDisk {
    /// Compiles the library into `folder`. Nothing fails yet.
    ///
    /// # Panics
    /// There is no C compiler.
    pub fn make(folder: &Path) -> Self {
        let (source, library) = (folder.join("disk.c"), folder.join("disk.so"));
        std::fs::write(&source, include_str!("disk.c")).unwrap();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        assert!(
            compiled.is_ok_and(|status| status.success()),
            "no C compiler"
        );
        let switch = folder.join("disk-is-faulty");
        Self { library, switch }
    }

    /// Lets a program's calls that flush fail as [`FaultyDisk::set`] says.
    pub fn failing(&self, mut command: Command, seed: u32) -> Command {
        self.under(&mut command)
            .env("KMSDISK_FAULTY", &self.switch)
            .env("KMSDISK_SEED", seed.to_string());
        command
    }

    /// Kills a program as it flushes for the `nth` time, before anything is flushed.
    pub fn killing(&self, mut command: Command, nth: u64) -> Command {
        self.under(&mut command)
            .env("KMSDISK_KILL", nth.to_string());
        command
    }

    /// How many percent of the calls that flush fail from now on.
    ///
    /// # Panics
    /// The folder is gone.
    pub fn set(&self, percent: u32) {
        let written = self.switch.with_extension("new");
        std::fs::write(&written, percent.to_string()).unwrap();
        std::fs::rename(written, &self.switch).unwrap();
    }

    fn under<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("LD_PRELOAD", &self.library)
    }
}
