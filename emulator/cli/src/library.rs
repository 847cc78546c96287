//! The libraries: beside this program, where cargo leaves them, or inside.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

#[cfg(embedded)]
static INSIDE: [&[u8]; 2] = [
    include_bytes!(env!("EMULATOR")),
    include_bytes!(env!("NCCL_EMULATOR")),
];
#[cfg(not(embedded))]
static INSIDE: [&[u8]; 2] = [&[]; 2];

/// A library's own name, and those that programs look for.
const LIBRARIES: [(&str, [&str; 2]); 2] = [
    ("libcuda_emulator", ["libcuda.so", "libcuda.so.1"]),
    ("libnccl_emulator", ["libnccl.so", "libnccl.so.2"]),
];

/// Puts the libraries into a folder under the names of those for which they stand in.
pub fn put_into(folder: &Path) -> Result<()> {
    for ((own, names), inside) in LIBRARIES.into_iter().zip(INSIDE) {
        let beside = inside.is_empty().then(|| beside(own)).flatten();
        let library = match beside {
            Some(library) => library,
            None => unpacked(own, inside, folder)?,
        };
        for name in names {
            std::os::unix::fs::symlink(&library, folder.join(name))?;
        }
    }
    Ok(())
}

fn beside(own: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let mut candidates = ["deps", "."]
        .map(|to| folder.join(to).join(format!("{own}.so")))
        .into_iter();
    candidates.find(|path| path.is_file())
}

/// What is inside, as a file: in the user's cache, where it is once and for all, or else for this run alone.
fn unpacked(own: &str, inside: &[u8], folder: &Path) -> Result<PathBuf> {
    if inside.is_empty() {
        let text = format!("{own}.so is neither beside this program nor inside it");
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    let name = format!("{own}-{:016x}.so", digest(inside));
    if let Some(cache) = cache() {
        let kept = cache.join(&name);
        let whole = |path: &Path| {
            path.metadata()
                .is_ok_and(|m| m.len() == inside.len() as u64)
        };
        if whole(&kept) {
            return Ok(kept);
        }
        // written beside and renamed: another run never sees half of it
        let half = cache.join(format!("{name}.{}", std::process::id()));
        let written = std::fs::create_dir_all(&cache)
            .and_then(|()| std::fs::write(&half, inside))
            .and_then(|()| std::fs::rename(&half, &kept));
        if written.is_ok() {
            return Ok(kept);
        }
        let _ = std::fs::remove_file(&half);
    }
    let path = folder.join(name);
    std::fs::write(&path, inside)?;
    Ok(path)
}

fn cache() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(caches.join("cuda-emulate"))
}

/// FNV-1a of words, to tell one build from another.
fn digest(bytes: &[u8]) -> u64 {
    let word = |chunk: &[u8]| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    };
    bytes.chunks(8).fold(0xcbf2_9ce4_8422_2325, |hash, chunk| {
        (hash ^ word(chunk)).wrapping_mul(0x0100_0000_01b3)
    })
}
