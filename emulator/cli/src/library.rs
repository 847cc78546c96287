//! The library: beside this program, where cargo leaves it, or inside.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

const FILE: &str = "libcuda_emulator.so";

/// The names that programs look for.
const NAMES: [&str; 2] = ["libcuda.so", "libcuda.so.1"];

#[cfg(embedded)]
static INSIDE: &[u8] = include_bytes!(env!("EMULATOR"));
#[cfg(not(embedded))]
static INSIDE: &[u8] = &[];

/// Puts the library into a folder under the driver's names.
pub fn put_into(folder: &Path) -> Result<()> {
    let library = match beside() {
        Some(library) => library,
        None => unpacked(folder)?,
    };
    for name in NAMES {
        std::os::unix::fs::symlink(&library, folder.join(name))?;
    }
    Ok(())
}

fn beside() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let mut candidates = ["deps", "."]
        .map(|to| folder.join(to).join(FILE))
        .into_iter();
    candidates.find(|path| path.is_file() && INSIDE.is_empty())
}

/// What is inside, as a file: in the user's cache, where it is once and for all, or else for this run alone.
fn unpacked(folder: &Path) -> Result<PathBuf> {
    if INSIDE.is_empty() {
        let text = format!("{FILE} is neither beside this program nor inside it");
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    let name = format!("libcuda_emulator-{:016x}.so", digest(INSIDE));
    if let Some(cache) = cache() {
        let kept = cache.join(&name);
        let whole = |path: &Path| {
            path.metadata()
                .is_ok_and(|m| m.len() == INSIDE.len() as u64)
        };
        if whole(&kept) {
            return Ok(kept);
        }
        // written beside and renamed: another run never sees half of it
        let half = cache.join(format!("{name}.{}", std::process::id()));
        let written = std::fs::create_dir_all(&cache)
            .and_then(|()| std::fs::write(&half, INSIDE))
            .and_then(|()| std::fs::rename(&half, &kept));
        if written.is_ok() {
            return Ok(kept);
        }
        let _ = std::fs::remove_file(&half);
    }
    let path = folder.join(name);
    std::fs::write(&path, INSIDE)?;
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
