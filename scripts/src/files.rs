//! `kms-scripts bench-files`: encrypts and decrypts with `kms` and with age on one core; writes the
//! ratios. `files/measure.rs` runs one process and says what it used.

mod measure;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use kms_chain::DeployParams;
use kms_chain::devnet::Mining;
use kms_format::{Encryptor, Header, RangeReader};
use kms_kit::kms::Kms;
use kms_kit::net::Net;
use serde::Serialize;
use umbral::SecretKey;

use crate::say;
use measure::{Used, measured, median};

const LABEL: &str = "things";
const MIB: u64 = 1024 * 1024;
/// Files and bytes of each in the folder of small files.
const SMALL_FILES: usize = 500;
const SMALL_BYTES: usize = 4096;
/// Bytes of a random read, and number of reads.
const RANGE_BYTES: u64 = 64 * 1024;
const RANGES: u64 = 4000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Size of the large file in MiB.
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Rounds; the median of each measurement counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the files are written and removed again; a file system in memory is the fairest.
    #[arg(long, default_value = "/dev/shm")]
    folder: PathBuf,
    /// Where the figures are written.
    #[arg(long, default_value = "target/files.json")]
    figures: PathBuf,
    /// Fail if a figure misses its bar.
    #[arg(long)]
    check: bool,
}

/// The figures, and the seconds of CPU they come from.
#[derive(Debug, Serialize)]
struct Figures {
    encrypt_ratio_age: f64,
    decrypt_ratio_age: f64,
    rss_encrypt_mib: f64,
    rss_decrypt_mib: f64,
    range_p99_us: f64,
    small_files_ratio: f64,
    raw: Raw,
}

#[derive(Debug, Serialize)]
struct Raw {
    mib: u64,
    rounds: usize,
    kms_encrypt_cpu_s: f64,
    kms_decrypt_cpu_s: f64,
    age_encrypt_cpu_s: f64,
    age_decrypt_cpu_s: f64,
    cp_cpu_s: f64,
    range_p50_us: f64,
    kms_small_files_s: f64,
    age_small_files_s: f64,
}

/// Name of a figure, whether it meets its bar, the bar in words.
type Bar = (&'static str, bool, &'static str);

impl Figures {
    fn bars(&self) -> [Bar; 6] {
        [
            (
                "encrypt_ratio_age",
                self.encrypt_ratio_age <= 0.65,
                "at most 0.65",
            ),
            (
                "decrypt_ratio_age",
                self.decrypt_ratio_age <= 0.60,
                "at most 0.60",
            ),
            (
                "rss_encrypt_mib",
                self.rss_encrypt_mib <= 16.0,
                "at most 16",
            ),
            (
                "rss_decrypt_mib",
                self.rss_decrypt_mib <= 16.0,
                "at most 16",
            ),
            ("range_p99_us", self.range_p99_us <= 60.0, "at most 60"),
            (
                "small_files_ratio",
                self.small_files_ratio >= 50.0,
                "at least 50",
            ),
        ]
    }
}

/// Measures, writes the figures, and names every one that misses its bar.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        args.rounds > 0 && args.mib > 0,
        "one round of one MiB is the least"
    );
    let age = Command::new("age").arg("--version").output();
    age.context("age is needed to compare with: install the package age")?;
    let place = tempfile::tempdir_in(&args.folder);
    let place = place.with_context(|| format!("making a folder in {}", args.folder.display()))?;
    let bench = Bench::new(args, place.path())?;
    let figures = bench.run()?;
    let text = serde_json::to_string_pretty(&figures)? + "\n";
    say::line(text.trim_end());
    if let Some(folder) = args.figures.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&args.figures, text)?;
    let missed: Vec<String> = figures
        .bars()
        .into_iter()
        .filter(|(_, met, _)| !met)
        .map(|(name, _, bar)| format!("{name} is to be {bar}"))
        .collect();
    for missed in &missed {
        say::line(missed);
    }
    ensure!(missed.is_empty() || !args.check, "{}", missed.join("; "));
    Ok(())
}

