//! Makes mutants of Solidity source, line by line: exchanges an operator, increments a number, or
//! deletes a statement. Pure.

/// A mutant: the source with one line changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// Line number of the change, from 1.
    pub(super) line: usize,
    pub(super) before: String,
    /// The line after the change; empty for a deleted statement.
    pub(super) after: String,
    /// The whole file after the change.
    pub(super) source: String,
}

/// Operators and their replacements; in formatted source they stand between spaces.
const EXCHANGES: [(&str, &str); 24] = [
    (" + ", " - "),
    (" - ", " + "),
    (" * ", " / "),
    (" / ", " * "),
    (" % ", " / "),
    (" << ", " >> "),
    (" >> ", " << "),
    (" & ", " | "),
    (" | ", " & "),
    (" < ", " <= "),
    (" < ", " > "),
    (" <= ", " < "),
    (" > ", " >= "),
    (" >= ", " > "),
    (" == ", " != "),
    (" != ", " == "),
    (" && ", " || "),
    (" || ", " && "),
    (" += ", " -= "),
    (" -= ", " += "),
    (" ? ", " ? 1 + "),
    ("~", ""),
    (".plus(", ".minus("),
    (".minus(", ".plus("),
];

/// Makes every mutant of a source file.
pub(super) fn mutants(source: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = code_of(line);
        if !is_mutable(code) {
            continue;
        }
        let comment = line.get(code.len()..).unwrap_or_default();
        for after in changes(code) {
            let changed = if after.is_empty() {
                String::new()
            } else {
                format!("{after}{comment}")
            };
            let mut all: Vec<&str> = lines.clone();
            if let Some(slot) = all.get_mut(index) {
                *slot = &changed;
            }
            found.push(Mutant {
                line: index + 1,
                before: (*line).to_owned(),
                after: after.clone(),
                source: all.join("\n") + "\n",
            });
        }
    }
    found
}

/// Cuts the comment at the end of a line.
fn code_of(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

fn is_mutable(code: &str) -> bool {
    let code = code.trim();
    let declares = [
        "pragma", "import", "using", "type ", "function", "struct", "error", "event",
    ];
    !code.is_empty() && !declares.iter().any(|word| code.starts_with(word))
}

fn changes(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in EXCHANGES {
        for (at, _) in code.match_indices(from) {
            found.push(replaced(code, at, from.len(), to));
        }
    }
    for (at, length) in numbers(code) {
        let number = code
            .get(at..at + length)
            .and_then(|text| text.parse::<u64>().ok());
        if let Some(next) = number.and_then(|number| number.checked_add(1)) {
            found.push(replaced(code, at, length, &next.to_string()));
        }
    }
    if is_statement(code) {
        found.push(String::new());
    }
    found
}

fn replaced(code: &str, at: usize, length: usize, by: &str) -> String {
    let (before, after) = (code.get(..at), code.get(at + length..));
    [before.unwrap_or_default(), by, after.unwrap_or_default()].concat()
}

/// Finds the decimal numbers that are no part of a name, a hexadecimal number or a longer constant.
fn numbers(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut previous = ' ';
    let mut rest = code.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c.is_ascii_digit() && !previous.is_alphanumeric() && previous != '_' {
            let mut length = 1;
            while rest.next_if(|(_, c)| c.is_ascii_digit()).is_some() {
                length += 1;
            }
            let ends = rest
                .peek()
                .is_none_or(|(_, c)| !c.is_alphanumeric() && *c != '_');
            if ends && length <= 4 {
                found.push((at, length));
            }
        }
        previous = c;
    }
    found
}

/// True for a whole statement on one line that may be deleted: an assignment or a call, not a
/// declaration.
fn is_statement(code: &str) -> bool {
    let code = code.trim();
    let Some(body) = code.strip_suffix(';') else {
        return false;
    };
    let head = body.split([' ', '(']).next().unwrap_or_default();
    let keeps = [
        "return", "revert", "emit", "require", "}", "uint256", "bool", "constant",
    ];
    let declares = body
        .split(" = ")
        .next()
        .is_some_and(|left| left.contains(' '))
        && !["+=", "-="].iter().any(|sign| body.contains(sign));
    !keeps.contains(&head) && !declares && (body.contains('=') || body.ends_with(')'))
}

#[cfg(test)]
mod tests;
