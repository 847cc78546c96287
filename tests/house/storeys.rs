//! The storeys of `src/`, and what each stands on.

use super::tree::{Imports, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A folder or a file at the top of `src/`, from the roof down, and those of which it imports something.
const STOREYS: [(&str, &str); 14] = [
    (
        "distributed",
        "nn data ops tensor checks device runtime element error",
    ),
    ("models", "nn ops random device error"),
    (
        "nn",
        "data ops random tensor checks device runtime cpu element error",
    ),
    ("graph", "device runtime error"),
    ("data", "random tensor device error"),
    ("ops", "tensor checks device runtime cpu element error"),
    ("random", "tensor device element error"),
    ("tensor", "checks device runtime cpu element error"),
    ("checks", "device error"),
    ("device", "runtime cpu element error"),
    ("runtime", "element error"),
    ("cpu", "element error"),
    ("element", ""),
    ("error", ""),
];

/// The crate's own face, which shows every storey.
const FACE: &str = "lib";

fn storey(file: &str) -> &str {
    file.split('/').next().unwrap_or("").trim_end_matches(".rs")
}

/// What each storey imports of others, with one import that shows it.
fn between(imports: &Imports) -> BTreeMap<(&str, &str), String> {
    let mut all = BTreeMap::new();
    for (from, to) in imports {
        for (to, names) in to {
            let (above, below) = (storey(from), storey(to));
            if above != below && above != FACE {
                let name = names.iter().next().map_or("", String::as_str);
                all.entry((above, below))
                    .or_insert_with(|| format!("{from} -> {to}: {name}"));
            }
        }
    }
    all
}

/// What the table does not have.
fn wrong(imports: &Imports) -> Vec<String> {
    let table: BTreeMap<&str, &str> = STOREYS.into();
    let stands_on = |(above, below): (&str, &str)| {
        let below_it = table.get(above).map(|on| on.split(' '));
        below_it.is_some_and(|mut on| on.any(|s| s == below))
    };
    let between = between(imports).into_iter();
    let wrong = between.filter(|(pair, _)| !stands_on(*pair));
    wrong.map(|(_, import)| import).collect()
}

#[test]
fn every_storey_stands_on_those_below_it() {
    let tree = Tree::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let imports = tree.imports();
    let known: BTreeSet<&str> = STOREYS.iter().map(|(s, _)| *s).chain([FACE]).collect();
    let found: BTreeSet<&str> = imports.keys().map(|file| storey(file)).collect();
    assert_eq!(found, known);
    assert_eq!(
        wrong(&imports),
        Vec::<String>::new(),
        "not in the table of storeys"
    );
    let between = between(&imports);
    for (at, (above, on)) in STOREYS.iter().enumerate() {
        for below in on.split(' ').filter(|below| !below.is_empty()) {
            let down = STOREYS[at + 1..].iter().any(|(s, _)| *s == below);
            assert!(down, "{below} is not below {above}");
            let used = between.contains_key(&(above, below));
            assert!(used, "{above} imports nothing of {below} any more");
        }
    }
}

#[test]
fn every_line_can_fail() {
    let names = STOREYS.map(|(name, _)| name);
    for (above, on) in STOREYS {
        for below in names.into_iter().filter(|s| *s != above) {
            let texts = [
                ("lib.rs", format!("mod {above}; mod {below};")),
                (&format!("{above}.rs"), format!("use crate::{below}::X;")),
                (&format!("{below}/mod.rs"), "pub struct X;".to_owned()),
            ];
            let texts = texts.map(|(file, text)| (file.to_owned(), text));
            let imports = Tree::new(&texts.into()).imports();
            let expected = match on.split(' ').any(|s| s == below) {
                true => vec![],
                false => vec![format!("{above}.rs -> {below}/mod.rs: X")],
            };
            assert_eq!(wrong(&imports), expected);
        }
    }
}
