//! Declarations of registers, variables and parameters, and their initial values.

use super::ast::{Init, Number, Space, Variable};
use super::lexer::Kind;
use super::parser_token::{Parser, Result};

impl<'a> Parser<'a> {
    /// `(.param .b32 a, .param .b64 b[4])`
    pub(super) fn formals(&mut self) -> Result<Vec<Variable<'a>>> {
        self.expect(b'(')?;
        let mut out = vec![];
        while !self.accept(b')') {
            out.extend(self.declaration(false, true)?);
            if !self.accept(b',') && !self.is(b')') {
                return self.error(self.peek(), "',' or ')'");
            }
        }
        Ok(out)
    }

    /// One directive that declares one or more names; the semicolon is left.
    pub(super) fn variables(&mut self, external: bool) -> Result<Vec<Variable<'a>>> {
        self.declaration(external, false)
    }

    fn declaration(&mut self, external: bool, single: bool) -> Result<Vec<Variable<'a>>> {
        let first = self.peek();
        let (mut space, mut ty, mut align, mut vector) = (None, None, None, 1);
        while self.peek().kind == Kind::Word && self.peek().text.starts_with('.') {
            let token = self.next();
            match token.text {
                ".reg" => space = Some(Space::Reg),
                ".global" if space.is_none() => space = Some(Space::Global),
                ".const" if space.is_none() => space = Some(Space::Const),
                ".shared" if space.is_none() => space = Some(Space::Shared),
                ".local" if space.is_none() => space = Some(Space::Local),
                ".param" => space = Some(Space::Param),
                // the space behind `.ptr` is a promise about what is pointed to, and so is its `.align`
                ".ptr" => {
                    for hint in [".global", ".const", ".shared", ".local"] {
                        self.accept_word(hint);
                    }
                    if self.accept_word(".align") {
                        self.unsigned()?;
                    }
                }
                ".align" => align = Some(self.unsigned()?),
                ".v2" => vector = 2,
                ".v4" => vector = 4,
                ".unified" => {}
                ".attribute" => {
                    self.expect(b'(')?;
                    while !self.accept(b')') {
                        if self.next().kind == Kind::End {
                            return self.error(self.peek(), "')'");
                        }
                    }
                }
                other if ty.is_none() && space.is_some() => ty = Some(&other[1..]),
                _ => return self.error(token, "a declaration"),
            }
        }
        let (Some(space), Some(ty)) = (space, ty) else {
            return self.error(first, "a declaration");
        };
        let mut out = vec![];
        loop {
            let line = self.peek().line;
            let name = self.word()?;
            let mut variable = Variable {
                line,
                space,
                external,
                name,
                count: None,
                ty,
                vector,
                align,
                dims: vec![],
                init: None,
            };
            if self.accept(b'<') {
                variable.count = Some(self.unsigned()?);
                self.expect(b'>')?;
            }
            while self.accept(b'[') {
                variable.dims.push(if self.is(b']') {
                    0
                } else {
                    let token = self.peek();
                    match u32::try_from(self.integer()?) {
                        Ok(extent) => extent as usize,
                        Err(_) => return self.error(token, "an extent"),
                    }
                });
                self.expect(b']')?;
            }
            if self.accept(b'=') {
                variable.init = Some(self.initial()?);
            }
            out.push(variable);
            if single || !self.accept(b',') {
                return Ok(out);
            }
        }
    }

    fn initial(&mut self) -> Result<Init<'a>> {
        if self.accept(b'{') {
            self.deeper()?;
            let mut list = vec![];
            while !self.accept(b'}') {
                list.push(self.initial()?);
                if !self.accept(b',') && !self.is(b'}') {
                    return self.error(self.peek(), "',' or '}'");
                }
            }
            self.depth -= 1;
            return Ok(Init::List(list));
        }
        let token = self.peek();
        if token.kind != Kind::Word || token.text == "WARP_SZ" {
            return Ok(Init::Value(self.constant()?));
        }
        self.next();
        let generic = token.text == "generic" && self.accept(b'(');
        let name = if generic { self.word()? } else { token.text };
        let mut offset = 0;
        if generic {
            self.expect(b')')?;
        }
        if self.is(b'+') || self.is(b'-') {
            match self.term()? {
                Number::Int(v) => offset = v as i64,
                _ => return self.error(token, "an integer offset"),
            }
        }
        Ok(Init::Symbol {
            name,
            offset,
            generic,
        })
    }
}
