//! The import graph of one crate's files. A file imports another if its non-test code names an item
//! of it by a path: `crate::`, `super::`, `self::`, a child module's name, or a name that a `use`
//! of the same file brings. A re-exported item is imported from where it is defined.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::sources;

/// Path of a module, or of an item, below the root of its crate.
type Path = Vec<String>;

/// How often a re-export may lead to another re-export.
const HOPS_MAX: usize = 8;

/// The files of one crate, as modules, and the names that each brings in by `use`.
struct Modules {
    numbers: BTreeMap<Path, usize>,
    uses: BTreeMap<Path, Vec<(String, Path)>>,
}

/// The files of one crate and who imports whom.
pub(super) struct Graph {
    files: Vec<String>,
    imports: Vec<BTreeSet<usize>>,
}

impl Graph {
    /// Reads files given as path below `src/` and text.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let modules = Modules::of(files);
        let imports = files.iter().map(|(file, text)| {
            let mut paths = Vec::new();
            read_paths(text.parse().unwrap(), 0, &mut paths);
            let own = module(file);
            let targets = paths.iter().filter_map(|path| modules.file_of(&own, path));
            targets
                .filter(|target| Some(target) != modules.numbers.get(&own))
                .collect()
        });
        Self {
            imports: imports.collect(),
            files: files.iter().map(|(file, _)| (*file).to_owned()).collect(),
        }
    }

    /// The sets of files of which each reaches each other, largest first.
    pub(super) fn circles(&self) -> Vec<Vec<&str>> {
        let numbers = 0..self.files.len();
        let reached: Vec<_> = numbers.clone().map(|file| self.reach(file)).collect();
        let mut circles: Vec<Vec<&str>> = numbers
            .clone()
            .map(|one| {
                let both =
                    |other: &usize| reached[one].contains(other) && reached[*other].contains(&one);
                numbers.clone().filter(both).collect::<Vec<_>>()
            })
            .enumerate()
            .filter(|(one, circle)| circle.first() == Some(one))
            .map(|(_, circle)| circle.iter().map(|file| &*self.files[*file]).collect())
            .collect();
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }

    /// The imports between two files of one circle: what there is to cut.
    pub(super) fn edges(&self, circle: &[&str]) -> Vec<String> {
        let within = |file: &usize| circle.contains(&&*self.files[*file]);
        let files = (0..self.files.len()).filter(within);
        files
            .flat_map(|from| {
                let targets = self.imports[from].iter().filter(|to| within(to));
                targets.map(move |to| format!("{} -> {}", self.files[from], self.files[*to]))
            })
            .collect()
    }

    fn reach(&self, from: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            open.extend(
                self.imports[file]
                    .iter()
                    .filter(|next| reached.insert(**next)),
            );
        }
        reached
    }
}

/// The module that a file below `src/` is.
fn module(file: &str) -> Path {
    match file.strip_suffix(".rs").unwrap() {
        "lib" | "main" => Path::new(),
        stem => stem.split('/').map(str::to_owned).collect(),
    }
}

impl Modules {
    fn of(files: &[(&str, &str)]) -> Self {
        let numbers = files.iter().enumerate();
        let uses = files.iter().map(|(file, text)| {
            let mut found = Vec::new();
            for item in syn::parse_file(text).unwrap().items {
                if let syn::Item::Use(item) = item {
                    flatten(&item.tree, &[], &mut found);
                }
            }
            (module(file), found)
        });
        Self {
            numbers: numbers.map(|(n, (file, _))| (module(file), n)).collect(),
            uses: uses.collect(),
        }
    }

    /// The file that defines what `path`, written in the module `here`, names.
    fn file_of(&self, here: &[String], path: &[String]) -> Option<usize> {
        let mut absolute = self.absolute(here, path)?;
        for _ in 0..HOPS_MAX {
            let depth = (0..=absolute.len())
                .rev()
                .find(|depth| self.numbers.contains_key(&absolute[..*depth]))?;
            let (home, item) = absolute.split_at(depth);
            let brought = item.first().and_then(|name| self.brought(home, name));
            match brought {
                Some(path) => absolute = [&path, &item[1..]].concat(),
                None => return self.numbers.get(home).copied(),
            }
        }
        None
    }

