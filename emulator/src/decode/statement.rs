//! The statements of a function, one after the other: names, scopes, guards.

use super::class;
use super::control;
use super::depend;
use super::family;
use super::function::{Function, Name, Result, Scope};
use super::opcode::Opcode;
use super::symbols::variable_bytes;
use super::types::Type;
use crate::ptx::ast::{self, Instruction, Loc, Space, Statement, Variable};
use std::rc::Rc;

impl<'a> Function<'a, '_> {
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

    fn variable(&mut self, v: &'a Variable<'a>) -> Result<()> {
        self.line = v.line;
        let ty = self.type_named(v.ty)?;
        let Some(bytes) = variable_bytes(v, ty).and_then(|b| u32::try_from(b).ok()) else {
            return self.syntax(format!("'{}' is too large", v.name));
        };
        let align = v.align.unwrap_or(ty.bytes() * v.vector);
        let meaning = match (v.space, v.count) {
            (Space::Reg, Some(count)) => {
                if v.vector != 1 {
                    return self.unsupported("a range of vector registers");
                }
                if let Some(scope) = self.scopes.last_mut() {
                    scope.ranges.push((v.name, count, ty));
                }
                return Ok(());
            }
            (Space::Reg, None) => {
                if v.vector == 1 {
                    Name::Reg(self.temp(ty))
                } else {
                    Name::Vector((0..v.vector).map(|_| self.temp(ty)).collect())
                }
            }
            (Space::Shared, _) => Name::Shared(self.symbols.shared(v.name, bytes, align)?),
            (Space::Local | Space::Param, _) => Name::Local(self.local(bytes, align)?, bytes),
            (Space::Global | Space::Const, _) => {
                return self.unsupported("module variables inside a function");
            }
        };
        self.array(v);
        self.define(v.name, meaning)
    }

    /// Lets the elements of a variable be named.
    fn array(&mut self, v: &'a Variable<'a>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.arrays.insert(v.name, v);
        }
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
        if control::takes_guard(opcode.base) {
            let first = self.drafts.len();
            control::guarded_branch(self, &mut opcode, instruction, predicate, negated)?;
            class::note(instruction.opcode, &mut self.drafts[first..]);
            depend::note(instruction.opcode, &mut self.drafts[first..]);
            return Ok(());
        }
        if control::leaves(opcode.base) {
            // control or a wait under a guard: jump around it
            let behind = self.label();
            control::branch(self, behind, Some((predicate, !negated)));
            self.unguarded(&mut opcode, instruction)?;
            self.place(behind);
            return Ok(());
        }
        control::guard_begin(self, predicate, negated);
        let begin = self.drafts.len() - 1;
        self.guarded = true;
        let done = self.unguarded(&mut opcode, instruction);
        self.guarded = false;
        done?;
        control::guard_end(self, begin);
        Ok(())
    }

    fn unguarded(
        &mut self,
        opcode: &mut Opcode<'a>,
        instruction: &'a Instruction<'a>,
    ) -> Result<()> {
        let first = self.drafts.len();
        family::decode(self, opcode, &instruction.operands)?;
        class::note(instruction.opcode, &mut self.drafts[first..]);
        depend::note(instruction.opcode, &mut self.drafts[first..]);
        match opcode.untaken() {
            Some(modifier) => self.unsupported(format!("modifier .{modifier} of {}", opcode.text)),
            None => Ok(()),
        }
    }

    /// The parameters of the function itself.
    pub fn formals(&mut self, function: &'a ast::Function<'a>) -> Result<()> {
        for v in function.params.iter().chain(&function.returns) {
            self.array(v);
        }
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
}
