use clap::{Command, CommandFactory as _};

use super::*;
use crate::output::Chatter;

/// Every command that does something, with its full name.
fn leaves(command: &Command, path: &str) -> Vec<(String, Command)> {
    let name = format!("{path} {}", command.get_name()).trim().to_owned();
    let mut found: Vec<(String, Command)> = command
        .get_subcommands()
        .flat_map(|sub| leaves(sub, &name))
        .collect();
    if !command.is_subcommand_required_set() {
        found.push((name, command.clone()));
    }
    found
}

fn all() -> Vec<(String, Command)> {
    let mut command = Cli::command();
    command.build();
    leaves(&command, "")
}

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn the_verbs_are_the_documented_ones() {
    let names: Vec<String> = all().into_iter().map(|(name, _)| name).collect();
    let expected = "kms init, kms key list, kms key show, kms key export, kms key backup, \
        kms key passphrase, \
        kms label new, kms label list, kms label pubkey, kms card make, kms card add, \
        kms card list, kms card verify, kms card show, kms card rm, \
        kms encrypt, kms decrypt, kms inspect, kms ls, kms rewrap, \
        kms grant, kms read, kms revoke, kms relay, kms renew, kms refund, kms challenge, \
        kms accuse, kms policies list, \
        kms policies show, kms group create, kms group list, kms group join, \
        kms group add, kms group remove, kms group epoch, kms group post, kms group read, \
        kms group log, kms group sync, kms stream publish, kms stream play, \
        kms stream serve, kms serve, kms agent status, kms agent stop, \
        kms agent serve, kms agent, kms config show, kms config set, \
        kms doctor, kms status, kms tx list, kms tx show, kms tx bump, kms tx cancel, \
        kms stake create, kms stake status, kms stake extend, \
        kms stake wind-down, kms stake unbond, kms stake withdraw, kms stake restake, \
        kms stake min-rate, \
        kms worker bond, kms worker unbond, kms worker show, kms rewards show, \
        kms rewards claim, kms rewards restake, \
        kms fees show, kms fees collect, kms node init, kms node consent, \
        kms node run, kms node config show, kms dev fund, kms dev, kms help";
    assert_eq!(
        names.join(", "),
        expected.split_whitespace().collect::<Vec<_>>().join(" ")
    );
}

#[test]
fn every_verb_explains_itself_with_an_example() {
    for (name, command) in all() {
        assert!(command.get_about().is_some(), "{name} has no summary");
        let after = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(after.contains("Example"), "{name} has no example");
        let verb = name.strip_prefix("kms ").unwrap_or_default();
        assert!(
            after.contains(&format!("kms {verb}")),
            "{name}: the example is of another verb"
        );
    }
}

#[test]
fn every_flag_says_what_it_is() {
    for (name, command) in all() {
        for argument in command.get_arguments() {
            let help = argument
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                !help.is_empty(),
                "{name}: {} has no help",
                argument.get_id()
            );
        }
    }
}

#[test]
fn every_verb_that_spends_can_be_rehearsed() {
    let free = [
        "list",
        "show",
        "status",
        "read",
        "init",
        "consent",
        "run",
        "fund",
        "dev",
        "set",
        "doctor",
        "help",
        "agent",
        "stop",
        "serve",
        "group create",
        "group join",
        "group epoch",
        "group post",
        "group log",
        "group sync",
        "stream publish",
        "stream play",
    ];
    let local = [
        "key", "label", "card", "encrypt", "decrypt", "inspect", "ls", "rewrap",
    ];
    for (name, command) in all() {
        let is_local = local
            .iter()
            .any(|verb| name.starts_with(&format!("kms {verb}")));
        let is_free = free.iter().any(|verb| name.ends_with(&format!(" {verb}")));
        let rehearses = command
            .get_arguments()
            .any(|argument| argument.get_id() == "dry_run");
        assert_eq!(rehearses, !is_local && !is_free, "{name}");
    }
}

#[test]
fn no_secret_is_taken_from_the_command_line() {
    for (name, command) in all() {
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            let secret = ["pass", "secret", "private", "mnemonic"];
            assert!(!secret.iter().any(|word| id.contains(word)), "{name}: {id}");
        }
    }
}

#[test]
fn help_fits_on_a_terminal() {
    for (name, mut command) in all() {
        let help = command.render_long_help().to_string();
        let widest = help
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        assert!(widest <= 100, "{name}: {widest}");
    }
}

#[test]
fn flags_of_every_verb_may_stand_anywhere() {
    for line in [
        "kms --json status",
        "kms status --json",
        "kms policies list --json",
    ] {
        assert!(parse(line).unwrap().global.json, "{line}");
    }
}

