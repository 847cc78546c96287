//! Names of module scope: functions, and the room that their parameters need.

use super::types::Type;
use crate::exec::{LoadError, LoadErrorKind};
use crate::memory::Memory;
use crate::ptx::ast::{self, Source, Variable};
use std::collections::HashMap;
use std::sync::Arc;

pub type Result<T> = std::result::Result<T, LoadError>;

pub type Globals = HashMap<String, (u64, usize)>;

/// Names of module scope, and what decoding a kernel has found so far.
pub struct Symbols<'a> {
    pub source: &'a Source<'a>,
    pub(super) text: Arc<str>,
    pub(super) memory: &'a Memory,
    pub(super) globals: &'a mut Globals,
    pub(super) variables: HashMap<&'a str, &'a Variable<'a>>,
    pub(super) functions: HashMap<&'a str, usize>,
    /// Functions of the kernel by routine number; the kernel is the first.
    pub routines: Vec<usize>,
    pub(super) shared: HashMap<&'a str, u64>,
    pub(super) shared_end: u32,
    /// Where dynamic shared memory begins, once that is known.
    pub(super) dynamic_at: Option<u32>,
    pub(super) dynamic_align: u32,
    pub(super) dynamic_used: bool,
}

/// Sizes of a function's parameters and results, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub params: Vec<u32>,
    pub returns: Vec<u32>,
}

pub(super) fn fail<T>(line: u32, kind: LoadErrorKind, message: impl Into<String>) -> Result<T> {
    Err(LoadError {
        line,
        kind,
        message: message.into(),
    })
}

/// Bytes of a variable.
pub fn variable_bytes(v: &Variable<'_>, ty: Type) -> Option<usize> {
    let element = ty.bytes() as usize * v.vector as usize;
    v.dims.iter().try_fold(element, |n, d| n.checked_mul(*d))
}

impl<'a> Symbols<'a> {
    /// Size and alignment of a parameter.
    pub fn formal(&self, v: &Variable<'a>) -> Result<(u32, u32)> {
        let ty = match Type::named(v.ty) {
            Some(ty) => ty,
            None => {
                return fail(
                    v.line,
                    LoadErrorKind::Unsupported,
                    format!("parameter type .{}", v.ty),
                );
            }
        };
        match variable_bytes(v, ty).and_then(|b| u32::try_from(b).ok()) {
            Some(bytes) if bytes <= 1 << 16 => {
                Ok((bytes, v.align.unwrap_or(ty.bytes()).clamp(1, 4096)))
            }
            _ => fail(
                v.line,
                LoadErrorKind::Syntax,
                format!("parameter '{}' is too large", v.name),
            ),
        }
    }

    pub fn signature(
        &self,
        params: &[Variable<'a>],
        returns: &[Variable<'a>],
    ) -> Result<Signature> {
        let sizes = |list: &[Variable<'a>]| {
            list.iter()
                .map(|v| Ok(self.formal(v)?.0))
                .collect::<Result<Vec<u32>>>()
        };
        Ok(Signature {
            params: sizes(params)?,
            returns: sizes(returns)?,
        })
    }

    /// A function by name.
    pub fn function(&self, name: &str) -> Option<&'a ast::Function<'a>> {
        self.functions
            .get(name)
            .map(|index| &self.source.functions[*index])
    }

    /// The routine number of a function with a body.
    pub fn routine(&mut self, name: &str) -> Option<usize> {
        let index = *self.functions.get(name)?;
        self.source.functions[index].body.as_ref()?;
        Some(
            self.routines
                .iter()
                .position(|r| *r == index)
                .unwrap_or_else(|| {
                    self.routines.push(index);
                    self.routines.len() - 1
                }),
        )
    }

    /// Makes every function a routine: an indirect call may reach it.
    pub fn all_routines(&mut self) {
        let source = self.source;
        for function in source
            .functions
            .iter()
            .filter(|f| !f.entry && f.body.is_some())
        {
            self.routine(function.name);
        }
    }
}
