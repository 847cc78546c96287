//! The house: which file imports which, read from the text, and that nobody imports whom he is imported by.
//!
//! An import is a `use` or a path inside code that leads to something another file defines, tests apart. What a file
//! only hands on (`pub use`) belongs to the file that defines it, and a path through a module is no import of it. Calls of
//! methods are not seen. `cargo test --test house -- --nocapture` prints the circles.

mod circles;
mod made_up;
mod module;
mod pytorch;
mod storeys;
mod tokens;
mod tree;

use std::path::Path;
use tree::Tree;

/// A tree, the most files that a circle in it may have, and the fewest files and imports that it surely has.
const TREES: [(&str, usize, usize, usize); 3] = [
    ("src", 1, 120, 500),
    ("emulator/src", 1, 150, 600),
    ("emulator/nccl/src", 1, 20, 60),
];

#[test]
fn imports_run_one_way() {
    let mut large = vec![];
    for (root, most, files, imports) in TREES {
        let tree = Tree::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root));
        assert_eq!(
            tree.unreached(),
            Vec::<&str>::new(),
            "{root}: files that no `mod` leads to"
        );
        let edges = tree.imports();
        let counted: usize = edges.values().map(|to| to.len()).sum();
        println!("{root}: {} files, {counted} imports", tree.len());
        assert!(
            tree.len() >= files && counted >= imports,
            "{root}: this was not read"
        );
        for circle in circles::find(&edges) {
            let told = circles::tell(&circle, &edges);
            println!("{root}: a circle of {told}");
            if circle.len() > most {
                large.push(format!("{root}, where {most} may be: a circle of {told}"));
            }
        }
    }
    assert!(large.is_empty(), "{}", large.join("\n"));
}