#[test]
fn quiet_and_verbose_exclude_each_other() {
    assert!(parse("kms status --quiet -v").is_err());
    assert_eq!(
        parse("kms status -q").unwrap().global.chatter(),
        Chatter::Quiet
    );
    assert_eq!(
        parse("kms status -vv").unwrap().global.chatter(),
        Chatter::Verbose
    );
    assert_eq!(
        parse("kms status").unwrap().global.chatter(),
        Chatter::Normal
    );
}

#[test]
fn refuses_incomplete_and_contradictory_lines() {
    for line in [
        "kms",
        "kms unknown",
        "kms encrypt",
        "kms label list movie.kms",
        "kms grant",
        "kms grant films --periods 3",
        "kms grant films --to bob",
        "kms grant films --to bob --periods 3 --until 99",
        "kms grant films --to bob --periods 3 --threshold 4/3",
        "kms grant films --to bob --periods 3 --rate 5",
        "kms grant films --to bob --periods 3 --miner 0x12",
        "kms grant --resume --dry-run",
        "kms revoke",
        "kms stake create --amount 5",
        "kms stake unbond",
        "kms stake wind-down maybe",
        "kms worker bond 0x12",
        "kms worker bond 0x00000000000000000000000000000000000000aa",
        "kms node init",
        "kms agent --for 25h",
        "kms config set",
        "kms config set --nodes none",
        "kms agent --for 1h stop",
        "kms node run --set nothing",
        "kms dev fund 0x12",
        "kms dev --miners -1",
        "kms dev --miners 17",
        "kms dev --state",
        "kms read --timeout 0",
        "kms read --range 5-1",
        "kms status --quiet --verbose",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn takes_the_lines_of_its_own_help() {
    for line in [
        "kms init --network local",
        "kms encrypt -t films/demo movie.mp4 -o movie.kms",
        "kms decrypt movie.kms -o movie.mp4",
        "kms label list --rebuild",
        "kms label list --rebuild /srv/videos movie.kms",
        "kms decrypt --range 500M-501M movie.kms",
        "kms grant films/demo --to bob --threshold 2/3 --periods 30 --dry-run",
        "kms grant --resume",
        "kms agent --for 1h",
        "kms agent status",
        "kms config set --network local",
        "kms help node run",
        "kms revoke films/demo --to bob",
        "kms stake wind-down start",
        "kms worker bond",
        "kms worker bond --node /var/lib/kms",
        "kms node consent --data-dir /var/lib/kms",
        "kms renew films/demo --to bob --periods 30 --without-unwilling",
        "kms node run --data-dir /var/lib/kms --set listen=0.0.0.0:8470",
        "kms dev --port 9545 --block-time 1",
        "kms dev --miners 3 --state /srv/chain",
        "kms dev fund",
        "kms dev fund 0x00000000000000000000000000000000000000aa --eth 1ETH",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn a_grant_says_for_how_long_in_one_way() {
    let base = "kms grant films --to bob";
    for span in [
        "--periods 3",
        "--for 30d",
        "--until 2026-12-24",
        "--until 1798113600",
        "--start 2026-12-01 --for 4w",
    ] {
        assert!(parse(&format!("{base} {span}")).is_ok(), "{span}");
    }
    for span in [
        "--periods 3 --for 30d",
        "--periods 3 --until 2026-12-24",
        "--for 30d --until 2026-12-24",
        "--for 30",
        "--until 2026-02-30",
        "--start tomorrow --periods 3",
    ] {
        assert!(parse(&format!("{base} {span}")).is_err(), "{span}");
    }
    assert!(parse("kms renew films --to bob --for 30d").is_ok());
    assert!(parse("kms renew films --to bob --for 30d --periods 1").is_err());
    assert!(parse("kms grant --resume --again").is_err());
}

#[test]
fn what_is_wrong_with_the_arguments_is_told_with_the_arguments() {
    let said = |line: &str| crate::usage_message(&parse(line).unwrap_err().render().to_string());
    let missing = said("kms grant films --periods 3");
    assert!(missing.contains("--to <CARD>"), "{missing}");
    let unknown = said("kms read --frobnicate x");
    assert!(unknown.contains("--frobnicate"), "{unknown}");
    let wrong = said("kms grant films --to bob --for never");
    assert!(
        wrong.contains("never") && wrong.contains("--for"),
        "{wrong}"
    );
    for message in [missing, unknown, wrong] {
        assert!(
            !message.contains("Usage") && !message.contains('\n'),
            "{message}"
        );
        assert!(!message.starts_with("error"), "{message}");
    }
}
