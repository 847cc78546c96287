//! Finds NVRTC and the CUDA headers, and compiles one source with them.

use std::env;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use libloading::{Library, Symbol};

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

/// A loaded NVRTC and the folders of the CUDA headers.
pub struct Nvrtc {
    library: Library,
    includes: Vec<PathBuf>,
    version: String,
}

/// Looks in the places the README lists, then fetches the wheels if that was asked for.
pub fn find() -> Result<Nvrtc, String> {
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
    // SAFETY: the file is named as NVRTC and stands beside CUDA's headers; loading it runs only its initialisers.
    let library = unsafe { Library::new(&path) }.ok()?;
    println!("cargo:rerun-if-changed={}", path.display());
    // the header has no version of its own that is easily read; with another toolkit the library's size changes too
    let size = fs::metadata(&path).ok()?.len();
    // SAFETY: the function has this type in nvrtc.h, and writes one int through each pointer.
    let (major, minor) = unsafe {
        let version: Symbol<Version> = library.get(b"nvrtcVersion\0").ok()?;
        let (mut major, mut minor) = (0, 0);
        if version(&mut major, &mut minor) != 0 {
            return None;
        }
        (major, minor)
    };
    let version = format!("NVRTC {major}.{minor} of {size} bytes");
    Some(Nvrtc {
        library,
        includes,
        version,
    })
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

type Program = *mut c_void;
type Version = unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int;
type Query<T> = unsafe extern "C" fn(Program, *mut T) -> c_int;
type Create = unsafe extern "C" fn(
    *mut Program,
    *const c_char,
    *const c_char,
    c_int,
    *const *const c_char,
    *const *const c_char,
) -> c_int;
type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> c_int;
type Destroy = unsafe extern "C" fn(*mut Program) -> c_int;

/// Options of every compilation; the architecture and the folders of headers come to them.
const OPTIONS: [&str; 4] = [
    "--std=c++17",
    // there is no host side; without it a generic lambda counts as a host function
    "-default-device",
    "-lineinfo",
    "-Icuda",
];

impl Nvrtc {
    /// What the compiler is, for a key: its library, its version's headers, its options.
    pub fn identity(&self) -> String {
        format!("{} {OPTIONS:?}", self.version)
    }

    /// Compiles one file for one architecture (`sm_80`) to PTX; the error is NVRTC's log.
    pub fn compile(&self, source: &Path, architecture: &str) -> Result<String, String> {
        let virtual_architecture = architecture.replace("sm_", "compute_");
        let mut options = vec![format!("--gpu-architecture={virtual_architecture}")];
        options.extend(OPTIONS.map(String::from));
        options.extend(
            self.includes
                .iter()
                .map(|folder| format!("-I{}", folder.display())),
        );
        let text = fs::read_to_string(source).map_err(|e| format!("{}: {e}", source.display()))?;
        let text = CString::new(text).map_err(|e| format!("{}: {e}", source.display()))?;
        let name =
            CString::new(source.to_string_lossy().replace('\\', "/")).map_err(|e| e.to_string())?;
        let options: Vec<CString> = options
            .into_iter()
            .filter_map(|o| CString::new(o).ok())
            .collect();
        let pointers: Vec<*const c_char> = options.iter().map(|o| o.as_ptr()).collect();

        // SAFETY: the types are those of nvrtc.h; every string outlives the calls; `read` sizes its buffers by
        // NVRTC's own answers; the program is destroyed once, after its last use.
        unsafe {
            let create: Symbol<Create> = self.symbol("nvrtcCreateProgram\0")?;
            let compile: Symbol<Compile> = self.symbol("nvrtcCompileProgram\0")?;
            let destroy: Symbol<Destroy> = self.symbol("nvrtcDestroyProgram\0")?;
            let mut program: Program = ptr::null_mut();
            let code = create(
                &mut program,
                text.as_ptr(),
                name.as_ptr(),
                0,
                ptr::null(),
                ptr::null(),
            );
            if code != 0 {
                return Err(format!("nvrtcCreateProgram failed with code {code}"));
            }
            let code = compile(program, pointers.len() as c_int, pointers.as_ptr());
            let result = if code == 0 {
                self.read(program, "nvrtcGetPTXSize\0", "nvrtcGetPTX\0")
            } else {
                Err(self.read(program, "nvrtcGetProgramLogSize\0", "nvrtcGetProgramLog\0")?)
            };
            destroy(&mut program);
            result.map(|ptx| self.without_folders(ptx))
        }
    }

    /// The text with CUDA's headers named as they are included, so that it is the same on every machine.
    fn without_folders(&self, mut ptx: String) -> String {
        for folder in &self.includes {
            let folder = folder.display().to_string();
            for separator in ['/', '\\'] {
                ptx = ptx.replace(&format!("{folder}{separator}"), "");
            }
        }
        ptx
    }

    /// # Safety
    /// `program` is live and the two names are a size query and its text query.
    unsafe fn read(&self, program: Program, size: &str, text: &str) -> Result<String, String> {
        // SAFETY: both have these types in nvrtc.h, and the buffer has the size that NVRTC asks for.
        unsafe {
            let size: Symbol<Query<usize>> = self.symbol(size)?;
            let text: Symbol<Query<c_char>> = self.symbol(text)?;
            let mut bytes = 0;
            if size(program, &mut bytes) != 0 {
                return Err("NVRTC did not tell the size of its output".into());
            }
            let mut buffer = vec![0u8; bytes + 1];
            if text(program, buffer.as_mut_ptr().cast()) != 0 {
                return Err("NVRTC did not hand out its output".into());
            }
            let text = CStr::from_bytes_until_nul(&buffer).map_err(|e| e.to_string())?;
            Ok(text.to_string_lossy().into_owned())
        }
    }

    /// # Safety
    /// `T` is the type of the function called `name` in nvrtc.h.
    unsafe fn symbol<T>(&self, name: &str) -> Result<Symbol<'_, T>, String> {
        // SAFETY: the caller's.
        unsafe { self.library.get(name.as_bytes()) }.map_err(|e| format!("NVRTC: {e}"))
    }
}
