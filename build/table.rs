//! Reads the entry points out of the PTX and writes `kernels_table.rs`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::pack::Text;

/// The name of a `.entry` and the bytes of each parameter.
type EntryPoint = (String, Vec<usize>);

/// Writes one module per op: its packed PTX per architecture, and its entry points with the size of every parameter.
pub fn write(
    out: &Path,
    architectures: &[&str],
    texts: &[Text],
    reason: &str,
) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    writeln!(text, "pub(crate) const NO_KERNELS: &str = {reason:?};")?;
    writeln!(text, "pub(crate) static MODULES: &[Module] = &[")?;
    let mut ops: BTreeMap<&str, Vec<&Text>> = BTreeMap::new();
    for text in texts {
        ops.entry(&text.op).or_default().push(text);
    }
    for (op, variants) in ops {
        let mut entries: BTreeMap<String, (Vec<usize>, Vec<bool>)> = BTreeMap::new();
        for variant in &variants {
            let at = architectures
                .iter()
                .position(|a| *a == variant.architecture);
            let at = at.ok_or("a text for no architecture")?;
            for (name, params) in entry_points(&variant.ptx)? {
                let entry = entries
                    .entry(name.clone())
                    .or_insert_with(|| (params.clone(), vec![false; architectures.len()]));
                if entry.0 != params {
                    return Err(format!(
                        "{name} has other parameters for {}",
                        variant.architecture
                    )
                    .into());
                }
                entry.1[at] = true;
            }
        }
        writeln!(text, "    Module {{\n        op: {op:?},\n        ptx: [")?;
        for variant in &variants {
            let file = format!("{op}.{}.ptx.zlib", variant.architecture);
            fs::write(out.join(&file), &variant.packed)?;
            writeln!(
                text,
                "            include_bytes!(concat!(env!(\"OUT_DIR\"), \"/\", {file:?})),"
            )?;
        }
        writeln!(text, "        ],\n        entries: &[")?;
        for (name, (params, compiled)) in entries {
            writeln!(
                text,
                "            Entry {{ name: {name:?}, params: &{params:?}, compiled: {compiled:?} }},"
            )?;
        }
        writeln!(text, "        ],\n    }},")?;
    }
    writeln!(text, "];")?;
    fs::write(out.join("kernels_table.rs"), text)?;
    Ok(())
}

/// Every `.entry` of a PTX text with the bytes of each parameter.
fn entry_points(ptx: &str) -> Result<Vec<EntryPoint>, Box<dyn Error>> {
    let mut found = Vec::new();
    for part in ptx.split(".entry ").skip(1) {
        let (name, rest) = part.split_once('(').ok_or("an .entry without parameters")?;
        let (params, _) = rest.split_once(')').ok_or("an .entry without an end")?;
        let sizes: Result<Vec<usize>, _> = params
            .split(',')
            .filter(|p| !p.trim().is_empty())
            .map(param_bytes)
            .collect();
        found.push((name.trim().to_string(), sizes?));
    }
    Ok(found)
}

/// `.param .u64 .ptr .align 1 name` is 8 bytes, `.param .align 64 .b8 name[128]` is 128.
fn param_bytes(param: &str) -> Result<usize, Box<dyn Error>> {
    let bits = ["8", "16", "32", "64"].into_iter().find(|bits| {
        param.split_whitespace().any(|word| {
            word.strip_prefix(['.'])
                .and_then(|w| w.strip_prefix(['u', 's', 'b', 'f']))
                .is_some_and(|w| w == *bits)
        })
    });
    let bytes = bits
        .ok_or_else(|| format!("a parameter of unknown type: {param}"))?
        .parse::<usize>()?
        / 8;
    match param.split_once('[') {
        Some((_, count)) => Ok(bytes * count.trim_end().trim_end_matches(']').parse::<usize>()?),
        None => Ok(bytes),
    }
}
