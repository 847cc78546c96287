//! Variables of a module: their addresses, their memory, their initial values.

use super::symbols::{Result, Symbols, fail, variable_bytes};
use super::types::Type;
use crate::exec::LoadErrorKind;
use crate::exec::state::space;
use crate::ptx::ast::{Init, Number, Space, Variable};

impl<'a> Symbols<'a> {
    /// Room in the block's shared memory for a variable.
    pub fn shared(&mut self, name: &'a str, bytes: u32, align: u32) -> Result<u64> {
        if let Some(at) = self.shared.get(name) {
            return Ok(*at);
        }
        let at = self.shared_end.checked_next_multiple_of(align.max(1));
        match at.and_then(|at| Some((at, at.checked_add(bytes)?))) {
            Some((at, end)) if end <= 1 << 20 => {
                self.shared_end = end;
                self.shared.insert(name, at.into());
                Ok(at.into())
            }
            _ => fail(
                0,
                LoadErrorKind::Unsupported,
                format!("shared variable '{name}' is too large"),
            ),
        }
    }

    /// The address of a module variable in its own space, or a function's pointer.
    pub fn address(&mut self, name: &str) -> Result<Option<u64>> {
        if let Some((address, _)) = self.globals.get(name) {
            return Ok(Some(*address));
        }
        if let Some(index) = self.functions.get(name) {
            let index = *index;
            if !self.source.functions[index].entry {
                self.routine(name);
            }
            return Ok(Some(space::CODE + index as u64));
        }
        let Some(v) = self.variables.get(name).copied() else {
            return Ok(None);
        };
        let Some(ty) = Type::named(v.ty) else {
            return fail(
                v.line,
                LoadErrorKind::Unsupported,
                format!("type .{}", v.ty),
            );
        };
        let Some(bytes) = variable_bytes(v, ty) else {
            return fail(
                v.line,
                LoadErrorKind::Syntax,
                format!("'{name}' is too large"),
            );
        };
        let align = v.align.unwrap_or(ty.bytes() * v.vector);
        match v.space {
            Space::Shared if v.external => {
                self.dynamic_used = true;
                self.dynamic_align = self.dynamic_align.max(align);
                Ok(Some(self.dynamic_at.unwrap_or(0).into()))
            }
            Space::Shared => Ok(Some(self.shared(
                v.name,
                bytes.try_into().unwrap_or(u32::MAX),
                align,
            )?)),
            Space::Global | Space::Const if v.external => fail(
                v.line,
                LoadErrorKind::Unresolved,
                format!("'{name}' is external and nothing defines it"),
            ),
            Space::Global | Space::Const => self.allocate(v, ty, bytes.max(1)).map(Some),
            _ => fail(
                v.line,
                LoadErrorKind::Syntax,
                format!("'{name}' in a space that a module does not have"),
            ),
        }
    }

    fn allocate(&mut self, v: &'a Variable<'a>, ty: Type, bytes: usize) -> Result<u64> {
        let address = match self.memory.alloc(bytes) {
            Ok(address) => address,
            Err(_) => {
                return fail(
                    v.line,
                    LoadErrorKind::OutOfMemory,
                    format!("no memory for '{}'", v.name),
                );
            }
        };
        self.globals.insert(v.name.to_owned(), (address, bytes));
        let written = if let Some(init) = &v.init {
            let (mut data, mut at) = (vec![0; bytes], 0);
            self.initialise(v, init, ty, &v.dims, &mut data, &mut at)?;
            self.memory.write(address, &data)
        } else {
            self.memory.fill(address, &[0], bytes)
        };
        match written {
            Ok(()) => Ok(address),
            Err(_) => fail(
                v.line,
                LoadErrorKind::OutOfMemory,
                format!("no memory for '{}'", v.name),
            ),
        }
    }

    fn initialise(
        &mut self,
        v: &'a Variable<'a>,
        init: &Init<'a>,
        ty: Type,
        dims: &[usize],
        data: &mut [u8],
        at: &mut usize,
    ) -> Result<()> {
        let size = ty.bytes() as usize;
        let bits: u64 = match init {
            Init::List(list) => {
                let rest = dims.get(1..).unwrap_or(&[]);
                let step = rest.iter().product::<usize>().max(1)
                    * size
                    * if dims.is_empty() {
                        1
                    } else {
                        v.vector as usize
                    };
                for item in list {
                    let start = *at;
                    self.initialise(v, item, ty, rest, data, at)?;
                    if matches!(item, Init::List(_)) {
                        // a short inner list leaves zeros
                        *at = start + step;
                    }
                }
                return Ok(());
            }
            Init::Value(Number::Int(value)) if ty.is_float() && *value != 0 => {
                if ty == Type::F64 {
                    (*value as f64).to_bits()
                } else {
                    (*value as f32).to_bits().into()
                }
            }
            Init::Value(Number::Int(value)) => *value as u64,
            Init::Value(Number::F32(bits)) => (*bits).into(),
            Init::Value(Number::F64(bits)) if ty == Type::F32 => {
                (f64::from_bits(*bits) as f32).to_bits().into()
            }
            Init::Value(Number::F64(bits)) => *bits,
            Init::Symbol {
                name,
                offset,
                generic,
            } => {
                let shared = self
                    .variables
                    .get(name)
                    .is_some_and(|v| v.space == Space::Shared);
                match self.address(name)? {
                    Some(address) => {
                        let window = if *generic && shared { space::SHARED } else { 0 };
                        (address + window).wrapping_add_signed(*offset)
                    }
                    None => {
                        return fail(v.line, LoadErrorKind::Unresolved, format!("name '{name}'"));
                    }
                }
            }
        };
        match data.get_mut(*at..*at + size) {
            Some(target) => target.copy_from_slice(&bits.to_le_bytes()[..size]),
            None => {
                return fail(
                    v.line,
                    LoadErrorKind::Syntax,
                    format!("too many initial values for '{}'", v.name),
                );
            }
        }
        *at += size;
        Ok(())
    }
}
