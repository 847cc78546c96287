//! NCCL's functions: looked for when the first is wanted, since a machine without NCCL runs everything else.
//!
//! `cudarc` has them too, but asks the system for `libnccl.so` alone, which only packages for developers have, and panics
//! where it is missing.

use std::env;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

use cudarc::driver::{CudaStream, DevicePtr};
use libloading::Library;

use crate::element::Element;
use crate::error::{Error, Result};
use crate::runtime::memory::DeviceSlice;

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

type Handle = *mut c_void;
type Stream = *mut c_void;

/// What the ranks of a communicator find each other by (`ncclUniqueId`).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct UniqueId(pub(crate) [u8; 128]);

/// The `ncclConfig_t` of 2.14, which says its own length: later ones have more behind it.
#[repr(C)]
struct Config {
    size: usize,
    magic: c_uint,
    version: c_uint,
    blocking: c_int,
}

macro_rules! functions {
    ($($name:ident: $symbol:literal ($($arg:ty),*) -> $answer:ty;)*) => {
        struct Api {
            $($name: unsafe extern "C" fn($($arg),*) -> $answer,)*
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

fn api() -> Result<&'static Api> {
    static API: OnceLock<std::result::Result<Api, String>> = OnceLock::new();
    let api = API.get_or_init(open);
    api.as_ref().map_err(|why| Error::NoNccl(why.clone()))
}

/// How values of the ranks become one (`torch.distributed.ReduceOp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ReduceOp {
    /// Their sum.
    Sum = 0,
    /// Their product.
    Prod = 1,
    /// The largest.
    Max = 2,
    /// The smallest.
    Min = 3,
    /// Their mean; of integers what is left of it without its fraction.
    Avg = 4,
}

/// What ranks do together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    AllReduce(ReduceOp),
    Reduce(ReduceOp, usize),
    Broadcast(usize),
    ReduceScatter(ReduceOp),
    AllGather,
    Send(usize),
    Recv(usize),
}

impl Call {
    /// PyTorch's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllReduce(_) => "all_reduce",
            Self::Reduce(..) => "reduce",
            Self::Broadcast(_) => "broadcast",
            Self::ReduceScatter(_) => "reduce_scatter",
            Self::AllGather => "all_gather",
            Self::Send(_) => "send",
            Self::Recv(_) => "recv",
        }
    }

    /// Whether every rank makes it.
    pub(super) fn is_of_all(self) -> bool {
        !matches!(self, Self::Send(_) | Self::Recv(_))
    }

    /// How many elements are given and got where each rank's part is `count`.
    fn lengths(self, count: usize, ranks: usize) -> Option<(usize, usize)> {
        let all = count.checked_mul(ranks)?;
        Some(match self {
            Self::AllReduce(_) | Self::Reduce(..) | Self::Broadcast(_) => (count, count),
            Self::ReduceScatter(_) => (all, count),
            Self::AllGather => (count, all),
            Self::Send(_) => (count, 0),
            Self::Recv(_) => (0, count),
        })
    }
}

/// The number of an element's type in `ncclDataType_t`.
fn data_type<T: Element>() -> c_uint {
    match T::NAME {
        "i32" => 2,
        "i64" => 4,
        "f16" => 6,
        "f32" => 7,
        "bf16" => 9,
        // u8 and bool, which is a byte
        _ => 1,
    }
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
fn said(api: &Api, code: Code) -> String {
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

/// A communicator's handle, until one of [`Comm::destroy`] and [`Comm::abort`].
pub(super) struct Comm {
    api: &'static Api,
    handle: Handle,
    ranks: usize,
}

// SAFETY: a communicator is no thread's own; that no two use it at once is seen to by the lock around it (`Rank::comm`).
unsafe impl Send for Comm {}

impl Comm {
    /// Begins to make one, which the context that is current is the device of. Nothing waits: [`Comm::async_error`] says
    /// when it is made.
    pub(super) fn begin(id: UniqueId, ranks: usize, rank: usize) -> Result<(Self, Code)> {
        let api = api()?;
        let mut config = Config {
            size: size_of::<Config>(),
            magic: 0xcafe_beef,
            version: 2_14_00,
            blocking: 0,
        };
        let mut handle = std::ptr::null_mut();
        let (all, own) = (ranks as c_int, rank as c_int);
        // SAFETY: handle and configuration live through the call; the handle is written before it returns.
        let code = unsafe { (api.init)(&raw mut handle, all, id, own, &raw mut config) };
        let comm = Self { api, handle, ranks };
        Ok((comm, code))
    }

    /// Puts a call into the stream, of the context that is current. `given` and `got` may be one. `None` where they are
    /// shorter than the call.
    ///
    /// The caller keeps both until NCCL has queued it (`Rank::call`).
    pub(super) fn call<T: Element>(
        &self,
        call: Call,
        (given, got): (&DeviceSlice<T>, &DeviceSlice<T>),
        count: usize,
        stream: &CudaStream,
    ) -> Option<Code> {
        let (gives, gets) = call.lengths(count, self.ranks)?;
        if given.len() < gives || got.len() < gets {
            return None;
        }
        let ((x, _x), (y, _y)) = (given.device_ptr(stream), got.device_ptr(stream));
        let (kind, handle, api) = (data_type::<T>(), self.handle, self.api);
        let queue: Stream = stream.cu_stream().cast();
        // SAFETY: the communicator is neither destroyed nor aborted, which both take `self`; the lengths of both buffers
        // were looked at above, they are of the device's memory, and the caller keeps them.
        Some(unsafe {
            match call {
                Call::AllReduce(op) => {
                    (api.all_reduce)(x, y, count, kind, op as c_uint, handle, queue)
                }
                Call::Reduce(op, dst) => {
                    let (op, dst) = (op as c_uint, dst as c_int);
                    (api.reduce)(x, y, count, kind, op, dst, handle, queue)
                }
                Call::Broadcast(src) => {
                    (api.broadcast)(x, y, count, kind, src as c_int, handle, queue)
                }
                Call::ReduceScatter(op) => {
                    (api.reduce_scatter)(x, y, count, kind, op as c_uint, handle, queue)
                }
                Call::AllGather => (api.all_gather)(x, y, count, kind, handle, queue),
                Call::Send(to) => (api.send)(x, count, kind, to as c_int, handle, queue),
                Call::Recv(from) => (api.recv)(y, count, kind, from as c_int, handle, queue),
            }
        })
    }

    /// How it is: success, in progress, or the code that it failed with.
    pub(super) fn async_error(&self) -> Code {
        let mut state = SUCCESS;
        // SAFETY: the communicator is live, and `state` lives through the call.
        let code = unsafe { (self.api.async_error)(self.handle, &raw mut state) };
        match code {
            SUCCESS => state,
            code => code,
        }
    }

    /// A code in words.
    pub(super) fn said(&self, code: Code) -> String {
        said(self.api, code)
    }

    /// Begins to end it, once its calls are done.
    pub(super) fn finalize(&self) -> Code {
        // SAFETY: the communicator is live.
        unsafe { (self.api.finalize)(self.handle) }
    }

    /// Frees what was finalized.
    pub(super) fn destroy(self) {
        // SAFETY: the communicator is live, and nobody has it any more.
        unsafe { (self.api.destroy)(self.handle) };
    }

    /// Ends it and whatever of it is on the way, without the other ranks.
    pub(super) fn abort(self) {
        if !self.handle.is_null() {
            // SAFETY: the communicator is live, and nobody has it any more.
            unsafe { (self.api.abort)(self.handle) };
        }
    }
}
