//! Elements: of arrays, by an index (PTX ISA, "Arrays as Operands"), and of vectors (PTX ISA, "Vectors as Operands").

use super::draft::Reg;
use super::function::{Function, Name, Result};
use super::operand::{Address, width};
use super::types::Type;
use crate::exec::handler::{Map1, Map3, select};
use crate::exec::{integer, movement};
use crate::ptx::ast::{Operand, Variable};

impl<'a> Function<'a, '_> {
    /// Bytes of an element of an array.
    fn element_bytes(&mut self, name: &'a str) -> Result<u32> {
        let known = |v: &&'a Variable<'a>| !v.dims.is_empty();
        let scopes = self.scopes.iter().rev();
        let found = scopes
            .filter_map(|scope| scope.arrays.get(name))
            .chain(self.symbols.variables.get(name))
            .next()
            .copied();
        match found {
            // what one index of several leaves is not said
            Some(v) if v.dims.len() > 1 => self.unsupported(format!(
                "an element of '{name}', which has {} dimensions",
                v.dims.len()
            )),
            Some(v) if known(&v) => Ok(self.type_named(v.ty)?.bytes() * v.vector),
            _ => self.syntax(format!("'{name}' is no array")),
        }
    }

    fn offset_bytes(&mut self, name: &'a str, offset: i64) -> Result<(u32, i64)> {
        let size = self.element_bytes(name)?;
        match offset.checked_mul(size.into()) {
            Some(bytes) => Ok((size, bytes)),
            None => self.syntax(format!("the index of '{name}' is too large")),
        }
    }

    /// The address of an element as a value of a type.
    pub(super) fn element(
        &mut self,
        name: &'a str,
        index: Option<&'a str>,
        offset: i64,
        ty: Type,
    ) -> Result<Reg> {
        let (size, bytes) = self.offset_bytes(name, offset)?;
        let start = self.named(name, bytes, ty)?;
        match index {
            None => Ok(start),
            Some(index) => self.indexed(start, index, size, ty),
        }
    }

    /// The address of an element where an instruction goes there.
    pub(super) fn element_address(
        &mut self,
        name: &'a str,
        index: Option<&'a str>,
        offset: i64,
    ) -> Result<Address> {
        let Some(index) = index else {
            let (_, bytes) = self.offset_bytes(name, offset)?;
            return self.address_of(name, bytes);
        };
        let (size, bytes) = self.offset_bytes(name, offset)?;
        let local = matches!(self.lookup(name), Some(Name::Local(..)));
        let start = self.named(name, bytes, Type::B64)?;
        Ok(Address {
            base: self.indexed(start, index, size, Type::B64)?,
            wide: true,
            offset: 0,
            param: None,
            local,
        })
    }

    /// `start + index * size`, the index as its register's type has it.
    fn indexed(&mut self, start: Reg, index: &'a str, size: u32, ty: Type) -> Result<Reg> {
        let index = self.any_register(index)?;
        let index_type = self.types[index.0 as usize];
        let runs = match (index_type.bits(), ty.bits(), index_type.signed()) {
            (32, 32, _) => select::<Map3<integer::Mad<u32>>>(),
            (32, 64, false) => select::<Map3<integer::MadWide<u32>>>(),
            (32, 64, true) => select::<Map3<integer::MadWide<i32>>>(),
            (64, 64, _) => select::<Map3<integer::Mad<u64>>>(),
            _ => return self.unsupported("an index of this width"),
        };
        let size = self.bits(size.into(), index_type.untyped());
        let sum = self.temp(ty.untyped());
        self.emit(runs)
            .def(0, sum)
            .uses(1, index)
            .uses(2, size)
            .uses(3, start);
        Ok(sum)
    }

    /// `V.x` or `V.r` of a vector register.
    pub(super) fn component(&mut self, name: &'a str) -> Option<Name<'a>> {
        let (vector, which) = name.rsplit_once('.')?;
        let at = "xyzw".find(which).or_else(|| "rgba".find(which));
        match self.scopes.iter().rev().find_map(|s| s.named(vector))? {
            Name::Vector(regs) if which.len() == 1 => Some(Name::Reg(*regs.get(at?)?)),
            _ => None,
        }
    }

    /// How many elements an operand has that is a list in braces or a vector register.
    pub(super) fn parts(&mut self, operand: &Operand<'a>) -> Option<usize> {
        match operand {
            Operand::Vector(list) => Some(list.len()),
            Operand::Name(name) => match self.lookup(name) {
                Some(Name::Vector(regs)) => Some(regs.len()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The registers of an operand: those of a list in braces, those of a vector register of the type, or the one.
    pub(super) fn each(
        &mut self,
        operand: &'a Operand<'a>,
        ty: Type,
        mut take: impl FnMut(&mut Self, &'a Operand<'a>) -> Result<Reg>,
    ) -> Result<Vec<Reg>> {
        match operand {
            Operand::Vector(list) => list.iter().map(|part| take(self, part)).collect(),
            Operand::Name(name) => match self.lookup(name) {
                Some(Name::Vector(regs)) => match regs.first() {
                    Some(first) if width(self.types[first.0 as usize]) == width(ty) => {
                        Ok(regs.to_vec())
                    }
                    _ => self.syntax(format!(
                        "the elements of '{name}' do not have {} bits",
                        ty.bits()
                    )),
                },
                _ => Ok(vec![take(self, operand)?]),
            },
            _ => Ok(vec![take(self, operand)?]),
        }
    }

    /// `mov.v2`, `mov.v4`: between lists, vector registers and special registers of several elements.
    pub(super) fn move_vector(
        &mut self,
        count: usize,
        ty: Type,
        d: &'a Operand<'a>,
        s: &'a Operand<'a>,
    ) -> Result<()> {
        let sources = match s {
            Operand::Name(name) if name.starts_with('%') && self.lookup(name).is_none() => {
                let axes = ["x", "y", "z", "w"].into_iter().take(count);
                axes.map(|axis| self.special(&format!("{}.{axis}", &name[1..]), ty))
                    .collect::<Result<Vec<Reg>>>()?
            }
            _ => self.each(s, ty, |f, part| f.src(part, ty))?,
        };
        let targets = self.each(d, ty, |f, part| f.dst(part, ty))?;
        let runs = match width(ty) {
            16 => select::<Map1<movement::Mov<u16>>>(),
            32 => select::<Map1<movement::Mov<u32>>>(),
            64 => select::<Map1<movement::Mov<u64>>>(),
            _ => return self.unsupported("a vector of this type"),
        };
        if sources.len() != count || targets.len() != count {
            return self.syntax(format!("mov of {count} elements"));
        }
        // all are read before the first is written
        let between: Vec<Reg> = sources.iter().map(|_| self.temp(ty.untyped())).collect();
        let first = sources.iter().zip(&between);
        for (from, to) in first.chain(between.iter().zip(&targets)) {
            self.emit(runs).def(0, *to).uses(1, *from);
        }
        Ok(())
    }
}
