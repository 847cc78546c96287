//! NCCL's functions: looked for when the first is wanted, since a machine without NCCL runs everything else.
//!
//! `cudarc` has them too, but asks the system for `libnccl.so` alone, which only packages for developers have, and panics
//! where it is missing.

use std::env;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

use libloading::Library;

use crate::error::{Error, Result};

/// `ncclResult_t`. Numbers, as a newer library may have more of them.
pub(super) type Code = c_uint;
pub(super) const SUCCESS: Code = 0;
const INVALID_ARGUMENT: Code = 4;
const INVALID_USAGE: Code = 5;
pub(super) const IN_PROGRESS: Code = 7;

/// Whether a call that ended so was refused, and has left the communicator as it was.
pub(super) fn is_refusal(code: Code) -> bool {
    [INVALID_ARGUMENT, INVALID_USAGE].contains(&code)
}

pub(super) type Handle = *mut c_void;
pub(super) type Stream = *mut c_void;

/// What the ranks of a communicator find each other by (`ncclUniqueId`).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct UniqueId(pub(crate) [u8; 128]);

/// The `ncclConfig_t` of 2.14, which says its own length: later ones have more behind it.
#[repr(C)]
pub(super) struct Config {
    pub(super) size: usize,
    pub(super) magic: c_uint,
    pub(super) version: c_uint,
    pub(super) blocking: c_int,
}

macro_rules! functions {
    ($($name:ident: $symbol:literal ($($arg:ty),*) -> $answer:ty;)*) => {
        pub(super) struct Api {
            $(pub(super) $name: unsafe extern "C" fn($($arg),*) -> $answer,)*
            _library: Library,
        }

        impl Api {
            fn of(library: Library) -> std::result::Result<Self, libloading::Error> {
                Ok(Self {
                    // SAFETY: nccl.h declares the function so, from 2.14 on.
                    $($name: *unsafe { library.get($symbol) }?,)*
                    _library: library,
                })
            }
        }
    };
}

functions! {
    unique_id: b"ncclGetUniqueId\0" (*mut UniqueId) -> Code;
    init: b"ncclCommInitRankConfig\0" (*mut Handle, c_int, UniqueId, c_int, *mut Config) -> Code;
    finalize: b"ncclCommFinalize\0" (Handle) -> Code;
    destroy: b"ncclCommDestroy\0" (Handle) -> Code;
    abort: b"ncclCommAbort\0" (Handle) -> Code;
    async_error: b"ncclCommGetAsyncError\0" (Handle, *mut Code) -> Code;
    text: b"ncclGetErrorString\0" (Code) -> *const c_char;
    last: b"ncclGetLastError\0" (Handle) -> *const c_char;
    group_start: b"ncclGroupStart\0" () -> Code;
    group_end: b"ncclGroupEnd\0" () -> Code;
    all_reduce: b"ncclAllReduce\0" (u64, u64, usize, c_uint, c_uint, Handle, Stream) -> Code;
    reduce: b"ncclReduce\0" (u64, u64, usize, c_uint, c_uint, c_int, Handle, Stream) -> Code;
    broadcast: b"ncclBroadcast\0" (u64, u64, usize, c_uint, c_int, Handle, Stream) -> Code;
    reduce_scatter: b"ncclReduceScatter\0" (u64, u64, usize, c_uint, c_uint, Handle, Stream) -> Code;
    all_gather: b"ncclAllGather\0" (u64, u64, usize, c_uint, Handle, Stream) -> Code;
    send: b"ncclSend\0" (u64, usize, c_uint, c_int, Handle, Stream) -> Code;
    recv: b"ncclRecv\0" (u64, usize, c_uint, c_int, Handle, Stream) -> Code;
}

fn open() -> std::result::Result<Api, String> {
    let named = env::var_os("WARPSMITH_NCCL").filter(|path| !path.is_empty());
    let names = match named {
        Some(path) => vec![path],
        None => ["libnccl.so", "libnccl.so.2"].map(Into::into).into(),
    };
    let mut missing = String::new();
    for name in names {
        // SAFETY: opening the library runs only its initialisers.
        match unsafe { Library::new(&name) } {
            Ok(library) => {
                let old = |error| {
                    let name = name.display();
                    format!("{name} is older than 2.14, the oldest that will do: {error}")
                };
                return Api::of(library).map_err(old);
            }
            Err(error) if missing.is_empty() => missing = error.to_string(),
            Err(_) => {}
        }
    }
    Err(format!(
        "{missing}; install NCCL 2.14 or newer (libnccl2 of Debian and Ubuntu, or pip's nvidia-nccl-cu12), and where the \
         system does not find it say so with WARPSMITH_NCCL=.../libnccl.so.2"
    ))
}

pub(super) fn api() -> Result<&'static Api> {
    static API: OnceLock<std::result::Result<Api, String>> = OnceLock::new();
    let api = API.get_or_init(open);
    api.as_ref().map_err(|why| Error::NoNccl(why.clone()))
}

/// A new unique id.
pub(crate) fn unique_id() -> Result<std::result::Result<UniqueId, String>> {
    let api = api()?;
    let mut id = UniqueId([0; 128]);
    // SAFETY: the id lives through the call, and any bytes are one.
    let code = unsafe { (api.unique_id)(&raw mut id) };
    Ok(match code {
        SUCCESS => Ok(id),
        _ => Err(said(api, code)),
    })
}

/// Begins a group of the thread's calls; [`group_end`] ends it.
pub(super) fn group_start() -> Result<Code> {
    // SAFETY: it takes nothing.
    Ok(unsafe { (api()?.group_start)() })
}

/// Hands over what the group has.
pub(super) fn group_end() -> Result<Code> {
    // SAFETY: it takes nothing; memory of the group's calls is kept by `group::GROUP` until it has returned.
    Ok(unsafe { (api()?.group_end)() })
}

/// A code in words, with what NCCL last said.
pub(super) fn said(api: &Api, code: Code) -> String {
    // SAFETY: both answer texts that end with NUL, or null; the text of an error lives until the thread asks for another,
    // and is copied at once. A null communicator is what `ncclGetLastError` is documented to take.
    let [text, last] = unsafe {
        [(api.text)(code), (api.last)(std::ptr::null_mut())].map(|text| match text.is_null() {
            true => String::new(),
            false => CStr::from_ptr(text).to_string_lossy().trim().to_string(),
        })
    };
    match last.is_empty() {
        true => text,
        false => format!("{text}: {last}"),
    }
}
