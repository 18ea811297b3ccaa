//! Masks the parts of a URL that may hold an access key: user name, path and query.

/// Replaces what follows the host by `***`, in each URL of a comma-separated list.
pub(super) fn urls(list: &str) -> String {
    let masked: Vec<String> = list.split(',').map(|text| url(text.trim())).collect();
    masked.join(",")
}

fn url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return "***".to_owned();
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if tail.contains('@') {
        // With an `@` after the first slash the host cannot be told from the user name.
        return format!("{scheme}://***");
    }
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host == authority && matches!(tail, "" | "/") {
        true => text.to_owned(),
        false => format!("{scheme}://{host}/***"),
    }
}

#[cfg(test)]
mod tests;
