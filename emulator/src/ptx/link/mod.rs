//! The linker: several PTX texts become one. Names that a text keeps to itself get others where two texts have the same,
//! `.extern` ones go, and of `.weak` ones the first stays.

mod items;

use super::lexer::Kind;
use items::{Item, Linkage, Text};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Functions that the driver has.
const BUILT_IN: [&str; 4] = ["vprintf", "__assertfail", "malloc", "free"];

/// A text and what messages call it.
pub struct Input {
    pub name: String,
    pub text: String,
}

/// Which text each name that all may mean is defined in.
type Definitions<'a> = HashMap<&'a str, (usize, Linkage)>;

/// The linked text, or what is missing or there twice, a line each.
pub fn link(inputs: &[Input]) -> Result<String, Vec<String>> {
    let (mut texts, mut wrong) = (vec![], vec![]);
    for input in inputs {
        match Text::scan(&input.text) {
            Ok(text) => texts.push(text),
            Err(error) => wrong.push(format!(
                "'{}', PTX line {}: {}",
                input.name, error.line, error.message
            )),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let definitions = define(inputs, &texts, &mut wrong);
    for (input, text) in inputs.iter().zip(&texts) {
        missing(&input.name, text, &definitions, &mut wrong);
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut out = header(&texts);
    let mut files = 0;
    for (index, input) in inputs.iter().enumerate() {
        let (linked, last) = rewrite(index, &texts, &definitions, files);
        out.push_str(&format!("\n// linked: {}\n", input.name.escape_default()));
        out.push_str(&linked);
        files = last;
    }
    Ok(out)
}

fn define<'a>(inputs: &[Input], texts: &[Text<'a>], wrong: &mut Vec<String>) -> Definitions<'a> {
    let mut found: Definitions<'a> = HashMap::new();
    for (index, text) in texts.iter().enumerate() {
        let shared = |item: &&Item<'a>| {
            item.defines && !matches!(item.linkage, Linkage::Local | Linkage::Extern)
        };
        for item in text.items.iter().filter(shared) {
            for name in &item.names {
                match found.get(name).copied() {
                    Some((first, Linkage::Visible)) if item.linkage == Linkage::Visible => {
                        wrong.push(format!(
                            "Multiple definition of '{name}' in '{}', first defined in '{}'",
                            inputs[index].name, inputs[first].name
                        ));
                    }
                    Some(_) if item.linkage != Linkage::Visible => {}
                    _ => {
                        found.insert(name, (index, item.linkage));
                    }
                }
            }
        }
    }
    found
}

/// Names that a text uses and nobody defines.
fn missing(input: &str, text: &Text<'_>, definitions: &Definitions<'_>, wrong: &mut Vec<String>) {
    for item in &text.items {
        if item.linkage != Linkage::Extern || item.defines || item.shared {
            continue;
        }
        for name in &item.names {
            let own = |i: &Item<'_>| i.defines && i.names.contains(name);
            if definitions.contains_key(name)
                || BUILT_IN.contains(name)
                || text.items.iter().any(own)
            {
                continue;
            }
            let declared = text.items.iter().filter(|i| i.names.contains(name)).count();
            let said = text
                .tokens
                .iter()
                .filter(|t| t.kind == Kind::Word && t.text == *name);
            if said.count() > declared {
                wrong.push(format!("Undefined reference to '{name}' in '{input}'"));
            }
        }
    }
}

fn header(texts: &[Text<'_>]) -> String {
    let version = texts.iter().map(|t| t.version).max().unwrap_or((0, 0));
    let number = |target: &str| {
        let digits: String = target.chars().filter(char::is_ascii_digit).collect();
        (digits.parse::<u32>().unwrap_or(0), target.len())
    };
    let targets = texts.iter().filter_map(|t| t.target.first());
    let target = targets
        .max_by_key(|t| number(t))
        .copied()
        .unwrap_or("sm_50");
    format!(
        ".version {}.{}\n.target {target}\n.address_size 64\n",
        version.0, version.1
    )
}

/// One text as a part of the whole, and the highest number of its `.file`s.
fn rewrite(
    index: usize,
    texts: &[Text<'_>],
    definitions: &Definitions<'_>,
    files: u32,
) -> (String, u32) {
    let text = &texts[index];
    let defined_here = |item: &Item<'_>| item.defines && item.linkage != Linkage::Extern;
    let mut edits: Vec<(Range<usize>, String)> = text
        .header
        .iter()
        .map(|at| (at.clone(), String::new()))
        .collect();
    for item in &text.items {
        let elsewhere = |name: &&str| definitions.get(*name).is_some_and(|(of, _)| *of != index);
        let replaced = match item.linkage {
            Linkage::Extern => {
                !item.shared && item.names.iter().all(|n| definitions.contains_key(n))
            }
            Linkage::Weak | Linkage::Common => item.names.iter().all(elsewhere),
            Linkage::Local | Linkage::Visible => false,
        };
        if replaced {
            edits.push((item.at.clone(), String::new()));
        }
    }
    let removed: Vec<Range<usize>> = edits.iter().map(|(at, _)| at.clone()).collect();
    let local = text.items.iter().filter(|i| i.linkage == Linkage::Local);
    let others = texts
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index);
    let taken: HashSet<&str> = others
        .flat_map(|(_, other)| &other.items)
        .filter(|item| defined_here(item))
        .flat_map(|item| item.names.iter().copied())
        .collect();
    let renamed: HashSet<&str> = local
        .flat_map(|item| item.names.iter().copied())
        .filter(|name| taken.contains(name))
        .collect();
    let mut last = files;
    for (at, token) in text.tokens.iter().enumerate() {
        let place = text.place(at);
        if removed.iter().any(|gone| gone.contains(&place.start)) {
            continue;
        }
        let before = at.checked_sub(1).map(|at| text.tokens[at]);
        match token.kind {
            Kind::Word if renamed.contains(token.text) => {
                edits.push((place, format!("{}$link{index}", token.text)));
            }
            Kind::Number
                if before.is_some_and(|b| matches!(b.text, ".file" | ".loc" | "inlined_at")) =>
            {
                if let Ok(number) = token.text.parse::<u32>() {
                    let number = number.saturating_add(files);
                    last = last.max(number);
                    edits.push((place, number.to_string()));
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(at, _)| at.start);
    let (mut out, mut at) = (String::new(), 0);
    for (place, instead) in edits {
        out.push_str(&text.text[at..place.start]);
        out.push_str(&instead);
        at = place.end;
    }
    out.push_str(&text.text[at..]);
    (out, last)
}

#[cfg(test)]
mod tests;
