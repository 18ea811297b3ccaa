//! Rule on circles: files that import each other in a ring cannot be read one after the other.
//! `cargo test --release -p kms-tidy circles -- --nocapture` prints every circle; with
//! `CIRCLES=edges` in the environment, the imports within it too.

mod graph;

use crate::borders;
use crate::sources::{self, report};
use graph::Graph;

const CIRCLE_FILES_MAX: usize = 3;

/// Folder of a crate and its largest circle where that is above the limit.
const HELD: &[(&str, usize)] = &[];

/// The circles of each crate, largest first; says what it found.
fn circles() -> Vec<(String, Vec<Vec<String>>)> {
    let sources = sources::with_extension("rs");
    let with_edges = std::env::var("CIRCLES").is_ok_and(|wish| wish == "edges");
    let mut found = Vec::new();
    for folder in borders::folders() {
        let below = format!("{folder}/src/");
        let files: Vec<_> = sources
            .iter()
            .filter(|source| !source.is_test() || folder.starts_with("tests"))
            .filter_map(|source| Some((source.path.strip_prefix(&below)?, source.text()?)))
            .collect();
        let graph = Graph::of(&files);
        let circles = graph.circles();
        let sizes: Vec<usize> = circles.iter().map(Vec::len).collect();
        println!("{folder}: {} files, circles of {sizes:?}", files.len());
        for circle in &circles {
            println!("  {}", circle.join(" "));
            if with_edges {
                println!("    {}", graph.edges(circle).join("\n    "));
            }
        }
        let owned = |circle: Vec<&str>| circle.into_iter().map(str::to_owned).collect();
        found.push((folder, circles.into_iter().map(owned).collect()));
    }
    found
}

#[test]
fn no_circle_of_imports_is_larger_than_3_files() {
    let mut findings = Vec::new();
    for (folder, circles) in circles() {
        let largest = circles.first().map_or(0, Vec::len);
        let held = HELD.iter().find(|(crate_held, _)| *crate_held == folder);
        let limit = held.map_or(CIRCLE_FILES_MAX, |(_, held)| *held);
        if largest > limit {
            let circle = circles[0].join(" ");
            findings.push(format!(
                "{folder}: {largest} files, {limit} are allowed: {circle}"
            ));
        } else if largest < limit && held.is_some() {
            findings.push(format!(
                "{folder}: {largest} files now, held are {limit}: shrink HELD"
            ));
        }
    }
    report("a file can be read before those that use it", findings, &[]);
}

/// Sizes of the circles among these files.
fn sizes(files: &[(&str, &str)]) -> Vec<usize> {
    Graph::of(files).circles().iter().map(Vec::len).collect()
}

#[test]
fn finds_a_circle_by_use_by_path_and_through_a_reexport() {
    let by_use = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::{B, inner::C};"),
        ("b.rs", "fn f() { call(super::a::A); }"),
    ];
    assert_eq!(sizes(&by_use), [2]);
    let of_parent_and_child = [
        ("lib.rs", "mod a;"),
        ("a.rs", "mod b; pub use b::B; pub struct A;"),
        ("a/b.rs", "use super::A;"),
    ];
    assert_eq!(sizes(&of_parent_and_child), [2]);
    let through_reexports = [
        ("lib.rs", "mod a; mod b; mod c; pub use b::B; use c::C;"),
        ("a.rs", "use crate::B;"),
        ("b.rs", "use crate::c; fn f() { c::call() }"),
        ("c.rs", "call!(crate::a::A);"),
    ];
    assert_eq!(sizes(&through_reexports), [3]);
}

#[test]
fn lets_a_tree_tests_and_modules_within_a_file_pass() {
    let tree = [
        ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a.rs", "//! See [`crate::b`].\nuse crate::b::B;"),
        ("b.rs", "#[cfg(test)]\nuse crate::a::A;\nuse other::a::A;"),
    ];
    assert_eq!(sizes(&tree), [0; 0]);
    let within = [
        ("lib.rs", "mod a; mod b; use a::A;"),
        (
            "a.rs",
            "mod inner { use super::A; use super::super::b::B; }\n\
             m! { mod $m { super::A } } struct A;",
        ),
        ("b.rs", "struct B;"),
    ];
    assert_eq!(sizes(&within), [0; 0]);
}
