//! Compiles `cuda/` to PTX with NVRTC and writes the table that `src/runtime/kernels.rs` embeds.
//!
//! `build/find.rs` finds (or, on request, fetches) NVRTC, `build/nvrtc.rs` compiles one source for one architecture;
//! `build/split.rs` cuts each text into one for each entry point; `build/kept.rs` has the answers to what was asked before,
//! by `build/digest.rs`; `build/pack.rs` reads the kernels that a published crate carries; `build/table.rs` writes the table
//! of entry points. Neither a GPU, a driver nor a host C++ compiler is needed. Without NVRTC or packed kernels the table is
//! empty and the crate still builds.

#[path = "build/digest.rs"]
mod digest;
#[path = "build/find.rs"]
mod find;
#[path = "build/kept.rs"]
mod kept;
#[path = "build/nvrtc.rs"]
mod nvrtc;
#[path = "build/pack.rs"]
mod pack;
#[path = "build/split.rs"]
mod split;
#[path = "build/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use digest::Digest;
use kept::Kept;
use nvrtc::Nvrtc;
use pack::Text;

/// What PTX is compiled for, and the lowest version of the ISA that those texts need (`scripts/check-ptx` proves it):
/// NVRTC writes its own, which only drivers as new as itself would load. Oldest first; the loader takes the last one that
/// the device runs and that has the kernel. `sm_90a` PTX runs on 9.0 only.
const ARCHITECTURES: [(&str, &str); 3] = [("sm_75", "7.0"), ("sm_80", "7.0"), ("sm_90a", "8.0")];

const VARIABLES: [&str; 6] = [
    "WARPSMITH_NVRTC",
    "WARPSMITH_FETCH_NVRTC",
    "WARPSMITH_REQUIRE_KERNELS",
    "CUDA_HOME",
    "CUDA_PATH",
    "VIRTUAL_ENV",
];

/// How texts are cut is part of what they are made from.
const CUT: &str = include_str!("build/split.rs");

/// What `scripts/package` puts beside the sources.
const PACK: &str = "kernels.pack";

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "build", "cuda"] {
        println!("cargo:rerun-if-changed={path}");
    }
    if Path::new(PACK).exists() {
        println!("cargo:rerun-if-changed={PACK}");
    }
    for name in VARIABLES {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rustc-check-cfg=cfg(warpsmith_kernels)");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    let names = ARCHITECTURES.map(|(name, _)| name);
    match texts(&out)? {
        Ok(texts) => {
            println!("cargo:rustc-cfg=warpsmith_kernels");
            let places = pack::write(&out.join(PACK), &digest::of_all_sources()?, &texts)?;
            table::write(&out, &names, &texts, &places, "")
        }
        Err(reason) if env_flag("WARPSMITH_REQUIRE_KERNELS") => {
            Err(format!("WARPSMITH_REQUIRE_KERNELS is set, but {reason}").into())
        }
        Err(reason) => {
            println!("cargo:warning=warpsmith is built without CUDA kernels (CPU only): {reason}");
            table::write(&out, &names, &[], &[], &reason)
        }
    }
}

/// True where the variable is set to anything but nothing or 0.
fn env_flag(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !value.is_empty() && value != "0")
}

/// Every kernel's PTX: packed beside the sources, or compiled. The inner error says why there is none, the outer one what is
/// wrong with the sources.
fn texts(out: &Path) -> Result<Result<Vec<Text>, String>, Box<dyn Error>> {
    let mut unfit = String::new();
    if Path::new(PACK).exists() && !env_flag("WARPSMITH_NVRTC") {
        let names = ARCHITECTURES.map(|(name, _)| name);
        match pack::read(Path::new(PACK), &digest::of_all_sources()?, &names) {
            Ok(texts) => return Ok(Ok(texts)),
            Err(error) => unfit = format!("{PACK} is left out, since {error}; "),
        }
    }
    Ok(match find::nvrtc() {
        Ok(nvrtc) => Ok(compile_all(&nvrtc, &Kept::open(out))?),
        Err(reason) => Err(unfit + &reason),
    })
}

