//! What a compiled text depends on, as one number: the same on every machine, whatever made it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// FNV-1a over 64 bits. It tells changes apart, not attacks.
pub struct Digest(u64);

impl Digest {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes and their number, so that two fields never run into each other.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Adds a file's place below `cuda/` and its text. Line ends count as they would after a checkout anywhere.
    pub fn add_file(&mut self, path: &Path) -> io::Result<()> {
        self.add(path.to_string_lossy().replace('\\', "/").as_bytes());
        self.add(fs::read_to_string(path)?.replace("\r\n", "\n").as_bytes());
        Ok(())
    }

    pub fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// A source and every header of `cuda/` that it includes, directly or through another.
pub fn with_headers(source: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::from([source.to_path_buf()]);
    let mut open = vec![source.to_path_buf()];
    while let Some(path) = open.pop() {
        for line in fs::read_to_string(&path)?.lines() {
            let header = line.trim().strip_prefix("#include \"");
            if let Some((header, _)) = header.and_then(|rest| rest.split_once('"')) {
                let header = Path::new("cuda").join(header);
                // one that is not there is the compiler's to name, with the line that asks for it
                if header.is_file() && files.insert(header.clone()) {
                    open.push(header);
                }
            }
        }
    }
    Ok(files)
}

/// Every file of `cuda/`: what the packed kernels of a published crate are compared by.
pub fn of_all_sources() -> io::Result<String> {
    let mut digest = Digest::new();
    for file in files(Path::new("cuda"), &["cu", "cuh"])? {
        digest.add_file(&file)?;
    }
    Ok(digest.hex())
}

/// Files with these extensions below `folder`, sorted, so that nothing depends on the file system's order.
pub fn files(folder: &Path, extensions: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        if path.is_dir() {
            found.extend(files(&path, extensions)?);
        } else if extensions.contains(&extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
