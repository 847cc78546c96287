//! PTX text to tokens.

use super::SyntaxError;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A name, an opcode with its modifiers, or a directive (which begins with a dot).
    Word,
    /// A number, undigested.
    Number,
    /// A string with its quotes removed.
    Text,
    /// A single character.
    Punct(u8),
    End,
}

#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub line: u32,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'%' | b'.')
}

/// Length of the word at the start of `bytes`; `::` belongs to a word, a single colon ends it. Directives may be
/// written without a space between (`.reg.b16`), and are words of their own.
fn word_length(bytes: &[u8]) -> usize {
    let directive = bytes[0] == b'.';
    let mut i = 1;
    while i < bytes.len() {
        if directive && bytes[i] == b'.' {
            break;
        } else if is_word(bytes[i]) {
            i += 1;
        } else if bytes[i..].starts_with(b"::") {
            i += 2;
        } else {
            break;
        }
    }
    i
}

/// Splits the text; the last token is `End`.
pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, SyntaxError> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len() / 4);
    let (mut i, mut line) = (0, 1);
    while i < bytes.len() {
        let (kind, length) = match bytes[i] {
            b'\n' => {
                line += 1;
                i += 1;
                continue;
            }
            b' ' | b'\t' | b'\r' => {
                i += 1;
                continue;
            }
            b'/' if bytes[i..].starts_with(b"//") => {
                i += bytes[i..]
                    .iter()
                    .position(|b| *b == b'\n')
                    .unwrap_or(bytes.len() - i);
                continue;
            }
            b'/' if bytes[i..].starts_with(b"/*") => {
                let Some(length) = text[i + 2..].find("*/") else {
                    return Err(SyntaxError {
                        line,
                        message: "comment without end".to_owned(),
                    });
                };
                line += bytes[i..i + 2 + length]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count() as u32;
                i += length + 4;
                continue;
            }
            b'"' => {
                let Some(length) = bytes[i + 1..]
                    .iter()
                    .position(|b| *b == b'"' || *b == b'\n')
                else {
                    return Err(SyntaxError {
                        line,
                        message: "string without end".to_owned(),
                    });
                };
                out.push(Token {
                    kind: Kind::Text,
                    text: &text[i + 1..i + 1 + length],
                    line,
                });
                i += length + 2;
                continue;
            }
            b if b.is_ascii_digit() => {
                let length = bytes[i..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'.')
                    .count();
                (Kind::Number, length)
            }
            b if is_word(b) => (Kind::Word, word_length(&bytes[i..])),
            b if b.is_ascii_punctuation() => (Kind::Punct(b), 1),
            b => {
                return Err(SyntaxError {
                    line,
                    message: format!("unexpected byte 0x{b:02x}"),
                });
            }
        };
        out.push(Token {
            kind,
            text: &text[i..i + length],
            line,
        });
        i += length;
    }
    out.push(Token {
        kind: Kind::End,
        text: "end of text",
        line,
    });
    Ok(out)
}
