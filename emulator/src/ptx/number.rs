//! Numbers as PTX writes them.

use super::ast::Number;

/// A number as PTX writes it (PTX ISA, "Constants").
pub(super) fn number(text: &str) -> Option<Number> {
    let lower = text.as_bytes().get(1).map(u8::to_ascii_lowercase);
    if text.starts_with('0') && text.len() > 1 {
        let rest = &text[2..];
        match lower? {
            b'f' => {
                return u32::from_str_radix(rest, 16)
                    .ok()
                    .filter(|_| rest.len() == 8)
                    .map(Number::F32);
            }
            b'd' => {
                return u64::from_str_radix(rest, 16)
                    .ok()
                    .filter(|_| rest.len() == 16)
                    .map(Number::F64);
            }
            _ => {}
        }
    }
    if text.contains('.') {
        return text.parse::<f64>().ok().map(|v| Number::F64(v.to_bits()));
    }
    let digits = text.strip_suffix(['U', 'u']).unwrap_or(text);
    let value = if let Some(hex) = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        u64::from_str_radix(hex, 16)
    } else if let Some(binary) = digits
        .strip_prefix("0b")
        .or_else(|| digits.strip_prefix("0B"))
    {
        u64::from_str_radix(binary, 2)
    } else if digits.len() > 1 && digits.starts_with('0') {
        u64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    value.ok().map(|v| Number::Int(i128::from(v)))
}
