//! Files that are written whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Symbolic links that lead to a file, at most: more are a circle.
const LINKS: usize = 40;
/// A part that nobody has written to for so long is of a process that is no more.
const ABANDONED: Duration = Duration::from_secs(60 * 60);
/// Gives every write of this process a part of its own.
static PARTS: AtomicU64 = AtomicU64::new(0);

/// Puts a file with these bytes in the place of `path`, whole and on the disk, or leaves what is there: the new one,
/// `<name>.<process>-<number>.part`, is written beside it and renamed, so that whoever writes last wins and nobody reads a
/// mixture. A symbolic link stays one, and a file keeps its mode. What is no file, such as a pipe, is written to.
///
/// A process that dies meanwhile leaves its part behind; the next write of this file after an hour takes it away.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = followed(path)?;
    let before = fs::metadata(&path).ok();
    if before.as_ref().is_some_and(|m| !m.is_file() && !m.is_dir()) {
        return OpenOptions::new().write(true).open(&path)?.write_all(bytes);
    }
    let (part, file) = part(&path)?;
    let write = || {
        if let Some(before) = before {
            file.set_permissions(before.permissions())?;
        }
        (&file).write_all(bytes)?;
        // renamed before it is on the disk, it might be found empty after a power cut
        file.sync_all()?;
        fs::rename(&part, &path)
    };
    if let Err(error) = write() {
        // what is left of it is of no use to anybody; that it stays would be the lesser error
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    let folder = folder(&path);
    sync_folder(folder)?;
    clean_up(folder, path.file_name().unwrap_or_default(), &file);
    Ok(())
}

/// Where the symbolic links lead, if it is one; there need not be a file yet.
fn followed(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        if !fs::symlink_metadata(&path).is_ok_and(|m| m.is_symlink()) {
            return Ok(path);
        }
        // an absolute target takes the folder's place
        path = folder(&path).join(fs::read_link(&path)?);
    }
    let reason = "symbolic links that lead in a circle";
    Err(std::io::Error::new(ErrorKind::InvalidInput, reason))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new file beside `path`, and its name.
fn part(path: &Path) -> Result<(PathBuf, File)> {
    loop {
        let number = PARTS.fetch_add(1, Ordering::Relaxed);
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}-{number}.part", std::process::id()));
        let part = path.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&part) {
            Ok(file) => return Ok((part, file)),
            // of a process that had this number before
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until the folder's entries are on the disk: the file is, but by which name?
fn sync_folder(folder: &Path) -> Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    // a folder that may be written but not read, and file systems that have nothing to wait for
    let nothing = [
        ErrorKind::PermissionDenied,
        ErrorKind::InvalidInput,
        ErrorKind::Unsupported,
    ];
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if !nothing.contains(&error.kind()) => Err(error),
        _ => Ok(()),
    }
}

/// Removes parts of the file that are abandoned. Both times are of the same file system's clock.
fn clean_up(folder: &Path, name: &OsStr, written: &File) {
    let time = |m: fs::Metadata| m.modified();
    let (Ok(now), Ok(entries)) = (written.metadata().and_then(time), fs::read_dir(folder)) else {
        return;
    };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let rest = file_name.as_encoded_bytes();
        let rest = rest.strip_prefix(name.as_encoded_bytes());
        if !rest.is_some_and(is_part) {
            continue;
        }
        let age = entry.metadata().and_then(time);
        let age = age.ok().and_then(|then| now.duration_since(then).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            // somebody else may have been faster
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether this is what [`part`] puts behind a name.
fn is_part(rest: &[u8]) -> bool {
    let middle = rest.strip_prefix(b".");
    let middle = middle.and_then(|rest| rest.strip_suffix(b".part"));
    let Some(at) = middle.and_then(|m| m.iter().position(|&b| b == b'-')) else {
        return false;
    };
    let (process, number) = middle.unwrap_or_default().split_at(at);
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits(process) && digits(&number[1..])
}
