//! Packed PTX: one text, and the file in which a published crate carries all of them.
//!
//! `kernels.pack` is made by `scripts/package` and not kept in git. Its first line holds the digest of the `cuda/` that it was
//! compiled from; a build takes it only beside those very sources.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// One source compiled for one architecture: a text for each entry point, one behind another.
pub struct Text {
    pub op: String,
    pub architecture: &'static str,
    pub ptx: String,
    /// The same as zlib: a tenth of the text.
    pub packed: Vec<u8>,
}

impl Text {
    pub fn new(op: String, architecture: &'static str, ptx: String) -> std::io::Result<Self> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(ptx.as_bytes())?;
        let packed = packed.finish()?;
        Ok(Self {
            op,
            architecture,
            ptx,
            packed,
        })
    }
}

pub fn unpack(packed: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    ZlibDecoder::new(packed).read_to_string(&mut text)?;
    Ok(text)
}

const MAGIC: &str = "warpsmith kernels of cuda ";

/// A line `op architecture bytes` before the bytes of each text, behind the line of the digest. Says where the bytes lie.
pub fn write(file: &Path, digest: &str, texts: &[Text]) -> std::io::Result<Vec<Range<usize>>> {
    let mut pack = format!("{MAGIC}{digest}\n").into_bytes();
    let mut places = Vec::new();
    for text in texts {
        writeln!(
            pack,
            "{} {} {}",
            text.op,
            text.architecture,
            text.packed.len()
        )?;
        places.push(pack.len()..pack.len() + text.packed.len());
        pack.extend_from_slice(&text.packed);
    }
    fs::write(file, pack)?;
    Ok(places)
}

/// The texts of a pack, if it was made from the sources with this digest.
pub fn read(
    file: &Path,
    digest: &str,
    architectures: &[&'static str],
) -> Result<Vec<Text>, Box<dyn Error>> {
    let pack = fs::read(file)?;
    let mut rest = pack.as_slice();
    let first = line(&mut rest).ok_or("it is empty")?;
    if first.strip_prefix(MAGIC) != Some(digest) {
        return Err("it was made from other sources than cuda/ holds".into());
    }
    let mut texts = Vec::new();
    while let Some(head) = line(&mut rest) {
        let mut words = head.split(' ');
        let (Some(op), Some(name), Some(bytes)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("a text without its size: {head}").into());
        };
        let known = architectures.iter().find(|a| **a == name);
        let architecture = *known.ok_or_else(|| format!("an unknown architecture: {name}"))?;
        let packed = rest
            .split_off(..bytes.parse()?)
            .ok_or("it ends early")?
            .to_vec();
        let (op, ptx) = (op.to_string(), unpack(&packed)?);
        texts.push(Text {
            op,
            architecture,
            ptx,
            packed,
        });
    }
    Ok(texts)
}

/// Takes a line off the front.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (line, behind) = rest.split_at(end);
    *rest = &behind[1..];
    std::str::from_utf8(line).ok()
}
