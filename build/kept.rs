//! NVRTC's answers, kept from one build to the next: a text is compiled again where its source, a header that it includes,
//! an option or NVRTC changed, and not where another file did.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pack::{self, Text};

/// The folder of kept texts, each beside the key that it was made from.
pub struct Kept(PathBuf);

impl Kept {
    /// In cargo's target folder, where all profiles find it; in the script's own where that is not to be seen. Cargo tags the
    /// folder only where it makes it itself; `target/PROFILE/build/CRATE/out` is what it looks like.
    pub fn open(out: &Path) -> Self {
        let tagged = out
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").is_file());
        let mut above = out.ancestors().skip(2);
        let is_cargos = above.next().is_some_and(|folder| folder.ends_with("build"));
        let laid_out = above.nth(1).filter(|_| is_cargos);
        let target = tagged.or(laid_out).unwrap_or(out);
        Self(target.join("warpsmith-ptx"))
    }

    fn file(&self, op: &str, architecture: &str, key: &str) -> PathBuf {
        self.0.join(format!("{op}.{architecture}.{key}.zlib"))
    }

    /// The text with this key, if it was compiled before.
    pub fn find(&self, op: &str, architecture: &'static str, key: &str) -> Option<Text> {
        let packed = fs::read(self.file(op, architecture, key)).ok()?;
        let ptx = pack::unpack(&packed).ok()?;
        let op = op.to_string();
        Some(Text {
            op,
            architecture,
            ptx,
            packed,
        })
    }

    /// Keeps a text in place of what was kept for its source and architecture before. Only speed is lost where that fails.
    pub fn keep(&self, text: &Text, key: &str) {
        let write = || {
            fs::create_dir_all(&self.0)?;
            let prefix = format!("{}.{}.", text.op, text.architecture);
            for entry in fs::read_dir(&self.0)?.flatten() {
                if entry.file_name().to_string_lossy().starts_with(&prefix) {
                    fs::remove_file(entry.path()).ok();
                }
            }
            // written beside and renamed, so that a build that is interrupted keeps no half of one
            let file = self.file(&text.op, text.architecture, key);
            let partial = file.with_extension(format!("tmp{}", std::process::id()));
            fs::write(&partial, &text.packed)?;
            fs::rename(&partial, &file)
        };
        if let Err(error) = write() {
            println!("cargo:warning=compiled kernels are not kept: {error}");
        }
    }
}