/// Compiles every source for every architecture; all errors are shown, not only the first.
fn compile_all(nvrtc: &Nvrtc, kept: &Kept) -> Result<Vec<Text>, Box<dyn Error>> {
    let sources = digest::files(Path::new("cuda"), &["cu"])?;
    let mut jobs = Vec::new();
    for source in &sources {
        let files = digest::with_headers(source)?;
        for (i, architecture) in ARCHITECTURES.into_iter().enumerate() {
            if i == 0 || asks_for(&files, architecture.0)? {
                jobs.push((source, architecture));
            }
        }
    }
    let queue = Mutex::new(jobs.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let workers = env::var("NUM_JOBS").ok().and_then(|n| n.parse().ok());
    std::thread::scope(|scope| {
        for _ in 0..workers.unwrap_or(1_usize).max(1) {
            scope.spawn(|| {
                while let Some((place, (source, architecture))) = take(&queue) {
                    let text = text(nvrtc, kept, source, *architecture);
                    if let Ok(mut done) = done.lock() {
                        done.push((place, text.map_err(|e| e.to_string())));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner()?;
    done.sort_by_key(|&(place, _)| place);
    let (good, bad): (Vec<_>, Vec<_>) = done.into_iter().partition(|(_, text)| text.is_ok());
    if bad.is_empty() {
        let mut texts: Vec<Text> = good.into_iter().flat_map(|(_, text)| text).collect();
        for i in 1..texts.len() {
            let (before, from) = texts.split_at_mut(i);
            let older = before.iter().filter(|text| text.op == from[0].op);
            let older: Vec<&str> = older.map(|text| text.ptx.as_str()).collect();
            let news = split::without(&from[0].ptx, &older);
            if news.len() < from[0].ptx.len() {
                from[0] = Text::new(from[0].op.clone(), from[0].architecture, news)?;
            }
        }
        return Ok(texts);
    }
    let logs: Vec<_> = bad.into_iter().filter_map(|(_, text)| text.err()).collect();
    Err(format!("cuda/ does not compile\n{}", logs.join("\n")).into())
}

/// Whether one of the files compares `__CUDA_ARCH__` with this architecture. For one that none asks about, a text would come
/// out as an older one's.
fn asks_for(files: &BTreeSet<PathBuf>, architecture: &str) -> std::io::Result<bool> {
    let number: String = architecture.chars().filter(char::is_ascii_digit).collect();
    for file in files {
        let text = fs::read_to_string(file)?;
        if text
            .lines()
            .any(|line| line.contains("__CUDA_ARCH__") && line.contains(&format!("{number}0")))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn take<T: Iterator>(queue: &Mutex<T>) -> Option<T::Item> {
    queue.lock().ok()?.next()
}

/// One source for one architecture: as it was kept, or compiled anew.
fn text(
    nvrtc: &Nvrtc,
    kept: &Kept,
    source: &Path,
    (architecture, version): (&'static str, &str),
) -> Result<Text, Box<dyn Error>> {
    let op = source.file_stem().unwrap_or_default().to_string_lossy();
    let mut key = Digest::new();
    for part in [&nvrtc.identity(), architecture, version, CUT] {
        key.add(part.as_bytes());
    }
    for file in &digest::with_headers(source)? {
        key.add_file(file)?;
    }
    let key = key.hex();
    if let Some(text) = kept.find(&op, architecture, &key) {
        return Ok(text);
    }
    let compiled = nvrtc.compile(source, architecture);
    let ptx = compiled.map_err(|log| format!("{architecture}:\n{log}"))?;
    let ptx = split::by_entry(&without_folder(&ptx)?, version)?;
    let text = Text::new(op.into_owned(), architecture, ptx)?;
    kept.keep(&text, &key);
    Ok(text)
}

/// The text with its sources named as in this crate, wherever that lies.
fn without_folder(ptx: &str) -> std::io::Result<String> {
    let here = env::current_dir()?;
    Ok(ptx.replace(
        &format!("\"{}{}", here.display(), std::path::MAIN_SEPARATOR),
        "\"",
    ))
}
