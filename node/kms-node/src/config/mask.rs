//! Hides what may be an access key in a URL: user name, path and query.

/// Cuts each URL of a list after its host; what is left out shows as `***`.
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
        // Where the host begins is in doubt.
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
