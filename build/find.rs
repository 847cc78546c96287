//! Finds NVRTC and the CUDA headers, or fetches them where that was asked for.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::nvrtc::Nvrtc;

/// NVRTC, the headers (`cuda_fp16.h`, `mma.h`) and the `crt/` headers that `mma.h` includes. 12.8 emits PTX
/// ISA 8.7, which drivers from 570 load; a newer NVRTC would mean fewer users.
const WHEELS: [&str; 3] = [
    "nvidia-cuda-nvrtc-cu12==12.8.93",
    "nvidia-cuda-runtime-cu12==12.8.90",
    "nvidia-cuda-nvcc-cu12==12.8.93",
];

const HOW: &str = "NVRTC was not found. Install it with `python3 -m pip install nvidia-cuda-nvrtc-cu12==12.8.93 \
    nvidia-cuda-runtime-cu12==12.8.90 nvidia-cuda-nvcc-cu12==12.8.93` and set WARPSMITH_NVRTC to that \
    site-packages folder (or to a CUDA toolkit), or set WARPSMITH_FETCH_NVRTC=1 to let the build fetch it";

/// Library names, best first.
const LIBRARIES: [&str; 6] = [
    "libnvrtc.so.12",
    "libnvrtc.so.13",
    "libnvrtc.so",
    "nvrtc64_120_0.dll",
    "nvrtc64_130_0.dll",
    "libnvrtc.dylib",
];

/// Where a root (a toolkit, a site-packages folder, a system prefix) keeps its libraries and headers.
const LIBRARY_FOLDERS: [&str; 9] = [
    "",
    "lib64",
    "lib",
    "lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "bin",
    "nvidia/cuda_nvrtc/lib",
    "nvidia/cuda_nvrtc/bin",
    "nvidia/cu13/lib",
];
const HEADER_FOLDERS: [&str; 5] = [
    "include",
    "nvidia/cuda_runtime/include",
    "nvidia/cuda_nvcc/include",
    "nvidia/cuda_crt/include",
    "nvidia/cu13/include",
];

/// Looks in the places the README lists, then fetches the wheels if that was asked for.
pub fn nvrtc() -> Result<Nvrtc, String> {
    if let Some(folder) = env::var_os("WARPSMITH_NVRTC").filter(|f| !f.is_empty()) {
        let folder = PathBuf::from(folder);
        return load(&folder).ok_or_else(|| {
            format!(
                "WARPSMITH_NVRTC={} holds no NVRTC with its headers",
                folder.display()
            )
        });
    }
    if let Some(found) = roots().iter().find_map(|root| load(root)) {
        return Ok(found);
    }
    if !crate::env_flag("WARPSMITH_FETCH_NVRTC") {
        return Err(HOW.to_string());
    }
    let folder = fetch()?;
    load(&folder).ok_or_else(|| {
        format!(
            "{} holds no usable NVRTC after pip install",
            folder.display()
        )
    })
}

fn roots() -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = ["CUDA_HOME", "CUDA_PATH"]
        .iter()
        .filter_map(env::var_os)
        .map(PathBuf::from)
        .collect();
    roots.extend(["/usr/local/cuda", "/opt/cuda", "/usr", "/usr/lib/cuda"].map(PathBuf::from));
    if let Some(venv) = env::var_os("VIRTUAL_ENV") {
        roots.push(Path::new(&venv).join("Lib/site-packages"));
        for entry in fs::read_dir(Path::new(&venv).join("lib"))
            .into_iter()
            .flatten()
            .flatten()
        {
            roots.push(entry.path().join("site-packages"));
        }
    }
    roots
}

fn load(root: &Path) -> Option<Nvrtc> {
    let includes: Vec<PathBuf> = HEADER_FOLDERS
        .iter()
        .map(|f| root.join(f))
        .filter(|f| f.is_dir())
        .collect();
    let has = |header: &str| includes.iter().any(|folder| folder.join(header).is_file());
    if !["cuda_fp16.h", "mma.h", "crt/mma.h"].into_iter().all(has) {
        return None;
    }
    let path = LIBRARIES
        .iter()
        .flat_map(|name| {
            LIBRARY_FOLDERS
                .iter()
                .map(move |folder| root.join(folder).join(name))
        })
        .find(|path| path.is_file())?;
    Nvrtc::open(&path, includes)
}

/// Installs the pinned wheels with pip into the user's cache, once for all checkouts.
fn fetch() -> Result<PathBuf, String> {
    let cache = cache_folder().join("warpsmith").join("nvrtc-12.8.93");
    if load(&cache).is_some() {
        return Ok(cache);
    }
    // installed beside and renamed, so that two builds at once, or one interrupted, leave nothing half-done
    let staging = cache.with_extension(format!("tmp{}", std::process::id()));
    fs::create_dir_all(&staging).map_err(|e| format!("{}: {e}", staging.display()))?;
    let python = if cfg!(windows) { "python" } else { "python3" };
    let output = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--disable-pip-version-check",
            "--target",
        ])
        .arg(&staging)
        .args(WHEELS)
        .output()
        .map_err(|e| {
            format!("NVRTC was not found and `{python} -m pip` cannot fetch it: {e}. {HOW}")
        })?;
    if !output.status.success() {
        fs::remove_dir_all(&staging).ok();
        let log = String::from_utf8_lossy(&output.stderr);
        let last = log
            .lines()
            .rev()
            .find(|l| !l.trim().is_empty())
            .unwrap_or("no message");
        return Err(format!(
            "NVRTC was not found and pip could not fetch it ({last}). {HOW}"
        ));
    }
    if fs::rename(&staging, &cache).is_err() {
        // another build was first
        fs::remove_dir_all(&staging).ok();
    }
    Ok(cache)
}

fn cache_folder() -> PathBuf {
    let home = |name: &str| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    home("XDG_CACHE_HOME")
        .or_else(|| home("LOCALAPPDATA"))
        .or_else(|| home("HOME").map(|h| h.join(".cache")))
        .unwrap_or_else(env::temp_dir)
}
