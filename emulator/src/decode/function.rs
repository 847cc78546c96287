//! One function on its way from statements to code.

use super::draft::{Draft, Label, Leave, Reg};
use super::module::Symbols;
use super::opcode::Opcode;
use super::types::Type;
use crate::exec::inst::Run;
use crate::exec::program::Constant;
use crate::exec::{LoadError, LoadErrorKind};
use crate::ptx::ast::{self, Instruction, Loc, Space, Statement, Variable};
use std::collections::HashMap;
use std::rc::Rc;

/// Offset and size in local memory, of the parameters and of the results.
type Formals = (Vec<(u32, u32)>, Vec<(u32, u32)>);

pub type Result<T> = std::result::Result<T, LoadError>;

/// What a name means inside a function.
#[derive(Clone, Debug)]
pub enum Name<'a> {
    Reg(Reg),
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

/// Sizes of a function's parameters and results, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub params: Vec<u32>,
    pub returns: Vec<u32>,
}

#[derive(Default)]
struct Scope<'a> {
    names: HashMap<&'a str, Name<'a>>,
    /// `.reg .b32 %r<10>`: prefix, count, type.
    ranges: Vec<(&'a str, u32, Type)>,
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
    scopes: Vec<Scope<'a>>,
    guarded: bool,
    carry: Option<Reg>,
}

/// Bytes of a variable.
pub fn variable_bytes(v: &Variable<'_>, ty: Type) -> Option<usize> {
    let element = ty.bytes() as usize * v.vector as usize;
    v.dims.iter().try_fold(element, |n, d| n.checked_mul(*d))
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
    pub fn emit(&mut self, runs: [Run; 3]) -> &mut Draft {
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
        None
    }

    pub fn statements(&mut self, list: &'a [Statement<'a>]) -> Result<()> {
        for statement in list {
            if let Statement::Label(line, name) = statement {
                self.line = *line;
                let label = self.label();
                self.define(name, Name::Label(label))?;
            }
        }
        for statement in list {
            match statement {
                Statement::Label(_, name) => {
                    if let Some(Name::Label(label)) = self.lookup(name) {
                        self.place(label);
                    }
                }
                Statement::Variables(variables) => {
                    for variable in variables {
                        self.variable(variable)?;
                    }
                }
                Statement::Block(inner) => {
                    self.scopes.push(Scope::default());
                    self.statements(inner)?;
                    self.scopes.pop();
                }
                Statement::Loc(loc) => self.pending_loc(*loc),
                Statement::Prototype(prototype) => {
                    let signature = Rc::new(
                        self.symbols
                            .signature(&prototype.params, &prototype.returns)?,
                    );
                    self.define(prototype.label, Name::Prototype(signature))?;
                }
                Statement::Targets { label, names } => {
                    self.define(label, Name::Targets(Rc::new(names.clone())))?;
                }
                Statement::Instruction(instruction) => self.instruction(instruction)?,
            }
        }
        Ok(())
    }

    fn pending_loc(&mut self, loc: Loc) {
        self.locs.push((0, loc));
    }

    fn variable(&mut self, v: &Variable<'a>) -> Result<()> {
        self.line = v.line;
        let ty = self.type_named(v.ty)?;
        let Some(bytes) = variable_bytes(v, ty).and_then(|b| u32::try_from(b).ok()) else {
            return self.syntax(format!("'{}' is too large", v.name));
        };
        let align = v.align.unwrap_or(ty.bytes() * v.vector);
        let meaning = match (v.space, v.count) {
            (Space::Reg, Some(count)) => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.ranges.push((v.name, count, ty));
                }
                return Ok(());
            }
            (Space::Reg, None) => {
                if v.vector != 1 {
                    return self.unsupported("vector registers");
                }
                Name::Reg(self.temp(ty))
            }
            (Space::Shared, _) => Name::Shared(self.symbols.shared(v.name, bytes, align)?),
            (Space::Local | Space::Param, _) => Name::Local(self.local(bytes, align)?, bytes),
            (Space::Global | Space::Const, _) => {
                return self.unsupported("module variables inside a function");
            }
        };
        self.define(v.name, meaning)
    }

    fn instruction(&mut self, instruction: &'a Instruction<'a>) -> Result<()> {
        self.line = instruction.line;
        if let Some((line, _)) = self.locs.last_mut()
            && *line == 0
        {
            *line = instruction.line;
        }
        let mut opcode = Opcode::new(instruction.opcode);
        let Some((name, negated)) = instruction.guard else {
            return self.unguarded(&mut opcode, instruction);
        };
        let predicate = self.register(name, Type::Pred)?;
        if super::control::takes_guard(opcode.base) {
            return super::control::guarded_branch(
                self,
                &mut opcode,
                instruction,
                predicate,
                negated,
            );
        }
        if super::control::leaves(opcode.base) {
            // control or a wait under a guard: jump around it
            let behind = self.label();
            super::control::branch(self, behind, Some((predicate, !negated)));
            self.unguarded(&mut opcode, instruction)?;
            self.place(behind);
            return Ok(());
        }
        super::control::guard_begin(self, predicate, negated);
        let begin = self.drafts.len() - 1;
        self.guarded = true;
        let done = self.unguarded(&mut opcode, instruction);
        self.guarded = false;
        done?;
        super::control::guard_end(self, begin);
        Ok(())
    }

    fn unguarded(
        &mut self,
        opcode: &mut Opcode<'a>,
        instruction: &'a Instruction<'a>,
    ) -> Result<()> {
        super::family::decode(self, opcode, &instruction.operands)?;
        match opcode.untaken() {
            Some(modifier) => self.unsupported(format!("modifier .{modifier} of {}", opcode.text)),
            None => Ok(()),
        }
    }

    /// The parameters of the function itself.
    pub fn formals(&mut self, function: &ast::Function<'a>) -> Result<()> {
        if self.entry {
            let mut end = 0u32;
            for v in &function.params {
                let (bytes, align) = self.symbols.formal(v)?;
                let at = end.next_multiple_of(align);
                end = at + bytes;
                self.define(v.name, Name::Param(at))?;
            }
            return Ok(());
        }
        for v in function.returns.iter().chain(&function.params) {
            if v.space == Space::Reg {
                return self.unsupported("parameters in registers");
            }
            let (bytes, align) = self.symbols.formal(v)?;
            let at = self.local(bytes, align)?;
            self.define(v.name, Name::Local(at, bytes))?;
            let is_return = function.returns.iter().any(|r| std::ptr::eq(r, v));
            if is_return {
                self.formals.1.push((at, bytes))
            } else {
                self.formals.0.push((at, bytes))
            }
        }
        Ok(())
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