    /// `path` from the root; none if it leads out of the crate.
    fn absolute(&self, here: &[String], path: &[String]) -> Option<Path> {
        let first = path.first()?;
        let ups = path.iter().take_while(|name| *name == "super").count();
        if ups > 0 {
            let above = here.get(..here.len().checked_sub(ups)?)?;
            return Some([above, &path[ups..]].concat());
        }
        match first.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([here, &path[1..]].concat()),
            _ if self.numbers.contains_key(&[here, &path[..1]].concat()) => {
                Some([here, path].concat())
            }
            name => Some([&self.brought(here, name)?, &path[1..]].concat()),
        }
    }

    /// Where `name` comes from, if a `use` of the module `here` brings it from this crate.
    fn brought(&self, here: &[String], name: &str) -> Option<Path> {
        let (_, path) = self
            .uses
            .get(here)?
            .iter()
            .find(|(known, _)| known == name)?;
        (path[0] != name).then(|| self.absolute(here, path))?
    }
}

/// Writes out what a `use` brings: the name in this file, and the path.
fn flatten(tree: &syn::UseTree, above: &[String], found: &mut Vec<(String, Path)>) {
    let below = |name: &syn::Ident| [above, &[name.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => flatten(&path.tree, &below(&path.ident), found),
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.extend(above.last().map(|last| (last.clone(), above.to_vec())));
        }
        syn::UseTree::Name(name) => found.push((name.ident.to_string(), below(&name.ident))),
        syn::UseTree::Rename(name) => found.push((name.rename.to_string(), below(&name.ident))),
        syn::UseTree::Glob(_) => {}
        syn::UseTree::Group(group) => {
            let trees = group.items.iter();
            trees.for_each(|tree| flatten(tree, above, found));
        }
    }
}

/// Every path of two or more names in non-test code; the groups of a `use` are written out.
/// `inside` counts the modules within the file that the code stands in.
fn read_paths(code: TokenStream, inside: usize, found: &mut Vec<Path>) {
    let trees = sources::code(code);
    let mut at = 0;
    let mut module_begins = false;
    while let Some(tree) = trees.get(at) {
        match tree {
            TokenTree::Ident(_) => {
                let (paths, next) = path_at(&trees, at);
                module_begins = paths == [["mod"]] || (module_begins && paths[0].len() == 1);
                // `pub(in super::super)` names no item.
                let names = |path: &Path| path.last().is_some_and(|last| last != "super");
                let paths = paths
                    .into_iter()
                    .filter(|path| path.len() > 1 && names(path));
                found.extend(paths.filter_map(|path| leaving(path, inside)));
                at = next;
            }
            TokenTree::Group(group) => {
                read_paths(group.stream(), inside + usize::from(module_begins), found);
                module_begins = false;
                at += 1;
            }
            // The name of the module may be a macro's.
            tree => {
                module_begins &= is(Some(tree), '$');
                at += 1;
            }
        }
    }
}

/// A path written `inside` modules of a file, as the file's own module would write it; none if it
/// stays in the file.
fn leaving(path: Path, inside: usize) -> Option<Path> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let stays = inside > 0 && (path[0] == "self" || (1..=inside).contains(&ups));
    (!stays).then(|| path[ups.min(inside)..].to_vec())
}

fn is(tree: Option<&TokenTree>, sign: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// The paths that begin at `at`, several if they end in a group, and where reading goes on.
fn path_at(trees: &[TokenTree], mut at: usize) -> (Vec<Path>, usize) {
    let mut path = Path::new();
    loop {
        match trees.get(at) {
            Some(TokenTree::Ident(ident)) => path.push(ident.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let parts = inner.split(|tree| is(Some(tree), ','));
                let tails = parts.flat_map(|part| path_at(part, 0).0);
                return (
                    tails.map(|tail| [&path[..], &tail].concat()).collect(),
                    at + 1,
                );
            }
            star if is(star, '*') => path.push("*".to_owned()),
            _ => return (vec![path], at),
        }
        at += 1;
        if !(is(trees.get(at), ':') && is(trees.get(at + 1), ':')) {
            return (vec![path], at);
        }
        at += 2;
    }
}
