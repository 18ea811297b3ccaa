//! Encrypted files that were damaged, and outputs that cannot be written: a clear error with its
//! exit code, and whatever stood at the output before still stands there. All offline.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::world::World;
use kms_kit::kms::Kms;

/// Bytes of the plaintext: three chunks, the last one short.
const PLAIN_BYTES: usize = 150_000;
/// What stands at the output before a command that fails.
const OLD: &str = "the old file";

/// An owner with an encrypted file; the chain it was made for is gone.
struct Desk {
    owner: Kms,
    encrypted: PathBuf,
    plain: Vec<u8>,
    folder: TempDir,
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let owner = Kms::at(&folder.path().join("home"));
        owner.init(&world.deployment_file, &world.rpc_url, &[]);
        owner.run(&["label", "new", "things"]).assert_success();
        let plain: Vec<u8> = (0..PLAIN_BYTES)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect();
        let (from, encrypted) = (folder.path().join("plain"), folder.path().join("file.kms"));
        std::fs::write(&from, &plain).unwrap();
        owner
            .run(&[
                "encrypt",
                "-t",
                "things",
                &text(&from),
                "-o",
                &text(&encrypted),
            ])
            .assert_success();
        Self {
            owner,
            encrypted,
            plain,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Decrypts `bytes` over an old file, which must survive; returns the error.
    #[track_caller]
    fn refuses(&self, bytes: &[u8], exit: i32, code: &str) -> Value {
        let (from, to) = (self.path("damaged.kms"), self.path("out"));
        std::fs::write(&from, bytes).unwrap();
        std::fs::write(&to, OLD).unwrap();
        let output = self
            .owner
            .json(&["decrypt", &text(&from), "-o", &text(&to)]);
        let error = output.assert_failure(exit, code);
        assert_eq!(
            std::fs::read_to_string(&to).unwrap(),
            OLD,
            "the old file was touched"
        );
        self.assert_no_leftovers();
        error
    }

    /// No partial output lies about.
    #[track_caller]
    fn assert_no_leftovers(&self) {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains(".part"), "{name} was left behind");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_altered_or_cut_in_any_region_is_refused_and_the_old_output_stays() {
    let desk = Desk::new().await;
    let whole = std::fs::read(&desk.encrypted).unwrap();
    let header = u32::from_be_bytes(whole[16..20].try_into().unwrap()) as usize;
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    // Layout as in FORMAT.md: magic 8, parameters 8, length 4, fields, MAC 32, chunks.
    desk.refuses(&flipped(0), 20, "not_a_kms_file");
    desk.refuses(&flipped(8), 20, "unsupported_version");
    desk.refuses(&flipped(9), 20, "unsupported_parameter");
    desk.refuses(&flipped(20 + 2), 20, "header_malformed");
    // The label's key: a sibling point or none at all, and in any case none of ours.
    let label_key = desk.path("label-key.kms");
    std::fs::write(&label_key, flipped(20 + 4 + 32)).unwrap();
    let out = text(&desk.path("none"));
    let refused = desk.owner.json(&["decrypt", &text(&label_key), "-o", &out]);
    assert!([20, 21].contains(&refused.code), "{refused:?}");
    // The wrapped key and the commitment: this is not what our key opens.
    let wrapped = 20 + (4 + 33) + (4 + 98) + 4;
    desk.refuses(&flipped(wrapped), 22, "header_tampered");
    desk.refuses(&flipped(header - 1), 22, "header_tampered");
    // The sealed name: a home that lists the label opens the header all the same, and sees.
    let name = 20 + (4 + 33) + (4 + 98) + (4 + 48) + (4 + 32) + 4;
    desk.refuses(&flipped(name), 22, "header_tampered");
    desk.refuses(&flipped(name + 47), 22, "header_tampered");
    // Chunks, each a frame with its tag: the number of the chunk is told.
    let frame = 4 + 65_536 + 16;
    desk.refuses(&flipped(header), 22, "chunk_tampered");
    desk.refuses(&flipped(header + 4), 22, "chunk_tampered");
    desk.refuses(&flipped(header + frame + 9), 22, "chunk_tampered");
    desk.refuses(&flipped(whole.len() - 1), 22, "end_tampered");
    // Cut anywhere: inside the magic, the header, a chunk, a tag, the end, or between them.
    let end = whole.len() - 52;
    for length in [
        3,
        18,
        header - 5,
        header,
        header + 100,
        header + frame - 1,
        header + 2 * frame,
        end - 1,
        end,
        whole.len() - 1,
    ] {
        desk.refuses(&whole[..length], 20, "file_truncated");
    }
    // Longer than it was, and two chunks changing places.
    desk.refuses(&[&whole[..], &[0]].concat(), 20, "trailing_data");
    let mut swapped = whole.clone();
    swapped[header..header + 2 * frame].rotate_left(frame);
    desk.refuses(&swapped, 22, "chunk_tampered");
    desk.refuses(b"", 20, "file_truncated");

    let to = desk.path("out");
    let whole_file = [&text(&desk.encrypted), "-o", &text(&to)];
    desk.owner
        .run(&[&["decrypt"], &whole_file[..]].concat())
        .assert_success();
    assert_eq!(std::fs::read(&to).unwrap(), desk.plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_a_wrong_passphrase_and_a_missing_home_are_told_apart() {
    let desk = Desk::new().await;
    let out = text(&desk.path("out"));
    std::fs::write(&out, OLD).unwrap();
    let missing = text(&desk.path("missing.kms"));
    desk.owner
        .json(&["decrypt", &missing, "-o", &out])
        .assert_failure(3, "not_found");
    let encrypted = text(&desk.encrypted);
    desk.owner
        .saying("not the passphrase")
        .json(&["decrypt", &encrypted, "-o", &out])
        .assert_failure(21, "wrong_passphrase");
    Kms::at(&desk.path("nowhere"))
        .json(&["decrypt", &encrypted, "-o", &out])
        .assert_failure(3, "home_missing");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), OLD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_decrypt() {
    let desk = Desk::new().await;
    let world = World::new().await;
    let stranger = Kms::at(&desk.path("stranger"));
    stranger.init(&world.deployment_file, &world.rpc_url, &[]);
    stranger.run(&["label", "new", "things"]).assert_success();
    let out = text(&desk.path("out"));
    let output = stranger.json(&["decrypt", &text(&desk.encrypted), "-o", &out]);
    output.assert_failure(21, "sealed_name_foreign");
    assert!(!desk.path("out").exists());
}

/// A full disk, by the shell's limit on the size of files: 16 blocks of 512 bytes or of 1 KiB.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_the_old_file_and_no_partial_one() {
    let desk = Desk::new().await;
    let out = desk.path("out");
    std::fs::write(&out, OLD).unwrap();
    for verb in ["decrypt", "encrypt"] {
        let input = if verb == "decrypt" {
            text(&desk.encrypted)
        } else {
            text(&desk.path("plain"))
        };
        let output = text(&out);
        let mut args = vec![verb, &input, "-o", &output, "--json"];
        if verb == "encrypt" {
            args.extend(["-t", "things"]);
        }
        let command = desk.owner.command(&args);
        let mut shell = std::process::Command::new("sh");
        // The signal that comes with the limit is ignored, so that writing fails as on a full disk.
        shell.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "sh"]);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = shell.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{verb}: {stderr}");
        let error: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
        let message = format!("{} {}", error["message"], error["cause"]);
        assert!(message.contains("too large"), "{verb}: {error}");
        assert_eq!(
            std::fs::read_to_string(&out).unwrap(),
            OLD,
            "{verb}: the old file was touched"
        );
        desk.assert_no_leftovers();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_device_at_the_end_of_a_pipe_is_an_error() {
    let desk = Desk::new().await;
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = desk.owner.command(&["decrypt", &text(&desk.encrypted)]);
    let status = command
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(70));
}

/// The command encrypts the limits of its own process, and so says what they were.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn no_command_leaves_a_core_dump() {
    let desk = Desk::new().await;
    let (sealed, limits) = (text(&desk.path("limits.kms")), desk.path("limits"));
    let encrypt = [
        "encrypt",
        "-t",
        "things",
        "/proc/self/limits",
        "-o",
        &sealed,
    ];
    desk.owner.run(&encrypt).assert_success();
    let decrypt = ["decrypt", &sealed, "-o", &text(&limits)];
    desk.owner.run(&decrypt).assert_success();
    let limits = std::fs::read_to_string(limits).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
}
