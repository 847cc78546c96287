//! Tokens to the syntax tree: modules, functions, statements.

use super::SyntaxError;
use super::ast::*;
use super::lexer::{Kind, Token, tokens};

pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// Deepest nesting of braces: no compiler goes near it, and hostile text must not exhaust the stack.
const DEEPEST: u32 = 64;

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    pub(super) depth: u32,
}

/// Parses a whole module.
pub fn parse(text: &str) -> Result<Source<'_>> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    parser.module()
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens[self.at]
    }

    fn peek_second(&self) -> Token<'a> {
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
        match super::parser_operand::number(token.text) {
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

    fn numbers(&mut self) -> Result<Vec<u32>> {
        let mut out = vec![];
        while self.peek().kind == Kind::Number {
            out.push(self.unsigned()?);
            if !self.accept(b',') {
                break;
            }
        }
        Ok(out)
    }

    fn module(&mut self) -> Result<Source<'a>> {
        let mut source = Source {
            address_size: 32,
            ..Source::default()
        };
        loop {
            let token = self.peek();
            if token.kind == Kind::End {
                return Ok(source);
            }
            if self.accept(b';') {
                continue;
            }
            if token.kind != Kind::Word {
                return self.error(token, "a directive");
            }
            match token.text {
                ".version" => {
                    self.next();
                    source.version = self.version()?;
                }
                ".target" => {
                    self.next();
                    source.target.push(self.word()?);
                    while self.accept(b',') {
                        source.target.push(self.word()?);
                    }
                }
                ".address_size" => {
                    self.next();
                    source.address_size = self.unsigned()?;
                }
                ".file" => {
                    self.next();
                    let number = self.unsigned()?;
                    let name = self.next();
                    if name.kind != Kind::Text {
                        return self.error(name, "a file name");
                    }
                    source.files.push((number, name.text));
                    while self.accept(b',') {
                        self.next();
                    }
                }
                ".section" => {
                    self.next();
                    self.word()?;
                    self.skip_braces()?;
                }
                ".loc" => {
                    self.loc()?;
                }
                ".pragma" => self.skip_to_semicolon()?,
                _ => self.linked(&mut source)?,
            }
        }
    }

    fn version(&mut self) -> Result<(u32, u32)> {
        let token = self.next();
        let parts = token.text.split_once('.');
        match parts.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?))) {
            Some(version) => Ok(version),
            None => self.error(token, "a version"),
        }
    }

    /// A function or a variable with its `.visible`, `.extern`, `.weak`, `.common`.
    fn linked(&mut self, source: &mut Source<'a>) -> Result<()> {
        let mut external = false;
        loop {
            let token = self.peek();
            match token.text {
                ".visible" | ".weak" | ".common" => {
                    self.next();
                }
                ".extern" => {
                    self.next();
                    external = true;
                }
                ".entry" | ".func" => {
                    let function = self.function()?;
                    source.functions.push(function);
                    return Ok(());
                }
                _ => {
                    source.variables.extend(self.variables(external)?);
                    return self.expect(b';');
                }
            }
        }
    }

    fn function(&mut self) -> Result<Function<'a>> {
        let line = self.peek().line;
        let entry = self.word()? == ".entry";
        let returns = if self.is(b'(') {
            self.formals()?
        } else {
            vec![]
        };
        let name = self.word()?;
        let params = if self.is(b'(') {
            self.formals()?
        } else {
            vec![]
        };
        let mut limits = vec![];
        loop {
            let token = self.peek();
            if self.is(b'{') || self.accept(b';') {
                break;
            }
            match token.text {
                ".pragma" => self.skip_to_semicolon()?,
                text if text.starts_with('.') && token.kind == Kind::Word => {
                    self.next();
                    limits.push((text, self.numbers()?));
                }
                _ => return self.error(token, "a function body"),
            }
        }
        let body = if self.accept(b'{') {
            Some(self.statements()?)
        } else {
            None
        };
        Ok(Function {
            line,
            name,
            entry,
            returns,
            params,
            limits,
            body,
        })
    }

    /// Everything up to the closing brace, which is taken too.
    fn statements(&mut self) -> Result<Vec<Statement<'a>>> {
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
    fn loc(&mut self) -> Result<Loc> {
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

    fn skip_to_semicolon(&mut self) -> Result<()> {
        loop {
            let token = self.next();
            match token.kind {
                Kind::Punct(b';') => return Ok(()),
                Kind::End => return self.error(token, "';'"),
                _ => {}
            }
        }
    }

    fn skip_braces(&mut self) -> Result<()> {
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
