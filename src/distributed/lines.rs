//! What ranks say when they meet: lines of text, and bytes as hexadecimal digits.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;
use std::time::Instant;

/// The most bytes of a line.
const LONGEST: u64 = 1 << 14;

/// One line, of no more than [`LONGEST`] bytes, by then; what is not text is shown as such.
pub(super) fn read_line(stream: &mut TcpStream, until: Instant) -> std::io::Result<String> {
    let mut line = Vec::new();
    let mut reader = BufReader::with_capacity(1, stream).take(LONGEST);
    loop {
        let bytes = reader.fill_buf()?;
        let Some(&byte) = bytes.first() else { break };
        reader.consume(1);
        line.push(byte);
        if byte == b'\n' {
            break;
        }
        if Instant::now() > until {
            return Err(ErrorKind::TimedOut.into());
        }
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn from_hex(text: &str) -> Option<[u8; 128]> {
    let mut bytes = [0; 128];
    if text.len() != 256 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
