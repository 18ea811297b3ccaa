//! One or several inputs of a command, and where the output of each goes.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// An input and its output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
}

/// Where each output goes. One input goes to `output`, or to stdout; several go into the folder
/// `output`, or beside themselves, under the names that `name` gives them.
pub(crate) fn jobs(
    inputs: &[PathBuf],
    output: Option<&Path>,
    name: impl Fn(&Path) -> Outcome<OsString>,
) -> Outcome<Vec<Job>> {
    if let [] | [_] = inputs {
        let dash = PathBuf::from("-");
        let input = inputs.first().cloned().unwrap_or_else(|| dash.clone());
        let output = output.map_or(dash, Path::to_path_buf);
        return Ok(vec![Job { input, output }]);
    }
    if let Some(output) = output.filter(|output| !output.is_dir()) {
        let what = format!(
            "{} is no folder, and several files are given",
            output.display()
        );
        return Err(Failure::usage(what).hint("make the folder, or name one file"));
    }
    let mut taken = BTreeSet::new();
    let mut jobs = Vec::with_capacity(inputs.len());
    for input in inputs {
        if input == Path::new("-") {
            return Err(Failure::usage("stdin cannot be one of several files"));
        }
        let name = name(input)?;
        let output = match output {
            Some(folder) => folder.join(name),
            None => input.with_file_name(name),
        };
        if !taken.insert(output.clone()) {
            let what = format!("two of the files would become {}", output.display());
            return Err(Failure::usage(what));
        }
        jobs.push(Job {
            input: input.clone(),
            output,
        });
    }
    Ok(jobs)
}

/// The name of a file when it is encrypted.
pub(crate) fn encrypted_name(input: &Path) -> Outcome<OsString> {
    let mut name = file_name(input)?.to_os_string();
    name.push(".kms");
    Ok(name)
}

/// The name of an encrypted file when it is open.
pub(crate) fn opened_name(input: &Path) -> Outcome<OsString> {
    let name = file_name(input)?;
    let ends_right = input
        .extension()
        .is_some_and(|extension| extension == "kms");
    match input.file_stem().filter(|_| ends_right) {
        Some(stem) => Ok(stem.to_os_string()),
        None => Err(
            Failure::usage(format!("{} does not end in .kms", name.display()))
                .hint("open it alone, with -o FILE"),
        ),
    }
}

fn file_name(input: &Path) -> Outcome<&std::ffi::OsStr> {
    let name = input.file_name();
    name.ok_or_else(|| Failure::usage(format!("{} is no file", input.display())))
}
