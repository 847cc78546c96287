//! A text as a linker sees it: which names it defines, which it asks for, and where.

use crate::ptx::SyntaxError;
use crate::ptx::lexer::{Kind, Token, tokens};
use std::ops::Range;

/// Who may mean a name (PTX ISA, "Linking Directives").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linkage {
    Local,
    Visible,
    Weak,
    Common,
    Extern,
}

/// A function or the variables of one directive.
pub(super) struct Item<'a> {
    pub(super) linkage: Linkage,
    pub(super) names: Vec<&'a str>,
    /// `.func f;` says only that there is one.
    pub(super) defines: bool,
    /// Dynamic shared memory is declared by everybody and defined by nobody.
    pub(super) shared: bool,
    pub(super) at: Range<usize>,
}

pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) version: (u32, u32),
    pub(super) target: Vec<&'a str>,
    /// What a text has once: the linked one writes its own. And debug sections.
    pub(super) header: Vec<Range<usize>>,
    pub(super) items: Vec<Item<'a>>,
}

impl<'a> Text<'a> {
    /// `text` has been parsed, so what is scanned is well-formed.
    pub(super) fn scan(text: &'a str) -> Result<Text<'a>, SyntaxError> {
        let mut out = Text {
            text,
            tokens: tokens(text)?,
            version: (0, 0),
            target: vec![],
            header: vec![],
            items: vec![],
        };
        let mut at = 0;
        while out.tokens[at].kind != Kind::End {
            at = out.statement(at);
        }
        Ok(out)
    }

    /// Bytes of a token in the text.
    pub(super) fn place(&self, token: usize) -> Range<usize> {
        let token = self.tokens[token];
        if token.kind == Kind::End {
            return self.text.len()..self.text.len();
        }
        let start = token.text.as_ptr().addr() - self.text.as_ptr().addr();
        start..start + token.text.len()
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|t| t.text == text && t.kind != Kind::Text)
    }

    /// Takes a statement of module scope; where the next begins.
    fn statement(&mut self, start: usize) -> usize {
        let mut end = start + 1;
        match self.tokens[start].text {
            ".version" => {
                let parts = self.tokens[end].text.split_once('.');
                self.version = parts
                    .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)))
                    .unwrap_or((0, 0));
                end += 1;
            }
            ".target" => {
                self.target.push(self.tokens[end].text);
                end += 1;
                while self.is(end, ",") {
                    self.target.push(self.tokens[end + 1].text);
                    end += 2;
                }
            }
            ".address_size" => end += 1,
            ".section" => end = self.behind_braces(end + 1),
            ".file" => {
                end += 2;
                while self.is(end, ",") {
                    end += 2;
                }
                return end;
            }
            ";" => return end,
            _ => return self.item(start),
        }
        end = end.min(self.tokens.len() - 1);
        self.header
            .push(self.place(start).start..self.place(end - 1).end);
        end
    }

    fn behind_braces(&self, open: usize) -> usize {
        let mut depth = 0;
        for at in open..self.tokens.len() - 1 {
            depth += i32::from(self.is(at, "{")) - i32::from(self.is(at, "}"));
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len() - 1
    }

    fn item(&mut self, start: usize) -> usize {
        let mut item = Item {
            linkage: Linkage::Local,
            names: vec![],
            defines: true,
            shared: false,
            at: 0..0,
        };
        let mut at = start;
        loop {
            item.linkage = match self.tokens[at].text {
                ".visible" => Linkage::Visible,
                ".weak" => Linkage::Weak,
                ".common" => Linkage::Common,
                ".extern" => Linkage::Extern,
                _ => break,
            };
            at += 1;
        }
        let end = match self.tokens[at].text {
            ".entry" | ".func" => self.function(at, &mut item),
            _ => self.variables(at, &mut item),
        };
        item.at = self.place(start).start..self.place(end - 1).end;
        self.items.push(item);
        end
    }

    fn function(&self, at: usize, item: &mut Item<'a>) -> usize {
        if self.is(at, ".entry") && item.linkage == Linkage::Local {
            // the host may ask for any kernel
            item.linkage = Linkage::Visible;
        }
        let (mut depth, mut at) = (0, at + 1);
        while self.tokens[at].kind != Kind::End {
            depth += i32::from(self.is(at, "(")) - i32::from(self.is(at, ")"));
            if self.is(at, "{") {
                return self.behind_braces(at);
            }
            if self.is(at, ";") {
                item.defines = false;
                return at + 1;
            }
            let word = self.tokens[at];
            if depth == 0
                && item.names.is_empty()
                && word.kind == Kind::Word
                && !word.text.starts_with('.')
            {
                item.names.push(word.text);
            }
            at += 1;
        }
        at
    }

    fn variables(&self, mut at: usize, item: &mut Item<'a>) -> usize {
        let (mut depth, mut named) = (0, false);
        item.defines = item.linkage != Linkage::Extern;
        while self.tokens[at].kind != Kind::End {
            let token = self.tokens[at];
            match token.text {
                "(" | "{" | "[" if token.kind != Kind::Text => depth += 1,
                ")" | "}" | "]" if token.kind != Kind::Text => depth -= 1,
                ";" => return at + 1,
                "," if depth == 0 => named = false,
                ".shared" => item.shared = true,
                word if depth == 0
                    && !named
                    && token.kind == Kind::Word
                    && !word.starts_with('.') =>
                {
                    item.names.push(word);
                    named = true;
                }
                _ => {}
            }
            at += 1;
        }
        at
    }
}
