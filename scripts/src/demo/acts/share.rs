//! Encrypts, grants and reads a file; decrypts it as the owner, offline.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use kms_chain::ChainEvent;
use kms_kit::kms::Output;
use kms_protocol::PolicyId;

use super::super::file::size_and_hash;
use super::super::show::{Policy, Show};
use super::network::CHAIN;

/// Label for which the file is encrypted.
const LABEL: &str = "films/demo";
/// Paid periods, more than the demo lasts, so that the revocation has a refund.
const PERIODS: &str = "40";
/// Rate offered to each miner, per period.
const RATE: &str = "0.25 KMS";

/// The owner encrypts the file, offline.
pub(in super::super) fn encrypt(show: &mut Show) -> Result<()> {
    let (bytes, hash) = size_and_hash(&show.file)?;
    (show.figures.file_bytes, show.figures.sha256_in) = (bytes, hash);
    show.alice.kms.json(&["label", "new", LABEL]).success()?;
    let begun = Instant::now();
    let (from, to) = (path(show, None), path(show, Some("film.kms")));
    show.alice
        .kms
        .json(&["encrypt", "-t", LABEL, &from, "-o", &to])
        .success()?;
    show.figures.encrypt_seconds = begun.elapsed().as_secs_f64();
    let (encrypted, _) = size_and_hash(&show.stage.path("film.kms"))?;
    show.tell(&format!(
        "{bytes} bytes encrypted into {encrypted} in {:.2} s",
        show.figures.encrypt_seconds
    ));
    Ok(())
}

/// The owner stores the reader's card, pays, and delivers a kfrag to each of the policy's miners.
pub(in super::super) fn grant(show: &mut Show) -> Result<()> {
    let card = show
        .bob
        .kms
        .json(&["card", "make", "--name", "bob"])
        .success()?
        .text("card");
    let card_file = show.stage.path("bob.card");
    std::fs::write(&card_file, card + "\n")?;
    show.alice
        .kms
        .json(&["card", "add", &card_file.display().to_string()])
        .success()?;
    let args = [
        "grant",
        LABEL,
        "--to",
        "bob",
        "--threshold",
        "3/5",
        "--periods",
        PERIODS,
        "--rate",
        RATE,
    ];
    let dry_run = [&args[..], &["--dry-run"]].concat();
    let quote = show.alice.kms.json(&dry_run).success()?;
    show.tell(&format!(
        "quote: 3 of 5 miners for {PERIODS} periods cost {}",
        quote.amount("price")
    ));
    let granted = show.alice.kms.json(&args).success()?;
    let id: PolicyId = granted.text("policy").parse().context("the policy's id")?;
    let view = &show.network()?.view;
    let terms = view
        .events()?
        .into_iter()
        .find_map(|dated| match dated.record.event {
            ChainEvent::PolicyCreated {
                policy_id, terms, ..
            } if policy_id == id => Some(terms),
            _ => None,
        })
        .context("the chain knows nothing of the policy")?;
    ensure!(
        (terms.threshold, terms.miners.len()) == (3, 5),
        "the policy is not 3 of 5"
    );
    let price = terms.price()?;
    ensure!(
        price == quote.amount("price"),
        "{price} were paid, not what was quoted"
    );
    (show.figures.policy_id, show.figures.price) = (id.to_string(), price);
    show.tell(&format!(
        "policy {} paid with {price}, periods {} to {}, every miner holds its kfrag",
        id.to_string().chars().take(10).collect::<String>(),
        terms.first_period,
        terms.last_period
    ));
    show.set_policy(Policy { id, terms });
    Ok(())
}

/// The reader reads the file through the miners.
pub(in super::super) fn read(show: &mut Show) -> Result<()> {
    let begun = Instant::now();
    let answer = try_read(show)?;
    show.figures.read_seconds = begun.elapsed().as_secs_f64();
    show.figures.sha256_out = check_read(show, &answer)?;
    show.tell(&format!(
        "read in {:.2} s, hashes are equal",
        show.figures.read_seconds
    ));
    Ok(())
}

/// Reads into `out.bin`; the read may fail.
pub(in super::super) fn try_read(show: &Show) -> Result<Output> {
    let out = show.stage.path("out.bin");
    if out.exists() {
        std::fs::remove_file(&out)?;
    }
    let (from, to) = (path(show, Some("film.kms")), out.display().to_string());
    Ok(show.bob.kms.json(&["read", &from, "-o", &to]))
}

/// Fails unless the read succeeded and `out.bin` equals the file; returns its hash.
pub(in super::super) fn check_read(show: &Show, answer: &Output) -> Result<String> {
    ensure!(answer.code == 0, "the read failed: {answer:?}");
    let (_, hash) = size_and_hash(&show.stage.path("out.bin"))?;
    ensure!(hash == show.figures.sha256_in, "the reader got other bytes");
    Ok(hash)
}

/// The owner decrypts the file with every node and the chain stopped.
pub(in super::super) fn decrypt_offline(show: &mut Show) -> Result<()> {
    // The act before has stopped the nodes.
    show.stage.processes().stop(CHAIN)?;
    let (from, to) = (path(show, Some("film.kms")), path(show, Some("own.bin")));
    show.alice
        .kms
        .json(&["decrypt", &from, "-o", &to])
        .success()?;
    let (_, hash) = size_and_hash(&show.stage.path("own.bin"))?;
    ensure!(hash == show.figures.sha256_in, "the owner got other bytes");
    show.figures.owner_offline_ok = true;
    show.tell("decrypted from the seed alone, with no node and no chain running");
    Ok(())
}

/// The path of a file on the stage, or of the original file, as an argument.
fn path(show: &Show, name: Option<&str>) -> String {
    name.map_or_else(|| show.file.clone(), |name| show.stage.path(name))
        .display()
        .to_string()
}
