//! Compiles `cuda/` to PTX with NVRTC and writes the table that `src/kernels.rs` embeds.
//!
//! `build/nvrtc.rs` finds (or, on request, fetches) NVRTC and compiles one source for one architecture;
//! `build/table.rs` reads the entry points out of the PTX and writes the table. Neither a GPU, a driver nor
//! a host C++ compiler is needed. Without NVRTC the table is empty and the crate still builds.

#[path = "build/nvrtc.rs"]
mod nvrtc;
#[path = "build/table.rs"]
mod table;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Oldest first; the loader takes the last one that the device runs. `sm_90a` PTX runs on 9.0 only.
const ARCHITECTURES: [&str; 3] = ["sm_75", "sm_80", "sm_90a"];

const VARIABLES: [&str; 6] = [
    "WARPSMITH_NVRTC",
    "WARPSMITH_FETCH_NVRTC",
    "WARPSMITH_REQUIRE_KERNELS",
    "CUDA_HOME",
    "CUDA_PATH",
    "VIRTUAL_ENV",
];

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "build", "cuda"] {
        println!("cargo:rerun-if-changed={path}");
    }
    for name in VARIABLES {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rustc-check-cfg=cfg(warpsmith_kernels)");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    match nvrtc::find() {
        Ok(nvrtc) => {
            let built = compile_all(&nvrtc, &out)?;
            println!("cargo:rustc-cfg=warpsmith_kernels");
            table::write(&out, &ARCHITECTURES, &built, "")
        }
        Err(reason) if env_flag("WARPSMITH_REQUIRE_KERNELS") => {
            Err(format!("WARPSMITH_REQUIRE_KERNELS is set, but {reason}").into())
        }
        Err(reason) => {
            println!("cargo:warning=warpsmith is built without CUDA kernels (CPU only): {reason}");
            table::write(&out, &ARCHITECTURES, &[], &reason)
        }
    }
}

/// True where the variable is set to anything but nothing or 0.
fn env_flag(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !value.is_empty() && value != "0")
}

/// Compiles every source for every architecture; all errors are shown, not only the first.
fn compile_all(nvrtc: &nvrtc::Nvrtc, out: &Path) -> Result<Vec<table::Built>, Box<dyn Error>> {
    let sources = sources(Path::new("cuda"))?;
    let mut jobs: Vec<(usize, usize)> = (0..sources.len())
        .flat_map(|source| (0..ARCHITECTURES.len()).map(move |arch| (source, arch)))
        .collect();
    let workers = env::var("NUM_JOBS").ok().and_then(|n| n.parse().ok());
    jobs.reverse();
    let queue = Mutex::new(jobs);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers.unwrap_or(1_usize).max(1) {
            scope.spawn(|| {
                while let Some((source, arch)) = take(&queue) {
                    let ptx = nvrtc.compile(&sources[source], ARCHITECTURES[arch]);
                    if let Ok(mut done) = done.lock() {
                        done.push((source, arch, ptx));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner()?;
    done.sort_by_key(|&(source, arch, _)| (source, arch));

    let mut failed = Vec::new();
    let mut built = Vec::new();
    for (source, arch, ptx) in done {
        match ptx {
            Ok(ptx) => {
                let op = stem(&sources[source]);
                let file = out.join(format!("{op}.{}.ptx", ARCHITECTURES[arch]));
                fs::write(&file, &ptx)?;
                built.push(table::Built { op, arch, ptx });
            }
            Err(log) => failed.push(format!("{}:\n{log}", ARCHITECTURES[arch])),
        }
    }
    if failed.is_empty() {
        Ok(built)
    } else {
        Err(format!("cuda/ does not compile\n{}", failed.join("\n")).into())
    }
}

fn take<T>(queue: &Mutex<Vec<T>>) -> Option<T> {
    queue.lock().ok()?.pop()
}

/// Every `.cu` below `folder`, sorted, so that the table does not depend on the file system's order.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|e| e == "cu") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
}
