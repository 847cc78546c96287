//! A tree of files, and which imports which.

use super::module::{Module, modules};
use super::tokens::tokens;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// For each file the files that it imports, and the names that it takes.
pub type Imports = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The modules of a crate.
pub struct Tree {
    modules: BTreeMap<Vec<String>, Module>,
    files: Vec<String>,
    seen: BTreeSet<String>,
}

/// What a path leads to.
enum Found {
    Module(Vec<String>),
    Item(String, String),
}

/// Links that are followed before a path is given up: one that leads to itself is another crate's.
const DEEPEST: usize = 12;

impl Tree {
    /// Reads `lib.rs` of a folder and what it leads to.
    pub fn load(root: &Path) -> Tree {
        let mut texts = BTreeMap::new();
        read(root, "", &mut texts);
        Tree::new(&texts)
    }

    /// From texts by file name.
    pub fn new(texts: &BTreeMap<String, String>) -> Tree {
        let mut tree = Tree {
            modules: BTreeMap::new(),
            files: texts.keys().cloned().collect(),
            seen: BTreeSet::new(),
        };
        tree.open(texts, "lib.rs", &[]);
        tree
    }

    fn open(&mut self, texts: &BTreeMap<String, String>, file: &str, path: &[String]) {
        let Some(text) = texts.get(file) else { return };
        self.seen.insert(file.to_owned());
        for module in modules(&tokens(text), path, file) {
            for child in &module.children {
                let path = [module.path.clone(), vec![child.clone()]].concat();
                let place = path.join("/");
                self.open(texts, &format!("{place}.rs"), &path);
                self.open(texts, &format!("{place}/mod.rs"), &path);
            }
            self.modules.insert(module.path.clone(), module);
        }
    }

    /// How many files were read.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Files that no module declares, for code or for tests.
    pub fn unreached(&self) -> Vec<&str> {
        let mut tests = vec![];
        for module in self.modules.values() {
            for name in &module.tests {
                let place = [module.path.clone(), vec![name.clone()]].concat().join("/");
                tests.extend([format!("{place}.rs"), format!("{place}/")]);
            }
        }
        let known =
            |f: &String| self.seen.contains(f) || tests.iter().any(|t| f.starts_with(t.as_str()));
        let missing = self.files.iter().filter(|f| !known(f));
        missing.map(String::as_str).collect()
    }

    /// Who imports whom.
    pub fn imports(&self) -> Imports {
        let mut all: Imports = self
            .seen
            .iter()
            .map(|f| (f.clone(), BTreeMap::new()))
            .collect();
        for module in self.modules.values() {
            let mut found = vec![];
            for used in &module.uses {
                if used.name == "*" {
                    let from = &used.path[..used.path.len() - 1];
                    if let Some(Found::Module(of)) =
                        self.resolve(module, from, 0).filter(|_| !used.public)
                    {
                        let known = |w| self.walk(&of, std::slice::from_ref(w), false, 0);
                        found.extend(module.words.iter().filter_map(known));
                    }
                } else if !used.public || module.words.contains(&used.name) {
                    found.extend(self.resolve(module, &used.path, 0));
                }
            }
            found.extend(
                module
                    .paths
                    .iter()
                    .filter_map(|p| self.resolve(module, p, 0)),
            );
            for target in found {
                if let Found::Item(file, name) = target
                    && file != module.file
                {
                    let to = all.get_mut(&module.file).expect("a file that was read");
                    to.entry(file).or_default().insert(name);
                }
            }
        }
        all
    }

    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Found> {
        match path.first()?.as_str() {
            "crate" => self.walk(&[], &path[1..], true, depth),
            "self" => self.walk(&from.path, &path[1..], true, depth),
            "super" => self.walk(&from.path, path, true, depth),
            _ => self.walk(&from.path, path, false, depth),
        }
    }

    /// Follows `path` from a module. `sure`: it leads into this crate, so a name that is not seen is a macro's.
    fn walk(&self, at: &[String], path: &[String], sure: bool, depth: usize) -> Option<Found> {
        let Some((name, rest)) = path.split_first() else {
            return Some(Found::Module(at.to_vec()));
        };
        if depth > DEEPEST {
            return None;
        }
        if name == "super" {
            return self.walk(at.split_last()?.1, rest, true, depth);
        }
        let module = self.modules.get(at)?;
        let item = || Some(Found::Item(module.file.clone(), name.clone()));
        let named = || module.uses.iter().filter(|u| u.name == *name);
        if module.children.contains(name)
            && (!rest.is_empty() || !module.defined.contains(name) && named().next().is_none())
        {
            return self.walk(
                &[at, std::slice::from_ref(name)].concat(),
                rest,
                true,
                depth,
            );
        }
        if module.defined.contains(name) {
            return item();
        }
        for used in named() {
            match self.resolve(module, &used.path, depth + 1) {
                Some(Found::Module(of)) => return self.walk(&of, rest, true, depth + 1),
                Some(found) => return Some(found),
                None if used.path == [name.clone()] => (),
                None => return None,
            }
        }
        for used in module.uses.iter().filter(|u| u.name == "*") {
            let from = &used.path[..used.path.len() - 1];
            if let Some(Found::Module(of)) = self.resolve(module, from, depth + 1)
                && let Some(found) = self.walk(&of, path, false, depth + 1)
            {
                return Some(found);
            }
        }
        if sure || module.expanded.contains(name) {
            item()
        } else {
            None
        }
    }
}

fn read(folder: &Path, name: &str, texts: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder.join(name)).expect("a folder of the tree") {
        let entry = entry.expect("an entry of the tree");
        let file = entry.file_name().into_string().expect("a plain name");
        let path = if name.is_empty() {
            file
        } else {
            format!("{name}/{file}")
        };
        if entry.path().is_dir() {
            read(folder, &path, texts);
        } else if path.ends_with(".rs") {
            let text = std::fs::read_to_string(entry.path()).expect("a text");
            texts.insert(path, text);
        }
    }
}
