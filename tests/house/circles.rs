//! Files that import each other, at any distance.

use super::tree::Imports;
use std::collections::{BTreeMap, BTreeSet};

/// Every circle, the largest first: files of which each reaches each.
///
/// A room's door (`mod.rs`) calls the files of its room, and these may take from the door what all of them share: where
/// nothing else closes it, and no file of another room is in it, that is no circle.
pub fn find(imports: &Imports) -> Vec<Vec<&str>> {
    let all = imports.keys().map(String::as_str).collect();
    let mut circles = within(imports, &all, &BTreeSet::new());
    circles.sort_by_key(|c| std::cmp::Reverse(c.len()));
    circles
}

/// Circles among `files`, where `doors` import nothing from their rooms.
fn within<'a>(
    imports: &'a Imports,
    files: &BTreeSet<&'a str>,
    doors: &BTreeSet<&'a str>,
) -> Vec<Vec<&'a str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = files
        .iter()
        .map(|f| (*f, reached(imports, f, files, doors)))
        .collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    let mut circles = vec![];
    for (file, reaches) in &reach {
        let back = |o: &&&str| reach[**o].contains(file);
        let circle: BTreeSet<&str> = reaches.iter().filter(back).copied().collect();
        if circle.len() < 2 || done.contains(file) {
            continue;
        }
        done.extend(&circle);
        match door(&circle).filter(|d| !doors.contains(d)) {
            Some(door) => {
                let doors = doors.iter().copied().chain([door]).collect();
                circles.extend(within(imports, &circle, &doors));
            }
            None => circles.push(circle.into_iter().collect()),
        }
    }
    circles
}

/// The door of the room in which a circle lies whole.
fn door<'a>(circle: &BTreeSet<&'a str>) -> Option<&'a str> {
    let mut doors = circle.iter().filter(|f| f.ends_with("/mod.rs"));
    let inside = |d: &&&str| circle.iter().all(|f| f.starts_with(room(d)));
    doors.find(inside).copied()
}

fn room(door: &str) -> &str {
    door.trim_end_matches("mod.rs")
}

fn reached<'a>(
    imports: &'a Imports,
    from: &'a str,
    files: &BTreeSet<&'a str>,
    doors: &BTreeSet<&'a str>,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for to in imports[file].keys().map(String::as_str) {
            let called = doors.contains(file) && to.starts_with(room(file));
            if files.contains(to) && !called && seen.insert(to) {
                open.push(to);
            }
        }
    }
    seen
}

/// A circle in words: its imports and the names that make them.
pub fn tell(circle: &[&str], imports: &Imports) -> String {
    let mut told = format!("{} files:", circle.len());
    for file in circle {
        for (to, names) in &imports[*file] {
            if circle.contains(&to.as_str()) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                told += &format!("\n  {file} -> {to}: {}", names.join(", "));
            }
        }
    }
    told
}
