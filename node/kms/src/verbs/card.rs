//! `kms card`: the public keys of readers, by name.

use std::fmt;
use std::path::Path;

use clap::{Args, Subcommand};
use kms_client::Card;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Row;
use crate::sink::read_secret;

/// Cards: one line with a reader's name and key, to be given to owners
#[derive(Debug, Subcommand)]
pub(crate) enum CardVerb {
    /// Make the card of this home's reader key
    #[command(after_help = "Examples:\n  kms card make --name bob > bob.card")]
    Make(MakeArgs),
    /// Store a reader's card
    ///
    /// The card proves that its name was chosen by whoever holds the key, not who that is: compare
    /// the fingerprint over another channel.
    #[command(
        after_help = "Examples:\n  kms card add bob.card\n  kms card add kmscard1...\n  \
                            cat bob.card | kms card add -"
    )]
    Add(AddArgs),
    /// List the stored cards
    #[command(after_help = "Examples:\n  kms card list")]
    List,
    /// Show a stored card, with its fingerprint
    #[command(after_help = "Examples:\n  kms card show bob\n  kms card show kmscard1...")]
    Show(NameArgs),
    /// Forget a card; grants to it stay as they are
    #[command(after_help = "Examples:\n  kms card rm bob")]
    Rm(NameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MakeArgs {
    /// The name on the card: letters, digits and -_.@+
    #[arg(long)]
    name: String,
    /// Number of the reader key
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    reader_key: u32,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A file with the card, the card itself, or `-` for stdin
    card: String,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name on the card
    name: String,
}

#[derive(Serialize)]
struct CardRow {
    name: String,
    fingerprint: String,
    receiving_key: String,
    card: String,
}

impl From<&Card> for CardRow {
    fn from(card: &Card) -> Self {
        Self {
            name: card.name().to_owned(),
            fingerprint: card.fingerprint(),
            receiving_key: hex::encode(card.receiving_key().to_bytes()),
            card: card.to_string(),
        }
    }
}

impl Row for CardRow {
    const HEAD: &'static [&'static str] = &["NAME", "FINGERPRINT", "KEY"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.fingerprint.clone(),
            self.receiving_key.clone(),
        ]
    }
}

impl fmt::Display for CardRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            fingerprint,
            receiving_key,
            card,
        } = self;
        write!(
            f,
            "name         {name}\nfingerprint  {fingerprint}\nkey          {receiving_key}"
        )?;
        write!(f, "\ncard         {card}")
    }
}

pub(crate) fn run(verb: CardVerb, context: &Context) -> Outcome {
    let home = context.home()?;
    let out = context.out;
    match verb {
        CardVerb::Make(args) => {
            let key = home
                .unlock_readers(&context.passphrases)?
                .key(args.reader_key)?;
            let card = Card::make(&args.name, &key)?;
            out.text(&card.to_string())?;
            out.note(&format!("fingerprint {}", card.fingerprint()));
            out.objects(&[CardRow::from(&card)])
        }
        CardVerb::Add(args) => {
            let card = parse(&args.card)?;
            home.add_card(&home.lock()?, &card)?;
            out.emit(&CardRow::from(&card))
        }
        CardVerb::List => {
            let rows: Vec<CardRow> = home.cards()?.iter().map(CardRow::from).collect();
            out.list(&rows, "no cards; add one with `kms card add FILE`")
        }
        CardVerb::Show(args) => out.emit(&CardRow::from(&home.card(&args.name)?)),
        CardVerb::Rm(args) => {
            home.remove_card(&home.lock()?, &args.name)?;
            out.note(&format!("forgot {}", args.name));
            Ok(())
        }
    }
}

fn parse(given: &str) -> Outcome<Card> {
    let given = given.trim();
    if given.starts_with("kmscard1") {
        return Ok(given.parse()?);
    }
    Ok(read_secret(Path::new(given))?.parse()?)
}
