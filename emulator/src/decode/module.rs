//! A module: its target, its variables, its kernels.

use super::symbols::{Globals, Result, Symbols, fail};
use crate::exec::{ComputeCapability, Kernel, LoadErrorKind};
use crate::memory::Memory;
use crate::ptx::ast::{Source, Space, Variable};
use std::collections::HashMap;

/// Module variables beyond this number get memory only if something refers to them: a standard library header
/// defines thousands.
const MOST_UNUSED: usize = 1024;

/// Decodes every kernel; variables get their memory on the way.
pub fn module(
    source: &Source<'_>,
    cc: ComputeCapability,
    memory: &Memory,
    globals: &mut Globals,
) -> Result<Vec<Kernel>> {
    check_target(source, cc)?;
    let mut functions: HashMap<&str, usize> = HashMap::new();
    for (index, function) in source.functions.iter().enumerate() {
        let slot = functions.entry(function.name).or_insert(index);
        if function.body.is_some() {
            if *slot != index && source.functions[*slot].body.is_some() {
                return fail(
                    function.line,
                    LoadErrorKind::Syntax,
                    format!("'{}' is defined twice", function.name),
                );
            }
            *slot = index;
        }
    }
    let variables = source.variables.iter().map(|v| (v.name, v)).collect();
    let mut symbols = Symbols {
        source,
        text: source.text.into(),
        memory,
        globals,
        variables,
        functions,
        routines: vec![],
        shared: HashMap::new(),
        shared_end: 0,
        dynamic_at: None,
        dynamic_align: 1,
        dynamic_used: false,
    };
    let in_memory =
        |v: &&Variable<'_>| matches!(v.space, Space::Global | Space::Const) && !v.external;
    if source.variables.iter().filter(in_memory).count() <= MOST_UNUSED {
        for variable in source.variables.iter().filter(in_memory) {
            symbols.address(variable.name)?;
        }
    }
    let mut kernels = vec![];
    for (index, function) in source.functions.iter().enumerate() {
        if function.entry && function.body.is_some() {
            kernels.push(symbols.kernel(index)?);
        }
    }
    Ok(kernels)
}

fn check_target(source: &Source<'_>, cc: ComputeCapability) -> Result<()> {
    let Some(target) = source.target.first() else {
        return fail(1, LoadErrorKind::Syntax, "no .target");
    };
    if source.address_size != 64 {
        return fail(1, LoadErrorKind::Unsupported, ".address_size 32");
    }
    let digits: String = target.chars().filter(char::is_ascii_digit).collect();
    let wanted: u32 = digits.parse().unwrap_or(u32::MAX);
    let have = cc.major * 10 + cc.minor;
    // `a` is for one device alone, `f` for those of its family from there on
    let fits = match target.as_bytes().last() {
        Some(b'a') => wanted == have,
        Some(b'f') => wanted <= have && wanted / 10 == have / 10,
        _ => wanted <= have,
    };
    if !fits {
        let message = format!("the module is for {target}, the device is sm_{have}");
        return fail(1, LoadErrorKind::WrongTarget, message);
    }
    Ok(())
}
