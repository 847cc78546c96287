//! Constant expressions (PTX ISA, "Constant Expressions"): C's operators with C's precedence, over 64-bit integers.

use super::ast::Number;
use super::lexer::{Kind, Token};
use super::number::number;
use super::parser_token::{Parser, Result};

/// Operators of two operands, from the loosest level to the tightest. A longer one comes before what it begins with.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
/// The level of products, which is all that an offset's terms may have unbracketed.
const PRODUCTS: usize = LEVELS.len() - 1;
const LONG: [&str; 8] = ["||", "&&", "==", "!=", "<=", ">=", "<<", ">>"];

fn calculate(op: &str, a: i128, b: i128) -> Option<i128> {
    Some(match op {
        "||" => i128::from(a != 0 || b != 0),
        "&&" => i128::from(a != 0 && b != 0),
        "|" => a | b,
        "^" => a ^ b,
        "&" => a & b,
        "==" => i128::from(a == b),
        "!=" => i128::from(a != b),
        "<=" => i128::from(a <= b),
        ">=" => i128::from(a >= b),
        "<" => i128::from(a < b),
        ">" => i128::from(a > b),
        "<<" => i128::from((a as u64).checked_shl(b.try_into().ok()?)? as i64),
        ">>" => a.checked_shr(b.try_into().ok()?)?,
        "+" => a + b,
        "-" => a - b,
        "*" => a.checked_mul(b)?,
        "/" => a.checked_div(b)?,
        _ => a.checked_rem(b)?,
    })
}

/// A result keeps 64 bits.
fn fits(value: i128) -> bool {
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value)
}

impl<'a> Parser<'a> {
    /// A number, or an expression whose value is one.
    pub(super) fn constant(&mut self) -> Result<Number> {
        let condition = self.level(0)?;
        if !self.accept(b'?') {
            return Ok(condition);
        }
        let token = self.peek();
        let yes = self.constant()?;
        self.expect(b':')?;
        let no = self.constant()?;
        match condition {
            Number::Int(0) => Ok(no),
            Number::Int(_) => Ok(yes),
            _ => self.error(token, "an integer condition"),
        }
    }

    /// A term of a sum.
    pub(super) fn term(&mut self) -> Result<Number> {
        self.level(PRODUCTS)
    }

    /// A constant that must be an integer.
    pub(super) fn integer(&mut self) -> Result<i128> {
        let token = self.peek();
        match self.constant()? {
            Number::Int(value) => Ok(value),
            _ => self.error(token, "an integer"),
        }
    }

    fn level(&mut self, level: usize) -> Result<Number> {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut left = self.level(level + 1)?;
        loop {
            let token = self.peek();
            let Some(op) = self.operator(LEVELS[level]) else {
                return Ok(left);
            };
            let right = self.level(level + 1)?;
            let value = match (left, right) {
                (Number::Int(a), Number::Int(b)) => calculate(op, a, b).filter(|v| fits(*v)),
                _ => None,
            };
            match value {
                Some(value) => left = Number::Int(value),
                None => return self.error(token, "an expression with a value"),
            }
        }
    }

    /// Takes one of these operators if it comes next.
    fn operator(&mut self, of: &[&'static str]) -> Option<&'static str> {
        let (first, second) = (self.peek(), self.peek_second());
        let adjacent = |op: &str| matches!((first.kind, second.kind), (Kind::Punct(a), Kind::Punct(b)) if [a, b] == op.as_bytes());
        if let Some(long) = LONG.into_iter().find(|op| adjacent(op)) {
            let found = of.iter().find(|op| **op == long)?;
            self.next();
            self.next();
            return Some(found);
        }
        let found = of.iter().find(|op| first.text == **op)?;
        self.next();
        Some(found)
    }

    fn unary(&mut self) -> Result<Number> {
        let token = self.peek();
        self.deeper()?;
        let value = self.prefixed(token)?;
        self.depth -= 1;
        Ok(value)
    }

    fn prefixed(&mut self, token: Token<'a>) -> Result<Number> {
        if self.accept(b'(') {
            // a cast says how 64 bits are to be read; they stay what they are
            let cast = [".s64", ".u64"].into_iter().find(|ty| self.accept_word(ty));
            if cast.is_none() {
                let value = self.constant()?;
                self.expect(b')')?;
                return Ok(value);
            }
            self.expect(b')')?;
            return match (self.unary()?, cast) {
                (Number::Int(v), Some(".s64")) => Ok(Number::Int(i128::from(v as i64))),
                (Number::Int(v), _) => Ok(Number::Int(i128::from(v as u64))),
                _ => self.error(token, "an integer"),
            };
        }
        for sign in [b'-', b'+', b'~', b'!'] {
            if self.accept(sign) {
                return match (sign, self.unary()?) {
                    (b'+', value) => Ok(value),
                    (b'-', Number::Int(v)) => Ok(Number::Int(-v)),
                    (b'-', Number::F32(v)) => Ok(Number::F32(v ^ 1 << 31)),
                    (b'-', Number::F64(v)) => Ok(Number::F64(v ^ 1 << 63)),
                    (b'~', Number::Int(v)) => Ok(Number::Int(!v)),
                    (b'!', Number::Int(v)) => Ok(Number::Int(i128::from(v == 0))),
                    _ => self.error(token, "an integer"),
                };
            }
        }
        if self.accept_word("WARP_SZ") {
            return Ok(Number::Int(32));
        }
        let token = self.next();
        match number(token.text).filter(|_| token.kind == Kind::Number) {
            Some(value) => Ok(value),
            None => self.error(token, "a number"),
        }
    }
}
