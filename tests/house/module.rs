//! What a file's text says: its modules, what each defines, and where its paths lead.

use super::tokens::{closing, word};
use std::collections::BTreeSet;

/// A module, which is a file or stands inside one.
pub struct Module {
    pub path: Vec<String>,
    pub file: String,
    /// Modules that it declares, tests apart.
    pub children: BTreeSet<String>,
    /// Modules that it declares for tests.
    pub tests: BTreeSet<String>,
    /// What it defines by name.
    pub defined: BTreeSet<String>,
    /// What a macro that it calls may define.
    pub expanded: BTreeSet<String>,
    pub uses: Vec<Use>,
    /// Paths in code.
    pub paths: Vec<Vec<String>>,
    /// Words outside `use`.
    pub words: BTreeSet<String>,
}

/// A leaf of a `use`.
pub struct Use {
    /// The name that it gets; `*` for all names.
    pub name: String,
    pub path: Vec<String>,
    /// Whether others may take it from here.
    pub public: bool,
}

/// The modules of a file, and those inside it.
pub fn modules(tokens: &[&str], path: &[String], file: &str) -> Vec<Module> {
    let mut module = Module {
        path: path.to_vec(),
        file: file.to_owned(),
        children: BTreeSet::new(),
        tests: BTreeSet::new(),
        defined: BTreeSet::new(),
        expanded: BTreeSet::new(),
        uses: vec![],
        paths: vec![],
        words: BTreeSet::new(),
    };
    let mut inner = vec![];
    let (mut at, mut depth) = (0, 0);
    let get = |i: usize| tokens.get(i).copied().unwrap_or("");
    while at < tokens.len() {
        match tokens[at] {
            "#" if get(at + 1) == "[" || get(at + 1) == "!" && get(at + 2) == "[" => {
                at = attribute(tokens, at, &mut module.tests);
                continue;
            }
            "mod" if word(get(at + 1)) && [";", "{"].contains(&get(at + 2)) => {
                let name = get(at + 1).to_owned();
                if get(at + 2) == "{" {
                    let end = closing(tokens, at + 2);
                    let path = [path, std::slice::from_ref(&name)].concat();
                    inner.extend(modules(&tokens[at + 3..end], &path, file));
                    at = end;
                }
                module.children.insert(name);
            }
            "use" if get(at + 1) != "<" => {
                let public = at > 0 && ["pub", ")"].contains(&get(at - 1));
                at = leaves(tokens, at + 1, &[], public, &mut module.uses);
            }
            "{" => depth += 1,
            "}" => depth -= 1,
            token if word(token) => {
                module.words.insert(token.to_owned());
                if depth == 0 {
                    define(&mut module, tokens, at);
                }
                if get(at + 1) == "::" && (at == 0 || get(at - 1) != "::") {
                    let path = tokens[at..].chunks(2).map_while(|pair| match pair {
                        [name, "::"] if word(name) => Some((name.to_string(), true)),
                        [name, ..] if word(name) => Some((name.to_string(), false)),
                        _ => None,
                    });
                    let mut names = vec![];
                    for (name, more) in path {
                        names.push(name);
                        if !more {
                            break;
                        }
                    }
                    module.paths.push(names);
                }
            }
            _ => (),
        }
        at += 1;
    }
    inner.push(module);
    inner
}

/// Notes what the word at `at`, outside of braces, defines.
fn define(module: &mut Module, tokens: &[&str], at: usize) {
    let get = |i: usize| tokens.get(i).copied().unwrap_or("");
    let keywords = [
        "fn", "struct", "enum", "union", "trait", "type", "const", "static",
    ];
    if keywords.contains(&tokens[at]) {
        let name = get(at + 1 + usize::from(get(at + 1) == "mut"));
        if word(name) {
            module.defined.insert(name.to_owned());
        }
    } else if tokens[at] == "macro_rules" {
        module.defined.insert(get(at + 2).to_owned());
    } else if get(at + 1) == "!" && ["{", "("].contains(&get(at + 2)) {
        let inside = &tokens[at + 2..closing(tokens, at + 2)];
        let names = inside.iter().filter(|t| word(t)).map(|t| t.to_string());
        module.expanded.extend(names);
    }
}

/// Passes an attribute, and what it stands before where that is only for tests.
fn attribute(tokens: &[&str], at: usize, modules: &mut BTreeSet<String>) -> usize {
    let open = at + 1 + usize::from(tokens[at + 1] == "!");
    let end = closing(tokens, open);
    let inside = &tokens[open..end];
    let tests =
        inside.get(1) == Some(&"cfg") && inside.contains(&"test") && !inside.contains(&"not");
    if !tests {
        return end + 1;
    }
    let mut at = end + 1;
    while tokens.get(at) == Some(&"#") {
        at = closing(tokens, at + 1) + 1;
    }
    if let Some(["mod", name, ";"]) = tokens.get(at..at + 3) {
        modules.insert(name.to_string());
    }
    let whole = tokens
        .get(at..)
        .unwrap_or(&[])
        .iter()
        .take(4)
        .any(|t| *t == "use");
    while let Some(token) = tokens.get(at) {
        match *token {
            ";" => return at + 1,
            "{" if !whole => return closing(tokens, at) + 1,
            "(" | "[" | "{" => at = closing(tokens, at),
            _ => (),
        }
        at += 1;
    }
    at
}

/// Notes the leaves of the `use` tree that begins at `at`; says where it ends.
fn leaves(
    tokens: &[&str],
    mut at: usize,
    before: &[String],
    public: bool,
    to: &mut Vec<Use>,
) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).copied().unwrap_or(";") {
            "{" => {
                let end = closing(tokens, at);
                at += 1;
                while at < end {
                    at = leaves(tokens, at, &path, public, to) + 1;
                }
                return end;
            }
            "}" | "," | ";" => break,
            "*" => path.push("*".to_owned()),
            "as" => {
                let name = tokens[at + 1].to_owned();
                to.push(Use { name, path, public });
                return at + 2;
            }
            "self" if !path.is_empty() => (),
            name if word(name) => path.push(name.to_owned()),
            _ => (),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        to.push(Use { name, path, public });
    }
    at
}
