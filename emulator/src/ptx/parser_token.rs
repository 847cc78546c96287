//! The parser's view of the tokens: what comes next, what must, what is passed over.

use super::SyntaxError;
use super::ast::Number;
use super::lexer::{Kind, Token, tokens};
use super::number::number;

pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// Deepest nesting of braces: no compiler goes near it, and hostile text must not exhaust the stack.
const DEEPEST: u32 = 64;

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    pub(super) depth: u32,
    /// Whether parentheses hold the arguments of a call; elsewhere they belong to expressions.
    pub(super) lists: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self> {
        Ok(Parser {
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
            lists: false,
        })
    }

    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens[self.at]
    }

    pub(super) fn peek_second(&self) -> Token<'a> {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    pub(super) fn next(&mut self) -> Token<'a> {
        let token = self.tokens[self.at];
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn error<T>(&self, token: Token<'a>, wanted: &str) -> Result<T> {
        Err(SyntaxError {
            line: token.line,
            message: format!("expected {wanted}, found '{}'", token.text),
        })
    }

    pub(super) fn is(&self, punct: u8) -> bool {
        self.peek().kind == Kind::Punct(punct)
    }

    pub(super) fn accept(&mut self, punct: u8) -> bool {
        let yes = self.is(punct);
        if yes {
            self.next();
        }
        yes
    }

    pub(super) fn expect(&mut self, punct: u8) -> Result<()> {
        if self.accept(punct) {
            Ok(())
        } else {
            self.error(self.peek(), &format!("'{}'", punct as char))
        }
    }

    pub(super) fn accept_word(&mut self, word: &str) -> bool {
        let yes = self.peek().kind == Kind::Word && self.peek().text == word;
        if yes {
            self.next();
        }
        yes
    }

    pub(super) fn word(&mut self) -> Result<&'a str> {
        let token = self.next();
        if token.kind == Kind::Word {
            Ok(token.text)
        } else {
            self.error(token, "a name")
        }
    }

    pub(super) fn unsigned(&mut self) -> Result<u32> {
        let token = self.next();
        match number(token.text) {
            Some(Number::Int(value))
                if token.kind == Kind::Number && u32::try_from(value).is_ok() =>
            {
                Ok(value as u32)
            }
            _ => self.error(token, "a small number"),
        }
    }

    pub(super) fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.error(self.peek(), "less nesting")
        } else {
            Ok(())
        }
    }

    pub(super) fn numbers(&mut self) -> Result<Vec<u32>> {
        let mut out = vec![];
        while self.peek().kind == Kind::Number {
            out.push(self.unsigned()?);
            if !self.accept(b',') {
                break;
            }
        }
        Ok(out)
    }

    pub(super) fn skip_to_semicolon(&mut self) -> Result<()> {
        loop {
            let token = self.next();
            match token.kind {
                Kind::Punct(b';') => return Ok(()),
                Kind::End => return self.error(token, "';'"),
                _ => {}
            }
        }
    }

    pub(super) fn skip_braces(&mut self) -> Result<()> {
        self.expect(b'{')?;
        let mut open = 1;
        while open > 0 {
            let token = self.next();
            match token.kind {
                Kind::Punct(b'{') => open += 1,
                Kind::Punct(b'}') => open -= 1,
                Kind::End => return self.error(token, "'}'"),
                _ => {}
            }
        }
        Ok(())
    }
}
