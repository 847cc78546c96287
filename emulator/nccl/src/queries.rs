//! What is asked of the library and of a communicator; operators and memory of the program's own.

use crate::comm::{self, Entry, LAST, lock};
use crate::driver::driver;
use crate::entry::{In, Out, Outcome, api, invalid};
use crate::exports::OWN_OPS;
use crate::types::{Code, DataType, Op};
use std::cell::RefCell;
use std::ffi::{CString, c_char};

/// 2.22.3
const VERSION: i32 = 22203;
const HOST: u32 = 1;

/// A text by result, in the order of `ncclResult_t`.
const TEXTS: [&std::ffi::CStr; 8] = [
    c"no error",
    c"unhandled cuda error",
    c"unhandled system error",
    c"internal error",
    c"invalid argument",
    c"invalid usage",
    c"remote process exited or there was a network error",
    c"NCCL operation in progress",
];

/// What `ncclResult_t` says.
#[unsafe(no_mangle)]
pub extern "C" fn ncclGetErrorString(result: u32) -> *const c_char {
    let text = TEXTS.get(result as usize);
    text.copied().unwrap_or(c"unknown result code").as_ptr()
}

/// The last report of this process. The text lives until this thread asks again.
#[unsafe(no_mangle)]
pub extern "C" fn ncclGetLastError(_comm: usize) -> *const c_char {
    thread_local! {
        static SHOWN: RefCell<CString> = RefCell::default();
    }
    let text = CString::new(lock(&LAST).as_str()).unwrap_or_default();
    SHOWN.with_borrow_mut(|shown| {
        *shown = text;
        shown.as_ptr()
    })
}

fn number(out: Out<i32>, value: usize) -> Outcome {
    out.set(i32::try_from(value).unwrap_or(i32::MAX))
}

api! {
    fn ncclGetVersion(version: Out<i32>) {
        version.set(VERSION)
    }

    fn ncclCommCount(comm: usize, count: Out<i32>) {
        number(count, comm::find(comm)?.ranks)
    }

    fn ncclCommUserRank(comm: usize, rank: Out<i32>) {
        number(rank, comm::find(comm)?.rank)
    }

    fn ncclCommCuDevice(comm: usize, device: Out<i32>) {
        device.set(comm::find(comm)?.device)
    }

    fn ncclCommGetAsyncError(comm: usize, error: Out<u32>) {
        error.check()?;
        match comm::entry(comm) {
            Some(Entry::Ended("ncclCommFinalize", _)) => return error.set(0),
            Some(Entry::Beginning) => return error.set(Code::InProgress as u32),
            Some(Entry::Failed(failure)) => return error.set(failure.code as u32),
            _ => {}
        }
        let comm = comm::find(comm)?;
        let failure = comm.link.failure(comm.number);
        if let Some(failure) = &failure {
            comm.tell(failure);
        }
        error.set(failure.map_or(0, |failure| failure.code as u32))
    }

    fn ncclRedOpCreatePreMulSum(op: Out<u32>, scalar: In<u8>, dtype: u32, residence: u32, comm: usize) {
        op.check()?;
        let comm = comm::find(comm)?;
        let Some(dtype) = DataType::from_code(dtype) else {
            return invalid(format!("there is no type {dtype}"));
        };
        if residence != HOST {
            return invalid("a scalar in device memory is not emulated");
        }
        let mut bytes = [0; 8];
        bytes[..dtype.size()].copy_from_slice(&scalar.list(dtype.size())?);
        let mut ops = lock(&comm.ops);
        op.set(OWN_OPS + ops.len() as u32)?;
        ops.push(Some(Op::PreMulSum(bytes)));
        Ok(())
    }

    fn ncclRedOpDestroy(op: u32, comm: usize) {
        let comm = comm::find(comm)?;
        let at = op.checked_sub(OWN_OPS).map_or(usize::MAX, |at| at as usize);
        match lock(&comm.ops).get_mut(at).and_then(Option::take) {
            Some(_) => Ok(()),
            None => invalid(format!("operator {op} is none that was made on rank {}", comm.rank)),
        }
    }

    fn ncclMemAlloc(address: Out<usize>, bytes: usize) {
        address.check()?;
        address.set(driver()?.alloc(bytes)?)
    }

    fn ncclMemFree(address: usize) {
        if address == 0 {
            return Ok(());
        }
        driver()?.free(address)
    }

    // Registration makes transfers faster, which there is nothing of here; a handle is all that is asked for.
    fn ncclCommRegister(comm: usize, buffer: usize, _bytes: usize, handle: Out<usize>) {
        comm::find(comm)?;
        handle.set(buffer)
    }

    fn ncclCommDeregister(comm: usize, _handle: usize) {
        comm::find(comm).map(|_| ())
    }
}
