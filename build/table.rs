//! Reads the entry points out of the PTX and writes `kernels_table.rs`, with each text as a file beside it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::pack::Text;
use crate::split;

/// An entry point: the bytes of each parameter, and for each architecture where its text lies in the op's.
struct EntryPoint {
    params: Vec<usize>,
    texts: Vec<Option<Range<usize>>>,
}

/// Writes one module per op: where its packed PTX lies in the pack for each architecture, and its entry points.
///
/// `scripts/` read the files `ptx/<kernel>.<architecture>.ptx`: what a driver gets, text by text.
pub fn write(
    out: &Path,
    architectures: &[&str],
    texts: &[Text],
    places: &[Range<usize>],
    reason: &str,
) -> Result<(), Box<dyn Error>> {
    let folder = out.join("ptx");
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder)?;
    let pack = match texts.is_empty() {
        true => "&[]",
        false => "include_bytes!(concat!(env!(\"OUT_DIR\"), \"/kernels.pack\"))",
    };
    let mut table = String::new();
    writeln!(table, "pub(crate) const NO_KERNELS: &str = {reason:?};")?;
    writeln!(table, "static PACK: &[u8] = {pack};")?;
    writeln!(table, "pub(crate) static MODULES: &[Module] = &[")?;
    let mut ops: BTreeMap<&str, Vec<(&Text, &Range<usize>)>> = BTreeMap::new();
    for (text, place) in texts.iter().zip(places) {
        ops.entry(&text.op).or_default().push((text, place));
    }
    for (op, variants) in ops {
        let mut packed = vec![0..0; architectures.len()];
        let mut entries: BTreeMap<&str, EntryPoint> = BTreeMap::new();
        for (variant, place) in variants {
            let mut names = architectures.iter();
            let at = names.position(|a| *a == variant.architecture);
            let at = at.ok_or("a text for no architecture")?;
            packed[at] = place.clone();
            let mut start = 0;
            for text in split::texts(&variant.ptx) {
                let (name, params) = entry_point(text)?;
                let architecture = variant.architecture;
                fs::write(folder.join(format!("{name}.{architecture}.ptx")), text)?;
                let entry = entries.entry(name).or_insert_with(|| EntryPoint {
                    params: params.clone(),
                    texts: vec![None; architectures.len()],
                });
                if entry.params != params {
                    return Err(format!("{name} has other parameters for {architecture}").into());
                }
                entry.texts[at] = Some(start..start + text.len());
                start += text.len();
            }
        }
        writeln!(
            table,
            "    Module {{ op: {op:?}, packed: {packed:?}, entries: &["
        )?;
        for (name, EntryPoint { params, texts }) in entries {
            writeln!(
                table,
                "        Entry {{ name: {name:?}, params: &{params:?}, texts: {texts:?} }},"
            )?;
        }
        writeln!(table, "    ] }},")?;
    }
    writeln!(table, "];")?;
    fs::write(out.join("kernels_table.rs"), table)?;
    Ok(())
}

/// The name of a text's `.entry` with the bytes of each parameter.
fn entry_point(ptx: &str) -> Result<(&str, Vec<usize>), Box<dyn Error>> {
    let (_, entry) = ptx
        .split_once(".entry ")
        .ok_or("a text without an .entry")?;
    let (name, rest) = entry
        .split_once('(')
        .ok_or("an .entry without parameters")?;
    let (params, _) = rest.split_once(')').ok_or("an .entry without an end")?;
    let params = params.split(',').filter(|p| !p.trim().is_empty());
    let sizes: Result<Vec<usize>, _> = params.map(param_bytes).collect();
    Ok((name.trim(), sizes?))
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
