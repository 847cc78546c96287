//! Rust's text as words, `::` and single marks; comments, literals and lifetimes left out.

/// The tokens of a file.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        at += if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' {
            quote(rest)
        } else if rest.starts_with("::") {
            found.push("::");
            2
        } else if is_word(c) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            // the `b` of a byte string is no word
            if !(rest[..length].ends_with('b') && length == 1 && rest[1..].starts_with(['"', '\'']))
            {
                found.push(&rest[..length]);
            }
            length
        } else {
            if !c.is_whitespace() {
                found.push(&rest[..c.len_utf8()]);
            }
            c.len_utf8()
        };
    }
    found
}

/// Where the bracket that opens at `at` is closed.
pub fn closing(tokens: &[&str], at: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => (),
        }
        if depth == 0 {
            return i;
        }
    }
    tokens.len() - 1
}

/// Whether it is a word, and no mark.
pub fn word(token: &str) -> bool {
    token.starts_with(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string(rest: &str) -> Option<usize> {
    let prefix = if rest.starts_with("br") {
        2
    } else {
        usize::from(rest.starts_with('r'))
    };
    let hashes = rest[prefix..].bytes().take_while(|b| *b == b'#').count();
    if prefix == 0 || !rest[prefix + hashes..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = prefix + hashes + 1;
    Some(
        rest[body..]
            .find(&end)
            .map_or(rest.len(), |i| body + i + end.len()),
    )
}

fn quoted(rest: &str, end: char) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == end => return i + 1,
            _ => (),
        }
    }
    rest.len()
}

/// A character or a lifetime.
fn quote(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (_, Some('\'')) => quoted(rest, '\''),
        _ => 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1),
    }
}
