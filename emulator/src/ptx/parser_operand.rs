//! Numbers and operands.

use super::ast::{Number, Operand};
use super::lexer::Kind;
use super::parser::{Parser, Result};

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

impl<'a> Parser<'a> {
    /// A number with any signs before it.
    pub(super) fn signed(&mut self) -> Result<Number> {
        let mut negative = false;
        loop {
            if self.accept(b'-') {
                negative = !negative;
            } else if !self.accept(b'+') {
                break;
            }
        }
        let inverted = self.accept(b'~');
        let token = self.next();
        let Some(value) = number(token.text).filter(|_| token.kind == Kind::Number) else {
            return self.error(token, "a number");
        };
        Ok(match value {
            Number::Int(v) if inverted => Number::Int(!v),
            Number::Int(v) if negative => Number::Int(-v),
            Number::F32(v) if negative => Number::F32(v ^ 1 << 31),
            Number::F64(v) if negative => Number::F64(v ^ 1 << 63),
            other => other,
        })
    }

    fn offset(&mut self) -> Result<i64> {
        let mut sum: i64 = 0;
        while self.is(b'+') || self.is(b'-') {
            let token = self.peek();
            match self.signed()? {
                Number::Int(v) => sum = sum.wrapping_add(v as i64),
                _ => return self.error(token, "an integer offset"),
            }
        }
        Ok(sum)
    }

    fn list(&mut self, close: u8) -> Result<Vec<Operand<'a>>> {
        self.deeper()?;
        let mut out = vec![];
        while !self.accept(close) {
            out.push(self.operand()?);
            if !self.accept(b',') && !self.is(close) {
                return self.error(self.peek(), "','");
            }
        }
        self.depth -= 1;
        Ok(out)
    }

    pub(super) fn operand(&mut self) -> Result<Operand<'a>> {
        let first = self.simple_operand()?;
        if self.accept(b'|') {
            let second = self.simple_operand()?;
            return Ok(Operand::Pair(Box::new(first), Box::new(second)));
        }
        Ok(first)
    }

    fn simple_operand(&mut self) -> Result<Operand<'a>> {
        let token = self.peek();
        match token.kind {
            Kind::Punct(b'{') => {
                self.next();
                Ok(Operand::Vector(self.list(b'}')?))
            }
            Kind::Punct(b'(') => {
                self.next();
                Ok(Operand::List(self.list(b')')?))
            }
            Kind::Punct(b'[') => {
                self.next();
                let base = match self.simple_operand()? {
                    Operand::Sum(name, offset) => (Operand::Name(name), offset),
                    other @ (Operand::Name(_) | Operand::Number(_)) => (other, 0),
                    _ => return self.error(token, "an address"),
                };
                let more = self.offset()?;
                let rest = if self.accept(b',') {
                    self.list(b']')?
                } else {
                    self.expect(b']')?;
                    vec![]
                };
                Ok(Operand::Address {
                    base: Box::new(base.0),
                    offset: base.1.wrapping_add(more),
                    rest,
                })
            }
            Kind::Punct(b'!') => {
                self.next();
                Ok(Operand::Not(self.word()?))
            }
            Kind::Word => {
                self.next();
                if self.is(b'+') || self.is(b'-') {
                    return Ok(Operand::Sum(token.text, self.offset()?));
                }
                Ok(Operand::Name(token.text))
            }
            _ => Ok(Operand::Number(self.signed()?)),
        }
    }
}
