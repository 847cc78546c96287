//! Statements of a function: blocks, labels, instructions, `.loc`.

use super::ast::{Instruction, Loc, Prototype, Statement};
use super::lexer::{Kind, Token};
use super::parser_token::{Parser, Result};

impl<'a> Parser<'a> {
    /// Everything up to the closing brace, which is taken too.
    pub(super) fn statements(&mut self) -> Result<Vec<Statement<'a>>> {
        self.deeper()?;
        let mut out = vec![];
        loop {
            let token = self.peek();
            match token.kind {
                Kind::Punct(b'}') => {
                    self.next();
                    self.depth -= 1;
                    return Ok(out);
                }
                Kind::Punct(b'{') => {
                    self.next();
                    out.push(Statement::Block(self.statements()?));
                }
                Kind::Punct(b';') => {
                    self.next();
                }
                Kind::Punct(b'@') => out.push(Statement::Instruction(self.instruction()?)),
                Kind::Word if self.peek_second().kind == Kind::Punct(b':') => {
                    self.next();
                    self.next();
                    out.push(self.labelled(token)?);
                }
                Kind::Word if token.text.starts_with('.') => match token.text {
                    ".loc" => out.push(Statement::Loc(self.loc()?)),
                    ".pragma" => self.skip_to_semicolon()?,
                    _ => {
                        let variables = self.variables(false)?;
                        self.expect(b';')?;
                        out.push(Statement::Variables(variables));
                    }
                },
                Kind::Word => out.push(Statement::Instruction(self.instruction()?)),
                _ => return self.error(token, "a statement"),
            }
        }
    }

    fn labelled(&mut self, label: Token<'a>) -> Result<Statement<'a>> {
        match self.peek().text {
            ".callprototype" => {
                self.next();
                let returns = if self.is(b'(') {
                    self.formals()?
                } else {
                    vec![]
                };
                self.word()?;
                let params = if self.is(b'(') {
                    self.formals()?
                } else {
                    vec![]
                };
                self.accept_word(".noreturn");
                self.expect(b';')?;
                Ok(Statement::Prototype(Prototype {
                    label: label.text,
                    returns,
                    params,
                }))
            }
            ".branchtargets" | ".calltargets" => {
                self.next();
                let mut names = vec![self.word()?];
                while self.accept(b',') {
                    names.push(self.word()?);
                }
                self.expect(b';')?;
                Ok(Statement::Targets {
                    label: label.text,
                    names,
                })
            }
            _ => Ok(Statement::Label(label.line, label.text)),
        }
    }

    /// `.loc file line column`, possibly with `, function_name $x, inlined_at file line column`.
    pub(super) fn loc(&mut self) -> Result<Loc> {
        self.next();
        let (file, line) = (self.unsigned()?, self.unsigned()?);
        self.unsigned()?;
        while self.accept(b',') {
            match self.word()? {
                "function_name" => {
                    self.word()?;
                    if self.accept(b'+') {
                        self.unsigned()?;
                    }
                }
                _ => {
                    for _ in 0..3 {
                        self.unsigned()?;
                    }
                }
            }
        }
        Ok(Loc { file, line })
    }

    fn instruction(&mut self) -> Result<Instruction<'a>> {
        let line = self.peek().line;
        let guard = if self.accept(b'@') {
            let negated = self.accept(b'!');
            Some((self.word()?, negated))
        } else {
            None
        };
        let opcode = self.word()?;
        self.lists = opcode == "call" || opcode.starts_with("call.");
        let mut operands = vec![];
        while !self.accept(b';') {
            operands.push(self.operand()?);
            // wgmma and friends use no other separator; a missing comma shows as a bad operand
            if !self.accept(b',') && !self.is(b';') {
                return self.error(self.peek(), "',' or ';'");
            }
        }
        Ok(Instruction {
            line,
            guard,
            opcode,
            operands,
        })
    }
}
