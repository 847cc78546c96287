//! Operands to registers; numbers, special registers and addresses become constants.

use super::draft::Reg;
use super::function::{Function, Name, Result};
use super::types::Type;
use crate::exec::state::{Constant, Special, space};
use crate::exec::{LoadErrorKind, handler};
use crate::ptx::ast::{Number, Operand};

/// Where an address operand points.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// Register with the address, 32 or 64 bits wide.
    pub base: Reg,
    pub wide: bool,
    pub offset: i64,
    /// The base is a parameter of the kernel at this offset.
    pub param: Option<u32>,
    /// The base is in the function's local frame, whatever the instruction's state space says.
    pub local: bool,
}

impl<'a> Function<'a, '_> {
    /// A register by name, which must have the type's width.
    pub fn register(&mut self, name: &'a str, ty: Type) -> Result<Reg> {
        let reg = self.any_register(name)?;
        if width(self.types[reg.0 as usize]) != width(ty) {
            return self.syntax(format!(
                "'{name}' does not have the {} bits of its instruction's type",
                ty.bits()
            ));
        }
        Ok(reg)
    }

    /// A register by name.
    pub fn any_register(&mut self, name: &'a str) -> Result<Reg> {
        match self.lookup(name) {
            Some(Name::Reg(reg)) => Ok(reg),
            _ => self.error(LoadErrorKind::Unresolved, format!("register '{name}'")),
        }
    }

    /// A destination; `_` is a register that nobody reads.
    pub fn dst(&mut self, operand: &Operand<'a>, ty: Type) -> Result<Reg> {
        match operand {
            Operand::Name("_") => Ok(self.temp(ty)),
            Operand::Name(name) => self.register(name, ty),
            _ => self.syntax("the destination is no register"),
        }
    }

    /// A destination whose register may be wider than the type (`ld`, `cvt`).
    pub fn wide_dst(&mut self, operand: &Operand<'a>, ty: Type) -> Result<Reg> {
        match operand {
            Operand::Name("_") => Ok(self.temp(ty)),
            Operand::Name(name) => {
                let reg = self.any_register(name)?;
                self.at_least(reg, ty, name)
            }
            _ => self.syntax("the destination is no register"),
        }
    }

    fn at_least(&self, reg: Reg, ty: Type, name: &str) -> Result<Reg> {
        let have = self.types[reg.0 as usize];
        if have == Type::Pred || width(have) < width(ty) {
            return self.syntax(format!("'{name}' is narrower than its instruction's type"));
        }
        Ok(reg)
    }

    /// A source whose register may be wider than the type (`st`, `cvt`).
    pub fn wide_src(&mut self, operand: &Operand<'a>, ty: Type) -> Result<Reg> {
        if let Operand::Name(name) = operand
            && let Some(Name::Reg(reg)) = self.lookup(name)
        {
            return self.at_least(reg, ty, name);
        }
        self.src(operand, ty)
    }

    /// A source of exactly the type's width.
    pub fn src(&mut self, operand: &Operand<'a>, ty: Type) -> Result<Reg> {
        match operand {
            Operand::Number(number) => self.number(*number, ty),
            Operand::Name(name) => self.named(name, 0, ty),
            Operand::Sum(name, offset) => self.named(name, *offset, ty),
            Operand::Not(_) if ty == Type::Pred => self.predicate(operand),
            Operand::Element {
                name,
                index,
                offset,
            } => self.element(name, *index, *offset, ty),
            _ => self.syntax("the operand is no register and no constant"),
        }
    }

    /// A predicate, negated into a register of its own if it must be.
    pub fn predicate(&mut self, operand: &Operand<'a>) -> Result<Reg> {
        match operand {
            Operand::Name(name) => self.named(name, 0, Type::Pred),
            Operand::Not(name) => {
                let source = self.register(name, Type::Pred)?;
                let reg = self.temp(Type::Pred);
                self.emit(handler::select::<crate::exec::predicate::Not>())
                    .def(0, reg)
                    .uses(1, source);
                Ok(reg)
            }
            Operand::Number(Number::Int(value)) => {
                Ok(self.constant(Constant::Flag(*value != 0), Type::Pred))
            }
            _ => self.syntax("the operand is no predicate"),
        }
    }

    /// The constant of a number in a type.
    pub fn number(&mut self, number: Number, ty: Type) -> Result<Reg> {
        let bits: u64 = match (number, ty) {
            (Number::Int(value), Type::F64) if value != 0 => (value as f64).to_bits(),
            (Number::Int(value), Type::F32) if value != 0 => u64::from((value as f32).to_bits()),
            (Number::Int(value), _) => value as u64,
            (Number::F32(bits), _) if ty.bits() == 32 => bits.into(),
            (Number::F64(bits), _) if ty.bits() == 64 => bits,
            (Number::F32(bits), Type::F64) => f64::from(f32::from_bits(bits)).to_bits(),
            (Number::F64(bits), Type::F32) => u64::from((f64::from_bits(bits) as f32).to_bits()),
            _ => return self.syntax("the number does not fit the instruction's type"),
        };
        Ok(self.bits(bits, ty))
    }

    /// The constant of these bits.
    pub fn bits(&mut self, bits: u64, ty: Type) -> Reg {
        let constant = match width(ty) {
            1 => Constant::Flag(bits != 0),
            16 => Constant::Bits16(if ty.bits() == 8 {
                bits as u8 as u16
            } else {
                bits as u16
            }),
            32 => Constant::Bits32(bits as u32),
            64 => Constant::Bits64(bits),
            _ => Constant::Bits128(bits.into()),
        };
        self.constant(constant, ty.untyped())
    }

    pub(super) fn named(&mut self, name: &'a str, offset: i64, ty: Type) -> Result<Reg> {
        if let Some(meaning) = self.lookup(name) {
            return match meaning {
                Name::Reg(reg) if offset == 0 => {
                    if width(self.types[reg.0 as usize]) != width(ty) {
                        return self.syntax(format!("'{name}' does not have {} bits", ty.bits()));
                    }
                    Ok(reg)
                }
                Name::Shared(at) => Ok(self.bits(at.wrapping_add_signed(offset), ty)),
                Name::Param(at) => Ok(self.bits(
                    (space::PARAM + u64::from(at)).wrapping_add_signed(offset),
                    ty,
                )),
                Name::Local(at, _) => Ok(self.local_address(at, offset, ty)),
                _ => self.syntax(format!("'{name}' is no value")),
            };
        }
        if let Some(special) = name.strip_prefix('%') {
            return self.special(special, ty);
        }
        if name == "WARP_SZ" {
            return Ok(self.bits(32, ty));
        }
        match self.symbols.address(name)? {
            Some(address) => Ok(self.bits(address.wrapping_add_signed(offset), ty)),
            None => self.error(LoadErrorKind::Unresolved, format!("name '{name}'")),
        }
    }

    fn local_address(&mut self, at: u32, offset: i64, ty: Type) -> Reg {
        let plus = offset as u64;
        self.constant(Constant::Local(at, plus, ty.bytes() as u8), ty.untyped())
    }

    pub(super) fn special(&mut self, name: &str, ty: Type) -> Result<Reg> {
        if let Some(runs) = super::control::clock(name) {
            let reg = self.temp(ty);
            let bits = ty.bits() as u8;
            self.emit(runs).def(0, reg).m(0, bits);
            return Ok(reg);
        }
        match Special::named(name) {
            Some(Special::IsExplicitCluster) if ty == Type::Pred => {
                let reg = self.temp(Type::Pred);
                self.emit(handler::select::<crate::exec::hopper::cluster::Explicit>())
                    .def(0, reg);
                Ok(reg)
            }
            Some(special) if ty.bits() >= 16 => {
                Ok(self.constant(Constant::Special(special, ty.bytes() as u8), ty.untyped()))
            }
            _ => self.error(LoadErrorKind::Unresolved, format!("register '%{name}'")),
        }
    }

    /// An address in brackets.
    pub fn address(&mut self, operand: &Operand<'a>) -> Result<Address> {
        if let Operand::Element {
            name,
            index,
            offset,
        } = operand
        {
            return self.element_address(name, *index, *offset);
        }
        let Operand::Address { base, offset, rest } = operand else {
            return self.syntax("expected an address in brackets");
        };
        if !rest.is_empty() {
            return self.unsupported("tensor address");
        }
        let plain = |base, wide| Address {
            base,
            wide,
            offset: *offset,
            param: None,
            local: false,
        };
        match &**base {
            Operand::Number(number) => Ok(plain(self.number(*number, Type::B64)?, true)),
            Operand::Name(name) => self.address_of(name, *offset),
            _ => self.syntax("expected an address in brackets"),
        }
    }

    /// The address that a register or a variable holds, plus bytes.
    pub(super) fn address_of(&mut self, name: &'a str, offset: i64) -> Result<Address> {
        let plain = |base, wide| Address {
            base,
            wide,
            offset,
            param: None,
            local: false,
        };
        match self.lookup(name) {
            Some(Name::Reg(reg)) => match width(self.types[reg.0 as usize]) {
                32 => Ok(plain(reg, false)),
                64 => Ok(plain(reg, true)),
                _ => self.syntax(format!("'{name}' is no address")),
            },
            Some(Name::Param(at)) => {
                let base = self.bits(u64::from(at), Type::B64);
                Ok(Address {
                    param: Some(at),
                    ..plain(base, true)
                })
            }
            Some(Name::Local(at, _)) => {
                let base = self.local_address(at, 0, Type::B64);
                Ok(Address {
                    local: true,
                    ..plain(base, true)
                })
            }
            _ => Ok(plain(self.named(name, 0, Type::B64)?, true)),
        }
    }
}

/// Bits of the row that holds a type: bytes lie in rows of 16 bits.
pub fn width(ty: Type) -> u32 {
    match ty.bits() {
        8 => 16,
        bits => bits,
    }
}
