//! `kms card`: the public keys of readers, by name.

use std::fmt;
use std::path::Path;

use clap::{Args, Subcommand};
use kms_client::{Card, Home};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row};
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
    /// Compare a card with the words that its reader tells you
    ///
    /// `kms card make` and `kms card show` print the words of a card at the reader's. With the
    /// words, says whether they are this card's; without, prints those to be compared.
    #[command(after_help = "Examples:\n  kms card verify bob\n  \
                            kms card verify bob able acid ... zoo")]
    Verify(VerifyArgs),
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
    /// Number of the reader key, 0 to 15; `kms read` tries every one up to the highest with a card
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..16))]
    reader_key: u32,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A file with the card, the card itself, or `-` for stdin
    card: String,
    /// Your own name for the reader [default: the name on the card, which is the reader's choice]
    #[arg(long = "as", value_name = "NAME")]
    known_as: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Name of the stored card, or kmscard1...
    name: String,
    /// The eight words that the reader told you, over another channel than the card came by
    #[arg(value_name = "WORD")]
    words: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name on the card
    name: String,
}

#[derive(Serialize)]
struct CardRow {
    name: String,
    /// The name on the card.
    own_name: String,
    fingerprint: String,
    words: String,
    receiving_key: String,
    card: String,
}

impl From<&Card> for CardRow {
    fn from(card: &Card) -> Self {
        Self {
            name: card.name().to_owned(),
            own_name: card.own_name().to_owned(),
            fingerprint: card.fingerprint(),
            words: card.words(),
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
            own_name,
            fingerprint,
            words,
            receiving_key,
            card,
        } = self;
        writeln!(f, "name         {name}")?;
        if own_name != name {
            writeln!(f, "on the card  {own_name}")?;
        }
        writeln!(f, "fingerprint  {fingerprint}\nwords        {words}")?;
        write!(f, "key          {receiving_key}")?;
        write!(f, "\ncard         {card}")
    }
}

pub(crate) fn run(verb: CardVerb, context: &Context) -> Outcome {
    let mut home = context.home()?;
    let out = context.out;
    match verb {
        CardVerb::Make(args) => {
            let key = home
                .unlock_readers(&context.passphrases)?
                .key(args.reader_key)?;
            let card = Card::make(&args.name, &key)?;
            home.use_reader_key(&context.lock(&home)?, args.reader_key)?;
            out.text(&card.to_string())?;
            out.note(&format!("fingerprint {}", card.fingerprint()));
            out.note(&format!("words       {}", card.words()));
            out.objects(&[CardRow::from(&card)])
        }
        CardVerb::Add(args) => {
            let card = parse(&args.card)?;
            let card = match &args.known_as {
                Some(name) => card.known_as(name)?,
                None => card,
            };
            home.add_card(&context.lock(&home)?, &card)?;
            out.emit(&CardRow::from(&card))
        }
        CardVerb::Verify(args) => verify(&args, &home, out),
        CardVerb::List => {
            let rows: Vec<CardRow> = home.cards()?.iter().map(CardRow::from).collect();
            out.list(&rows, "no cards; add one with `kms card add FILE`")
        }
        CardVerb::Show(args) => out.emit(&CardRow::from(&home.card(&args.name)?)),
        CardVerb::Rm(args) => {
            home.remove_card(&context.lock(&home)?, &args.name)?;
            out.note(&format!("forgot {}", args.name));
            Ok(())
        }
    }
}

/// Says whether a card is the one whose words were told.
#[derive(Serialize)]
struct VerifyReport {
    name: String,
    words: String,
    /// `None` if no words were told.
    verified: Option<bool>,
}

fn verify(args: &VerifyArgs, home: &Home, out: Output) -> Outcome {
    let card = home.card(&args.name)?;
    let (name, words) = (card.name().to_owned(), card.words());
    let told = args.words.join(" ").to_lowercase();
    let told: Vec<&str> = told.split_whitespace().collect();
    let verified = (!told.is_empty()).then(|| told.join(" ") == words);
    if verified == Some(false) {
        let message = format!("those are not the words of {name}'s card, which are: {words}");
        let hint = "do not grant to this card: ask its reader for it again, in another way";
        return Err(Failure::new("card_not_verified", message, hint));
    }
    let report = VerifyReport {
        name,
        words,
        verified,
    };
    out.emit_as(&report, || match report.verified {
        Some(_) => format!("these are the words of {}'s card", report.name),
        None => format!(
            "{}\nare those the words that the reader sees?",
            report.words
        ),
    })
}

fn parse(given: &str) -> Outcome<Card> {
    let given = given.trim();
    if given.starts_with("kmscard1") {
        return Ok(given.parse()?);
    }
    Ok(read_secret(Path::new(given))?.parse()?)
}
