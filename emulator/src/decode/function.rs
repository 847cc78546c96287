//! One function on its way from statements to code: its registers, labels and names, and what it has emitted.

use super::draft::{Draft, Label, Leave, Reg};
use super::symbols::Symbols;
use super::types::Type;
use crate::exec::state::{Constant, Run};
use crate::exec::{LoadError, LoadErrorKind};
use crate::ptx::ast::{Loc, Variable};
use std::collections::HashMap;
use std::rc::Rc;

pub use super::symbols::{Result, Signature};

/// Offset and size in local memory, of the parameters and of the results.
type Formals = (Vec<(u32, u32)>, Vec<(u32, u32)>);

/// What a name means inside a function.
#[derive(Clone, Debug)]
pub enum Name<'a> {
    Reg(Reg),
    /// `.reg .v4 .f32`: its elements.
    Vector(Rc<[Reg]>),
    Label(Label),
    /// `.shared`: offset in the block's shared memory.
    Shared(u64),
    /// `.local`, or a `.param` of a device function or call: offset in the function's local frame, and size.
    Local(u32, u32),
    /// `.param` of a kernel: offset in the parameter block.
    Param(u32),
    Prototype(Rc<Signature>),
    Targets(Rc<Vec<&'a str>>),
}

#[derive(Default)]
pub(super) struct Scope<'a> {
    names: HashMap<&'a str, Name<'a>>,
    /// `.reg .b32 %r<10>`: prefix, count, type.
    pub(super) ranges: Vec<(&'a str, u32, Type)>,
    /// Variables whose elements can be named.
    pub(super) arrays: HashMap<&'a str, &'a Variable<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn named(&self, name: &str) -> Option<Name<'a>> {
        self.names.get(name).cloned()
    }
}

pub struct Function<'a, 's> {
    pub symbols: &'s mut Symbols<'a>,
    pub entry: bool,
    pub line: u32,
    pub drafts: Vec<Draft>,
    pub pool: Vec<u32>,
    pub types: Vec<Type>,
    pub constants: HashMap<Constant, Reg>,
    pub labels: Vec<Option<usize>>,
    pub local_bytes: u32,
    pub locs: Vec<(u32, Loc)>,
    pub formals: Formals,
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) guarded: bool,
    carry: Option<Reg>,
}

impl<'a, 's> Function<'a, 's> {
    pub fn new(symbols: &'s mut Symbols<'a>, entry: bool, line: u32) -> Self {
        Function {
            symbols,
            entry,
            line,
            drafts: vec![],
            pool: vec![],
            types: vec![],
            constants: HashMap::new(),
            labels: vec![],
            local_bytes: 0,
            locs: vec![],
            formals: (vec![], vec![]),
            scopes: vec![Scope::default()],
            guarded: false,
            carry: None,
        }
    }

    pub fn error<T>(&self, kind: LoadErrorKind, message: impl Into<String>) -> Result<T> {
        Err(LoadError {
            line: self.line,
            kind,
            message: message.into(),
        })
    }

    pub fn syntax<T>(&self, message: impl Into<String>) -> Result<T> {
        self.error(LoadErrorKind::Syntax, message)
    }

    pub fn unsupported<T>(&self, message: impl Into<String>) -> Result<T> {
        self.error(LoadErrorKind::Unsupported, message)
    }

    pub fn type_named(&self, name: &str) -> Result<Type> {
        match Type::named(name) {
            Some(ty) => Ok(ty),
            None => self.unsupported(format!("type .{name}")),
        }
    }

    /// A fresh register.
    pub fn temp(&mut self, ty: Type) -> Reg {
        self.types.push(ty);
        Reg(self.types.len() as u32 - 1)
    }

    /// The register of a constant.
    pub fn constant(&mut self, constant: Constant, ty: Type) -> Reg {
        if let Some(reg) = self.constants.get(&constant) {
            return *reg;
        }
        let reg = self.temp(ty);
        self.constants.insert(constant, reg);
        reg
    }

    /// The condition code register.
    pub fn carry(&mut self) -> Reg {
        match self.carry {
            Some(reg) => reg,
            None => {
                let reg = self.temp(Type::Pred);
                self.carry = Some(reg);
                reg
            }
        }
    }

    /// Adds an instruction.
    pub fn emit(&mut self, runs: Run) -> &mut Draft {
        let at = self.drafts.len();
        self.drafts.push(Draft::new(runs, self.line, self.guarded));
        &mut self.drafts[at]
    }

    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    pub fn place(&mut self, label: Label) {
        self.labels[label.0 as usize] = Some(self.drafts.len());
    }

    /// Room in the function's local frame.
    pub fn local(&mut self, bytes: u32, align: u32) -> Result<u32> {
        let at = self.local_bytes.checked_next_multiple_of(align.max(1));
        match at.and_then(|at| Some((at, at.checked_add(bytes)?))) {
            Some((at, end)) if end <= 1 << 19 => {
                self.local_bytes = end;
                Ok(at)
            }
            _ => self.unsupported("more than 512 KiB of local memory"),
        }
    }

    pub fn define(&mut self, name: &'a str, meaning: Name<'a>) -> Result<()> {
        let Some(scope) = self.scopes.last_mut() else {
            return Ok(());
        };
        if scope.names.insert(name, meaning).is_some() {
            return self.syntax(format!("'{name}' is declared twice"));
        }
        Ok(())
    }

    /// What a name means here; module variables are not among it.
    pub fn lookup(&mut self, name: &'a str) -> Option<Name<'a>> {
        for at in (0..self.scopes.len()).rev() {
            if let Some(found) = self.scopes[at].names.get(name) {
                return Some(found.clone());
            }
            let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let range = self.scopes[at].ranges.iter().find(|(prefix, ..)| {
                name.starts_with(prefix) && prefix.len() >= stem.len() && prefix.len() < name.len()
            });
            if let Some((prefix, count, ty)) = range.copied() {
                let number: u32 = name[prefix.len()..].parse().ok()?;
                if number >= count {
                    return None;
                }
                let reg = self.temp(ty);
                self.scopes[at].names.insert(name, Name::Reg(reg));
                return Some(Name::Reg(reg));
            }
        }
        self.component(name)
    }

    /// A branch's target label by name.
    pub fn target(&mut self, name: &'a str) -> Result<Label> {
        match self.lookup(name) {
            Some(Name::Label(label)) => Ok(label),
            _ => self.error(LoadErrorKind::Unresolved, format!("label '{name}'")),
        }
    }

    /// Makes the last instruction leave so.
    pub fn leave(&mut self, leave: Leave) {
        if let Some(last) = self.drafts.last_mut() {
            last.leave = leave;
        }
    }
}
