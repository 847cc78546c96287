//! What kernels print.

use super::access::peek;
use super::state::Context;
use std::io::Write;

/// Longest string that is followed.
const LONGEST: usize = 1 << 16;

/// The bytes of a string in device memory, up to its NUL.
pub fn text(c: &mut Context<'_>, lane: usize, address: u64) -> Vec<u8> {
    let mut out = vec![];
    while let Some([byte]) = peek::<1>(c, lane, address + out.len() as u64) {
        if byte == 0 || out.len() >= LONGEST {
            break;
        }
        out.push(byte);
    }
    out
}

/// Formats as C's printf does; arguments lie one after the other, each aligned to its size.
pub fn format(c: &mut Context<'_>, lane: usize, format: u64, arguments: u64) -> Vec<u8> {
    let format = text(c, lane, format);
    let mut next = arguments;
    let mut take = |c: &mut Context<'_>, bytes: u64| {
        next = next.next_multiple_of(bytes);
        let at = next;
        next += bytes;
        match bytes {
            4 => peek::<4>(c, lane, at).map_or(0, |b| u32::from_le_bytes(b).into()),
            _ => peek::<8>(c, lane, at).map_or(0, u64::from_le_bytes),
        }
    };
    let mut out = vec![];
    let mut at = 0;
    while at < format.len() {
        if format[at] != b'%' {
            out.push(format[at]);
            at += 1;
            continue;
        }
        let flags_end = at
            + 1
            + format[at + 1..]
                .iter()
                .take_while(|b| b"-+ #0".contains(b))
                .count();
        let (mut end, mut flags) = (
            flags_end,
            String::from_utf8_lossy(&format[at + 1..flags_end]).into_owned(),
        );
        let mut number = |c: &mut Context<'_>, end: &mut usize| -> Option<i64> {
            if format.get(*end) == Some(&b'*') {
                *end += 1;
                return Some(i64::from(take(c, 4) as i32));
            }
            let digits = format[*end..]
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .count();
            let text = std::str::from_utf8(&format[*end..*end + digits]).ok()?;
            *end += digits;
            text.parse().ok()
        };
        let mut width = number(c, &mut end).unwrap_or(0);
        if width < 0 {
            flags.push('-');
            width = -width;
        }
        let precision = if format.get(end) == Some(&b'.') {
            end += 1;
            Some(number(c, &mut end).unwrap_or(0))
        } else {
            None
        };
        let long = format[end..]
            .iter()
            .take_while(|b| b"lhzjt".contains(b))
            .any(|b| b"lzjt".contains(b));
        end += format[end..]
            .iter()
            .take_while(|b| b"lhzjt".contains(b))
            .count();
        let Some(kind) = format.get(end) else { break };
        at = end + 1;
        let piece = match kind {
            b'%' => "%".to_owned(),
            b's' => {
                let address = take(c, 8);
                let mut s = text(c, lane, address);
                s.truncate(precision.map_or(s.len(), |p| p.max(0) as usize));
                String::from_utf8_lossy(&s).into_owned()
            }
            b'f' | b'F' | b'e' | b'E' | b'g' | b'G' | b'a' | b'A' => {
                host_float(*kind, &flags, precision, f64::from_bits(take(c, 8)))
            }
            b'p' => format!("0x{:x}", take(c, 8)),
            b'c' => char::from(take(c, 4) as u8).to_string(),
            b'd' | b'i' | b'u' | b'x' | b'X' | b'o' => integer(
                *kind,
                &flags,
                precision,
                if long { take(c, 8) } else { take(c, 4) },
                long,
            ),
            other => format!("%{}", char::from(*other)),
        };
        out.extend_from_slice(pad(&piece, &flags, width, *kind).as_bytes());
    }
    out
}

fn integer(kind: u8, flags: &str, precision: Option<i64>, bits: u64, long: bool) -> String {
    let (negative, digits) = match kind {
        b'd' | b'i' => {
            let value = if long {
                bits as i64
            } else {
                i64::from(bits as i32)
            };
            (value < 0, value.unsigned_abs().to_string())
        }
        b'x' => (false, format!("{bits:x}")),
        b'X' => (false, format!("{bits:X}")),
        b'o' => (false, format!("{bits:o}")),
        _ => (false, bits.to_string()),
    };
    let digits = format!("{digits:0>w$}", w = precision.unwrap_or(1).max(0) as usize);
    let prefix = match kind {
        b'x' if flags.contains('#') && bits != 0 => "0x",
        b'X' if flags.contains('#') && bits != 0 => "0X",
        _ => "",
    };
    format!(
        "{}{prefix}{digits}",
        sign(negative, flags, matches!(kind, b'd' | b'i'))
    )
}

fn sign(negative: bool, flags: &str, signed: bool) -> &'static str {
    match (negative, signed) {
        (true, _) => "-",
        (false, true) if flags.contains('+') => "+",
        (false, true) if flags.contains(' ') => " ",
        _ => "",
    }
}

/// The host's own printf knows every form of floats.
fn host_float(kind: u8, flags: &str, precision: Option<i64>, value: f64) -> String {
    let flags: String = flags.chars().filter(|f| "+ #".contains(*f)).collect();
    let format = format!("%{flags}.*{}\0", char::from(kind));
    let mut buffer = [0u8; 512];
    let precision = precision.map_or(-1, |p| p.clamp(0, 100) as libc::c_int);
    // SAFETY: the format is NUL-terminated and takes an int and a double, which follow; the buffer's size is passed.
    let length = unsafe {
        libc::snprintf(
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            format.as_ptr().cast(),
            precision,
            value,
        )
    };
    let length = usize::try_from(length).unwrap_or(0).min(buffer.len() - 1);
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

fn pad(piece: &str, flags: &str, width: i64, kind: u8) -> String {
    let width = width as usize;
    if flags.contains('-') {
        return format!("{piece:<width$}");
    }
    if flags.contains('0') && !b"sc%".contains(&kind) && piece.len() < width {
        let digits = piece.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
        return format!(
            "{}{}{}",
            &piece[..digits],
            "0".repeat(width - piece.len()),
            &piece[digits..]
        );
    }
    format!("{piece:>width$}")
}

/// Writes to the process's standard output, as the driver does.
pub fn write(text: &[u8]) {
    let mut out = std::io::stdout().lock();
    // nobody can be told if standard output is closed
    let _ = out.write_all(text).and_then(|()| out.flush());
}
