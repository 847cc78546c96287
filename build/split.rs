//! Cuts a text of PTX into one for each entry point, with the variables and functions that it uses.
//!
//! The driver compiles a whole module when it is loaded: cut, it compiles what is launched. All types and layouts of an op
//! in one module cost seconds at first use, of which a program needs a tenth.

use std::collections::{BTreeSet, HashMap, HashSet};

/// Begins every text, so that texts one behind another can be told apart.
pub const FIRST: &str = ".version ";

/// Something that stands at the top of a text.
struct Item<'a> {
    /// What others call it.
    name: &'a str,
    is_entry: bool,
    text: &'a str,
}

/// The texts of all entry points, one behind another, in their order; `version` is what they state.
pub fn by_entry(ptx: &str, version: &str) -> Result<String, String> {
    let top = Top::read(ptx)?;
    let named: HashMap<&str, usize> = (0..)
        .zip(&top.items)
        .map(|(i, item)| (item.name, i))
        .collect();
    let mut texts = String::new();
    for (place, _) in top
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.is_entry)
    {
        let mut used = BTreeSet::new();
        let mut words = BTreeSet::new();
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            if used.insert(place) {
                let of_item: Vec<&str> = self::words(top.items[place].text).collect();
                let found = of_item.iter().filter_map(|word| named.get(word));
                open.extend(found.filter(|&&place| !top.items[place].is_entry));
                words.extend(of_item);
            }
        }
        texts += &format!("{FIRST}{version}\n{}", top.head);
        used.iter()
            .for_each(|&place| texts += top.items[place].text);
        texts += &top.end(&words);
    }
    Ok(texts)
}

/// Each of the texts that [`by_entry`] put one behind another.
pub fn texts(all: &str) -> impl Iterator<Item = &str> {
    let starts = all.match_indices(FIRST).map(|(start, _)| start);
    let starts: Vec<usize> = starts.chain([all.len()]).collect();
    (1..starts.len()).map(move |i| &all[starts[i - 1]..starts[i]])
}

/// The texts of `all` that no older architecture has, but for the version and the target that they state.
pub fn without(all: &str, older: &[&str]) -> String {
    let body = |text| str::split_once(text, ".address_size").map_or(text, |(_, body)| body);
    let known: HashSet<&str> = older.iter().flat_map(|all| texts(all)).map(body).collect();
    texts(all)
        .filter(|text| !known.contains(body(text)))
        .collect()
}

/// A text, taken apart.
struct Top<'a> {
    /// Target and size of addresses.
    head: String,
    items: Vec<Item<'a>>,
    /// The lines of `.file`, which `.loc` counts.
    files: String,
    /// Label and text of each string of `.debug_str`, which `.loc` refers to.
    strings: Vec<(&'a str, &'a str)>,
}

impl<'a> Top<'a> {
    fn read(ptx: &'a str) -> Result<Self, String> {
        let mut top = Self {
            head: String::new(),
            items: Vec::new(),
            files: String::new(),
            strings: Vec::new(),
        };
        let (mut start, mut depth, mut end) = (0, 0_usize, 0);
        for line in ptx.split_inclusive('\n') {
            end += line.len();
            let words = line.trim();
            let between = depth == 0 && ptx[start..end - line.len()].trim().is_empty();
            if between && (words.is_empty() || words.starts_with("//") || words.starts_with(FIRST))
            {
                start = end;
            } else if between
                && (words.starts_with(".target") || words.starts_with(".address_size"))
            {
                top.head += line;
                start = end;
            } else if between && words.starts_with(".file") {
                top.files += line;
                start = end;
            } else {
                depth += words.matches('{').count();
                let closed = words.matches('}').count();
                depth = depth.checked_sub(closed).ok_or("PTX with one } too many")?;
                if depth == 0 && (words.ends_with(';') || words.ends_with('}')) {
                    top.item(&ptx[start..end])?;
                    start = end;
                }
            }
        }
        match ptx[start..].trim_matches(['\0', '\n', ' ']).is_empty() {
            true => Ok(top),
            false => Err(format!(
                "PTX that ends within {}",
                first_line(&ptx[start..])
            )),
        }
    }

    fn item(&mut self, text: &'a str) -> Result<(), String> {
        if text.trim_start().starts_with(".section") {
            let labels = text.match_indices("$L").map(|(start, _)| start);
            let starts: Vec<usize> = labels.chain(text.rfind('}')).collect();
            for two in starts.windows(2) {
                let string = &text[two[0]..two[1]];
                self.strings
                    .push((string.split(':').next().unwrap_or_default(), string));
            }
            return Ok(());
        }
        let is_entry = text.contains(".entry ");
        let name = name(text).ok_or_else(|| format!("PTX without a name: {}", first_line(text)))?;
        self.items.push(Item {
            name,
            is_entry,
            text,
        });
        Ok(())
    }

    /// The files, and the strings that the words of a text refer to.
    fn end(&self, words: &BTreeSet<&str>) -> String {
        let strings = self
            .strings
            .iter()
            .filter(|(label, _)| words.contains(label));
        let strings: String = strings.map(|(_, string)| *string).collect();
        match strings.is_empty() {
            true => self.files.clone(),
            false => format!(
                "{}\t.section\t.debug_str\n\t{{\n{strings}\t}}\n",
                self.files
            ),
        }
    }
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

/// What an entry point, a function or a variable is called.
fn name(text: &str) -> Option<&str> {
    let head = &text[..text.find(['{', '=', ';']).unwrap_or(text.len())];
    if let Some((_, behind)) = head
        .split_once(".entry ")
        .or_else(|| head.split_once(".func "))
    {
        let behind = behind.trim_start();
        // a function's result stands before its name
        let behind = behind
            .strip_prefix('(')
            .map_or(Some(behind), |b| b.split_once(')').map(|(_, b)| b))?;
        return words(behind).next();
    }
    let mut words = head.split_whitespace().rev();
    words
        .next()
        .map(|word| word.split('[').next().unwrap_or(word))
}

/// Whatever could be a name.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '%');
    text.split(move |c| !is_part(c))
        .filter(|word| !word.is_empty())
}
