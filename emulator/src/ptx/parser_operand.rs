//! Operands: names, numbers with their signs, addresses, lists.

use super::ast::{Number, Operand};
use super::lexer::Kind;
use super::number::number;
use super::parser_token::{Parser, Result};

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
