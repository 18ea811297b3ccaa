//! Loses the owner's machine and makes another one from the 24 words.

use anyhow::{Result, ensure};
use kms_kit::kms::{Kms, Output};

use super::super::show::Show;

/// The owner writes its words down, loses its home, and goes on in another one.
pub(in super::super) fn from_words(show: &mut Show) -> Result<()> {
    let words = show.stage.path("words.txt").display().to_string();
    let saved = show.alice.kms.json(&["key", "backup", "-o", &words]);
    let fingerprint = saved.success()?.text("seed");
    let before = show.alice.kms.json(&["policies", "list"]).success()?;
    std::fs::remove_dir_all(show.stage.path("alice"))?;

    let restored = init(show, &words)?;
    ensure!(
        restored.text("seed") == fingerprint,
        "the words made another seed"
    );
    let after = show.alice.kms.json(&["policies", "list", "--rebuild"]);
    let after = after.success()?;
    ensure!(
        after.stdout == before.stdout,
        "the list of policies differs:\n{}\n{}",
        before.stdout,
        after.stdout
    );
    let (label, reader) = (after.text("label"), after.text("reader"));
    show.tell(&format!(
        "restored from 24 words, seed {fingerprint}: {label} granted to {reader}, as before"
    ));
    Ok(())
}

/// Makes the new home, which takes the old one's place.
fn init(show: &mut Show, words: &str) -> Result<Output> {
    show.alice.kms = Kms::at(&show.stage.path("alice-again"));
    let network = show.network()?;
    let (file, rpc) = (network.deployment_file.display().to_string(), &network.rpc);
    let wallet = show.alice.key_file.display().to_string();
    let chain = ["init", "--network", &file, "--rpc", rpc];
    let keys = ["--import-seed", words, "--import-wallet", &wallet];
    show.alice.kms.json(&[&chain[..], &keys].concat()).success()
}