/// The owner of a label, whose keys an agent holds.
struct Owner(Kms);

impl Owner {
    /// Makes the home on a chain that ends right away: files need none.
    fn new(place: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Runtime::new()?;
        let params = DeployParams::local()?;
        let net = runtime.block_on(Net::start(place, Mining::Auto, &params));
        let owner = Kms::at(&place.join("home"));
        owner.init(&net.deployment_file, &net.rpc_url, &[]);
        owner.run(&["label", "new", LABEL]).success()?;
        owner.run(&["agent", "--for", "1h"]).success()?;
        Ok(Self(owner.without_passphrase()))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // An agent that does not hear ends by itself after its hour.
        let _ = self.0.run(&["agent", "stop"]);
    }
}

struct Bench<'a> {
    args: &'a Args,
    place: &'a Path,
    owner: Owner,
    recipient: String,
}

impl<'a> Bench<'a> {
    fn new(args: &'a Args, place: &'a Path) -> Result<Self> {
        let key = place.join("age.key");
        let made = Command::new("age-keygen").arg("-o").arg(&key).output()?;
        ensure!(made.status.success(), "age-keygen failed");
        let text = fs::read_to_string(&key)?;
        let recipient = text
            .lines()
            .find_map(|line| line.strip_prefix("# public key: "));
        let recipient = recipient
            .context("age-keygen names the recipient")?
            .to_owned();
        write_pattern(&place.join("plain"), args.mib)?;
        Ok(Self {
            args,
            place,
            owner: Owner::new(place)?,
            recipient,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// A command on one core.
    fn on_one_core(program: &Path) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    }

    fn kms(&self, args: &[&str]) -> Command {
        let inner = self.owner.0.command(args);
        let mut command = Self::on_one_core(Path::new(inner.get_program()));
        command.args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn age(&self, args: &[&str]) -> Command {
        let mut command = Self::on_one_core(Path::new("age"));
        command.args(args);
        command
    }

    fn kms_file(&self, verb: &[&str], from: &str, to: &str) -> Result<Used> {
        let mut command = self.kms(verb);
        measured(command.arg(self.path(from)).arg("-o").arg(self.path(to)))
    }

    fn age_file(&self, verb: &[&str], from: &str, to: &str) -> Result<Used> {
        let mut command = self.age(verb);
        measured(command.arg("-o").arg(self.path(to)).arg(self.path(from)))
    }

    fn run(&self) -> Result<Figures> {
        let key = self.path("age.key").display().to_string();
        let encrypt = ["encrypt", "-t", LABEL];
        let mut used: [Vec<Used>; 5] = Default::default();
        for _ in 0..self.args.rounds {
            let round = [
                self.kms_file(&encrypt, "plain", "plain.kms")?,
                self.age_file(&["-r", &self.recipient], "plain", "plain.age")?,
                self.kms_file(&["decrypt"], "plain.kms", "out.kms")?,
                self.age_file(&["-d", "-i", &key], "plain.age", "out.age")?,
                measured(
                    Self::on_one_core(Path::new("cp"))
                        .arg(self.path("plain"))
                        .arg(self.path("copy")),
                )?,
            ];
            for (all, one) in used.iter_mut().zip(round) {
                all.push(one);
            }
            ensure!(
                same(&self.path("plain"), &self.path("out.kms"))?,
                "kms changed the file"
            );
            for name in ["plain.kms", "plain.age", "out.kms", "out.age", "copy"] {
                fs::remove_file(self.path(name))?;
            }
        }
        let [ours, theirs, ours_back, theirs_back, cp] = &used;
        let cpu = |used: &[Used]| median(used.iter().map(|used| used.cpu_s));
        let rss = |used: &[Used]| used.iter().map(|used| used.rss_mib).fold(0.0, f64::max);
        let (range_p50_us, range_p99_us) = self.ranges()?;
        let (kms_small, age_small) = self.small_files()?;
        Ok(Figures {
            encrypt_ratio_age: cpu(ours) / cpu(theirs),
            decrypt_ratio_age: cpu(ours_back) / cpu(theirs_back),
            rss_encrypt_mib: rss(ours),
            rss_decrypt_mib: rss(ours_back),
            range_p99_us,
            small_files_ratio: age_small / kms_small,
            raw: Raw {
                mib: self.args.mib,
                rounds: self.args.rounds,
                kms_encrypt_cpu_s: cpu(ours),
                kms_decrypt_cpu_s: cpu(ours_back),
                age_encrypt_cpu_s: cpu(theirs),
                age_decrypt_cpu_s: cpu(theirs_back),
                cp_cpu_s: cpu(cp),
                range_p50_us,
                kms_small_files_s: kms_small,
                age_small_files_s: age_small,
            },
        })
    }

    /// Microseconds of a random read at the 50th and the 99th percentile.
    fn ranges(&self) -> Result<(f64, f64)> {
        let label = SecretKey::random(&mut getrandom::SysRng)?;
        let path = self.path("ranges.kms");
        let mut out = BufWriter::new(File::create(&path)?);
        let plain = File::open(self.path("plain"))?;
        let encryptor = Encryptor::new(&label.public_key());
        encryptor.encrypt(&mut getrandom::SysRng, plain, &mut out, &mut |_| ())?;
        let header = Header::read(&mut File::open(&path)?)?;
        let secret = umbral::decapsulate_original(&label, header.capsule())?;
        let key = header.unlock(&secret)?;
        let mut reader = RangeReader::open(&header, &key, File::open(&path)?)?;
        let chunks = reader.plaintext_bytes() / RANGE_BYTES;
        let mut sink = Vec::with_capacity(usize::try_from(RANGE_BYTES)?);
        let mut times = Vec::new();
        for read in 0..RANGES {
            // Steps of a large odd number visit the chunks in no order of the disk's.
            let at = read.wrapping_mul(0x9e37_79b1) % chunks * RANGE_BYTES;
            sink.clear();
            let begun = Instant::now();
            reader.read_range(at..at + RANGE_BYTES, &mut sink)?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        fs::remove_file(&path)?;
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied();
        Ok((at(50).unwrap_or(0.0), at(99).unwrap_or(0.0)))
    }

    /// Seconds for a folder of small files as one archive, and for a call of age for each.
    fn small_files(&self) -> Result<(f64, f64)> {
        let folder = self.path("small");
        fs::create_dir(&folder)?;
        for number in 0..SMALL_FILES {
            fs::write(folder.join(format!("{number:03}")), vec![7; SMALL_BYTES])?;
        }
        let mut ours = Vec::new();
        for _ in 0..self.args.rounds {
            let begun = Instant::now();
            self.kms_file(&["encrypt", "-t", LABEL, "-r"], "small", "small.kms")?;
            ours.push(begun.elapsed().as_secs_f64());
        }
        let begun = Instant::now();
        for number in 0..SMALL_FILES {
            let file = format!("small/{number:03}");
            self.age_file(&["-r", &self.recipient], &file, "one.age")?;
            fs::remove_file(self.path("one.age"))?;
        }
        Ok((median(ours.into_iter()), begun.elapsed().as_secs_f64()))
    }
}

/// Writes bytes that no file system can store as less.
fn write_pattern(path: &Path, mib: u64) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut block = vec![0; usize::try_from(MIB)?];
    for _ in 0..mib {
        getrandom::fill(&mut block)?;
        out.write_all(&block)?;
    }
    Ok(out.flush()?)
}

fn same(one: &Path, other: &Path) -> Result<bool> {
    Ok(Command::new("cmp").arg(one).arg(other).status()?.success())
}
