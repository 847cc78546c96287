//! Tokens to the syntax tree: a module's directives and functions.

use super::ast::{Function, Source};
use super::lexer::Kind;
use super::parser_token::{Parser, Result};

/// Parses a whole module.
pub fn parse(text: &str) -> Result<Source<'_>> {
    Ok(Source {
        text,
        ..Parser::new(text)?.module()?
    })
}

impl<'a> Parser<'a> {
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
                    source.version_line = token.line;
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
}
