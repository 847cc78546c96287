//! IDX files, the format of MNIST and its relatives, plain or compressed with gzip.
//!
//! Two zero bytes, the element type, the rank, each dimension as a big-endian `u32`, then the elements in row-major
//! order (<http://yann.lecun.com/exdb/mnist/>).

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::gzip::{Gunzip, MAGIC};
use crate::error::{Error, Result};

/// The type of unsigned bytes, the one that image data sets use.
const UNSIGNED_BYTE: u8 = 0x08;
/// More elements than this are taken for a damaged header.
const MOST: usize = 1 << 32;

/// What an IDX file of bytes holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The elements in row-major order, as many as the shape says.
    pub bytes: Vec<u8>,
}

/// Reads an IDX file of unsigned bytes; compression is told by what the file holds, not by its name.
///
/// # Errors
/// A file that cannot be read, is no IDX file of bytes, or holds less or more than its header says; zeros behind a gzip
/// stream are nothing.
pub fn read_idx(path: &Path) -> Result<Idx> {
    let unreadable = |error: std::io::Error| Error::file(path, "a file to read", error);
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let compressed = file.fill_buf().map_err(unreadable)?.starts_with(&MAGIC);
    if compressed {
        read(path, Gunzip::new(file))
    } else {
        read(path, file)
    }
}

fn read(path: &Path, mut from: impl Read) -> Result<Idx> {
    let damaged = |error: std::io::Error| Error::file(path, "an IDX file, plain or gzip", error);
    let mut magic = [0; 4];
    from.read_exact(&mut magic).map_err(damaged)?;
    let [0, 0, UNSIGNED_BYTE, rank] = magic else {
        let got = format!("a file that begins with {magic:02x?}");
        return Err(Error::file(path, "an IDX file of unsigned bytes", got));
    };
    let mut shape = Vec::with_capacity(rank.into());
    for _ in 0..rank {
        let mut size = [0; 4];
        from.read_exact(&mut size).map_err(damaged)?;
        shape.push(u32::from_be_bytes(size) as usize);
    }
    let len = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    let Some(len) = len.filter(|&len| len <= MOST) else {
        let expected = format!("at most {MOST} elements");
        return Err(Error::file(path, expected, format!("a shape of {shape:?}")));
    };
    // one more than there should be: whatever follows is found, and gzip's checksum is compared
    let mut bytes = Vec::new();
    let most = len as u64 + 1;
    from.take(most).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() != len {
        let expected = format!("{len} elements, as the shape {shape:?} says");
        let got = if bytes.len() > len {
            "more".into()
        } else {
            format!("{}", bytes.len())
        };
        return Err(Error::file(path, expected, got));
    }
    Ok(Idx { shape, bytes })
}
