//! NVRTC, loaded: compiles one source for one architecture.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr;

use libloading::{Library, Symbol};

/// A loaded NVRTC and the folders of the CUDA headers.
pub struct Nvrtc {
    library: Library,
    includes: Vec<PathBuf>,
    version: String,
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
    /// `None` where the library cannot be loaded, or says no version.
    pub fn open(path: &Path, includes: Vec<PathBuf>) -> Option<Self> {
        // SAFETY: the file is named as NVRTC and stands beside CUDA's headers; loading it runs only its initialisers.
        let library = unsafe { Library::new(path) }.ok()?;
        println!("cargo:rerun-if-changed={}", path.display());
        // the header has no version of its own that is easily read; with another toolkit the library's size changes too
        let size = fs::metadata(path).ok()?.len();
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
        Some(Self {
            library,
            includes,
            version,
        })
    }

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
