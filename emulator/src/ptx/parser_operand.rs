//! Operands: names, numbers with their signs, addresses, lists.

use super::ast::{Number, Operand};
use super::lexer::Kind;
use super::parser_token::{Parser, Result};

impl<'a> Parser<'a> {
    fn offset(&mut self) -> Result<i64> {
        let mut sum: i64 = 0;
        while self.is(b'+') || self.is(b'-') {
            let token = self.peek();
            match self.term()? {
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
            Kind::Punct(b'(') if self.lists => {
                self.next();
                Ok(Operand::List(self.list(b')')?))
            }
            Kind::Punct(b'[') => {
                self.next();
                let base = match self.simple_operand()? {
                    Operand::Sum(name, offset) => (Operand::Name(name), offset),
                    other @ (Operand::Name(_) | Operand::Number(_)) => (other, 0),
                    // an element's address is written without brackets
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
            Kind::Punct(b'!') if self.peek_second().kind == Kind::Word => {
                self.next();
                Ok(Operand::Not(self.word()?))
            }
            Kind::Word if token.text != "WARP_SZ" => {
                self.next();
                if self.accept(b'[') {
                    return self.element(token.text);
                }
                if self.is(b'+') || self.is(b'-') {
                    return Ok(Operand::Sum(token.text, self.offset()?));
                }
                Ok(Operand::Name(token.text))
            }
            _ => Ok(Operand::Number(self.constant()?)),
        }
    }

    /// `name[2]`, `name[r]`, `name[r+2]`, behind the bracket (PTX ISA, "Arrays as Operands").
    fn element(&mut self, name: &'a str) -> Result<Operand<'a>> {
        let token = self.peek();
        let (index, offset) = if token.kind == Kind::Word && token.text != "WARP_SZ" {
            self.next();
            (Some(token.text), self.offset()?)
        } else {
            match i64::try_from(self.integer()?) {
                Ok(offset) => (None, offset),
                Err(_) => return self.error(token, "a small index"),
            }
        };
        self.expect(b']')?;
        Ok(Operand::Element {
            name,
            index,
            offset,
        })
    }
}
