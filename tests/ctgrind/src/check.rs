//! Runs every section under valgrind and judges its reports against the list of values that are
//! declassified on purpose; then the control, which must be reported.
//!
//! `cargo run --release --bin check` in `tests/ctgrind`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A decision on secret data that is meant. It is recognised by the innermost function outside the
/// standard library, and by one that called it.
struct Declassified {
    inner: &'static str,
    caller: &'static str,
    why: &'static str,
}

const fn allow(inner: &'static str, caller: &'static str, why: &'static str) -> Declassified {
    Declassified { inner, caller, why }
}

const RANGE: &str = "one bit: whether a drawn or received scalar is in 1..n; it always is";
const IDENTITY: &str = "one bit: whether a point about to be published is the identity";
const PUBLISHED: &str = "looks at a value that is published";
const TAG: &str = "one bit: whether the cipher accepts, which the caller is told";

const DECLASSIFIED: [Declassified; 26] = [
    allow("decode_scalar", "", RANGE),
    allow(
        "from<k256::arithmetic::scalar::Scalar>",
        "decode_scalar",
        RANGE,
    ),
    allow(
        "from<k256::arithmetic::scalar::Scalar>",
        "invert",
        "one bit: zero has no inverse",
    ),
    allow("new (scalar.rs", "", RANGE),
    allow("umbral::arithmetic::scalar::SecretScalar::new", "", RANGE),
    allow(
        "fill_next_k",
        "",
        "rejection sampling of RFC 6979: rejects with probability 2^-128",
    ),
    allow("normalise", "", IDENTITY),
    allow(
        "unwrap<k256::arithmetic::field::FieldElement>",
        "batch_invert_in_place",
        IDENTITY,
    ),
    allow(
        "lagrange_weights",
        "",
        "one bit: whether two cfrags have one id, which is public",
    ),
    allow("refuse_repeated_ids", "", PUBLISHED),
    allow("new (signing.rs", "sign_all", PUBLISHED),
    allow("umbral::keys::signing::Signer::sign_all", "", PUBLISHED),
    allow("umbral::kfrag::polynomial::commit", "", PUBLISHED),
    allow("umbral::kfrag::polynomial::Polynomial::draw", "", IDENTITY),
    allow("encapsulate", "", PUBLISHED),
    allow("umbral::cfrag::reencryption::reencrypt_with", "", PUBLISHED),
    allow(
        "umbral::kfrag::KeyFrag::check_commitment",
        "",
        "one bit: whether rk * U = U1",
    ),
    allow(
        "umbral::kfrag::KeyFrag::verify",
        "",
        "one bit: whether rk * U = U1",
    ),
    allow("decrypt_inout_detached", "", TAG),
    allow("umbral::capsule::dem::open", "", TAG),
    allow(
        "umbral::opening::verified::decapsulate_reencrypted",
        "",
        "one bit: whether the cfrags open",
    ),
    allow(
        "umbral::opening::verified::<impl umbral::opening::Opening>::verified",
        "",
        PUBLISHED,
    ),
    allow("umbral::opening::optimistic::combine", "", PUBLISHED),
    allow("is_judgeable", "", PUBLISHED),
    allow("eq (point.rs", "", PUBLISHED),
    allow("ctgrind::main", "", "the verdict of a section"),
];

const SECTIONS: [&str; 6] = [
    "keygen",
    "signing",
    "delegation",
    "reencryption",
    "opening",
    "granting",
];

/// Builds the program whose secrets are watched: `cargo run --bin check` builds `check` alone.
fn build_watched() -> Result<PathBuf, String> {
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--bin", "ctgrind"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err(format!("cargo build --bin ctgrind: {built}"));
    }
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(own.with_file_name("ctgrind"))
}

/// The functions of each report's stack, innermost first.
fn reports(program: &Path, section: &str) -> Result<Vec<Vec<String>>, String> {
    let run = Command::new("valgrind")
        .args([
            "--error-limit=no",
            "--read-inline-info=yes",
            "--num-callers=80",
        ])
        .arg(program)
        .arg(section)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    if !run.status.success() || !text.contains("ERROR SUMMARY") {
        return Err(format!("{section} did not run: {text}"));
    }
    let mut found: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        if line.contains("depends on uninitialised") || line.contains("Use of uninitialised") {
            found.push(Vec::new());
        } else if let (Some((_, frame)), Some(stack)) = (line.split_once(": "), found.last_mut())
            && (line.contains("   at 0x") || line.contains("   by 0x"))
        {
            stack.push(frame.to_owned());
        }
    }
    Ok(found)
}

/// Parts of the standard library, and of valgrind where it stands in for libc: its functions are
/// in /usr too, but with the package valgrind-dbg they are named by their file.
const LIBRARY: [&str; 3] = ["library/", "(in /usr/", "(vg_replace_"];

fn is_declassified(stack: &[String]) -> bool {
    let outside = |frame: &&String| !LIBRARY.iter().any(|part| frame.contains(part));
    let Some(inner) = stack.iter().find(outside) else {
        return false;
    };
    let known = |entry: &&Declassified| {
        inner.contains(entry.inner) && stack.iter().any(|frame| frame.contains(entry.caller))
    };
    DECLASSIFIED
        .iter()
        .find(known)
        .is_some_and(|entry| !entry.why.is_empty())
}

fn check() -> Result<bool, String> {
    let mut clean = true;
    let program = build_watched()?;
    for section in SECTIONS {
        let found = reports(&program, section)?;
        let unexpected: Vec<_> = found
            .iter()
            .filter(|stack| !is_declassified(stack))
            .collect();
        println!(
            "{section:<14} {} reports, {} outside the list",
            found.len(),
            unexpected.len()
        );
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for stack in &unexpected {
            *places
                .entry(
                    stack
                        .iter()
                        .take(4)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join("\n      by "),
                )
                .or_default() += 1;
        }
        for (place, count) in places {
            println!("  {count} x {place}");
        }
        clean &= unexpected.is_empty();
    }
    let control = reports(&program, "control")?.len();
    println!("{:<14} {control} reports, at least 2 expected", "control");
    Ok(clean && control >= 2)
}

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}
