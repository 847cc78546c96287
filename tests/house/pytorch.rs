//! The table of `docs/pytorch.md` against the code: each call that it names is there, and each op of the tables is named.

use std::collections::BTreeSet;
use std::path::Path;

use warpsmith::ops::{binary, unary};

/// The calls in the second column of every row.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for row in text.lines().filter(|line| line.starts_with('|')) {
        // `Tensor::<f32>::ones(..)` is `Tensor::ones(..)`
        let mut ours = row.split('|').nth(2).unwrap_or_default().to_owned();
        while let Some(at) = ours.find("::<") {
            let end = ours[at..].find('>').map_or(ours.len(), |end| at + end + 1);
            ours.replace_range(at..end, "");
        }
        for (at, _) in ours.match_indices('(') {
            let before = &ours[..at];
            let name = before
                .rsplit(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next();
            let name = name.unwrap_or_default();
            let behind = |what: &str| before.ends_with(&format!("{what}{name}"));
            if !name.is_empty() && (behind(".") || behind("ops::") || behind("Tensor::")) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// All names of public functions in the sources, those that the tables make among them.
fn public(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            public(&path, names);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let line = line.trim_start();
            if let Some(rest) = line.strip_prefix("pub fn ") {
                let end = rest.find(['<', '(']).unwrap_or(rest.len());
                names.insert(rest[..end].to_owned());
            }
            // a line of a table: `exp exp_out ..`
            let mut words = line.split(' ');
            if let (Some(name), Some(out)) = (words.next(), words.next())
                && out.trim_end_matches(':') == format!("{name}_out")
            {
                names.insert(name.to_owned());
                names.extend(
                    words
                        .next()
                        .map(|word| word.trim_end_matches(':').to_owned()),
                );
            }
        }
    }
}

#[test]
fn the_table_names_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/pytorch.md")).unwrap();
    let named = named(&text);
    assert!(
        named.len() > 90,
        "{} calls in the table: {named:?}",
        named.len()
    );
    let mut public_names = BTreeSet::new();
    public(&root.join("src"), &mut public_names);
    let missing: Vec<_> = named.difference(&public_names).collect();
    assert!(
        missing.is_empty(),
        "in docs/pytorch.md, but not in src: {missing:?}"
    );

    let tables = unary::KERNELS.iter().chain(binary::KERNELS);
    let ops = tables.filter_map(|kernel| {
        let name = kernel.strip_suffix("_f32")?;
        let name = name
            .strip_prefix("unary_")
            .or(name.strip_prefix("binary_"))?;
        (!name.ends_with("_backward")).then_some(name)
    });
    let unnamed: Vec<_> = ops.filter(|op| !named.contains(*op)).collect();
    assert!(unnamed.is_empty(), "not in docs/pytorch.md: {unnamed:?}");
}

#[test]
fn a_call_that_is_not_there_is_found() {
    let row =
        "| `torch.frob(x)` | `x.frobnicate(1)`, `Tensor::<f32>::ones(&[2])`, `ops::cat(&[&x])` | |";
    let names: Vec<_> = named(row).into_iter().collect();
    assert_eq!(names, ["cat", "frobnicate", "ones"]);
}
