//! Every command is in README.md and explains itself. Its tables of refusals and of settings are
//! checked by kms-protocol and kms-node, which own them.

use kms_kit::kms::Kms;

fn readme() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_readme_names_every_command() {
    let readme = readme();
    let commands = sub_commands(&[]);
    assert!(commands.len() > 10, "the help lists only {commands:?}");
    for name in commands {
        assert!(
            readme.contains(&format!("`kms {name}`")),
            "README.md lacks `kms {name}`"
        );
    }
}

#[test]
fn every_command_documents_itself() {
    let mut unread = sub_commands(&[])
        .into_iter()
        .map(|name| vec![name])
        .collect::<Vec<_>>();
    let mut poor = Vec::new();
    while let Some(command) = unread.pop() {
        let help = help(&command);
        let sentence = help.lines().next().unwrap_or_default();
        if sentence.len() < 15 || sentence.starts_with("Usage:") {
            poor.push(command.join(" "));
        }
        let inner = sub_commands(&command).into_iter();
        unread.extend(inner.map(|name| [&command[..], &[name]].concat()));
    }
    assert!(
        poor.is_empty(),
        "commands without a sentence of help: {poor:?}"
    );
}

fn help(command: &[String]) -> String {
    let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
    words.push("--help");
    Kms::anywhere().run(&words).assert_success().stdout
}

/// The commands a help text lists.
fn sub_commands(command: &[String]) -> Vec<String> {
    help(command)
        .lines()
        .skip_while(|line| line.trim() != "Commands:")
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
