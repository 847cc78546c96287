//! Functions beside the collectives.

use crate::api::{Api, Gpu, ask};
use crate::scenarios::{F32, INVALID_ARGUMENT, SUM, unique_id};
use std::ffi::{CStr, c_char};
use std::thread;

const UNHANDLED_CUDA_ERROR: u32 = 1;

fn text(at: *const c_char) -> String {
    // SAFETY: what the library answers is a text that ends with NUL, and lives until this thread asks again.
    unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned()
}

pub fn others(api: Api) {
    let (n, id) = (2, unique_id(api));
    let mut version = 0;
    ask!(api, ncclGetVersion(&raw mut version));
    assert_eq!(version / 100, 222);
    // SAFETY: any number may be asked for.
    let said = [0, 4, 6, 99].map(|code| text(unsafe { (api.ncclGetErrorString)(code) }));
    assert_eq!(said[0], "no error");
    assert_eq!(said[1], "invalid argument");
    assert!(said[2].starts_with("remote process"), "{}", said[2]);
    assert!(said[3].starts_with("unknown"), "{}", said[3]);
    let mut none = 0;
    ask!(api, ncclCommInitRankConfig(&raw mut none, n, id, n, 0) => INVALID_ARGUMENT);
    // SAFETY: a communicator is not looked at.
    let last = text(unsafe { (api.ncclGetLastError)(0) });
    assert_eq!(last, "ncclCommInitRankConfig: rank 2 of 2");
    thread::scope(|scope| {
        for rank in 0..n {
            scope.spawn(move || each(api, rank, n, id));
        }
    });
}

fn each(api: Api, rank: i32, n: i32, id: crate::api::UniqueId) {
    let (gpu, mut comm) = (Gpu::new(api, rank), 0);
    let s = gpu.stream;
    ask!(api, ncclCommInitRankConfig(&raw mut comm, n, id, rank, 0));
    let (mut device, mut error) = (-1, 9);
    ask!(api, ncclCommCuDevice(comm, &raw mut device));
    ask!(api, ncclCommGetAsyncError(comm, &raw mut error));
    assert_eq!((device, error), (rank, 0));
    // memory of NCCL's own, which has to be the device's
    let (mut own, mut handle) = (0, 0);
    ask!(api, ncclMemAlloc(&raw mut own, 8));
    ask!(api, ncclCommRegister(comm, own, 8, &raw mut handle));
    let values = [rank as f32 + 1.0, 4.0];
    ask!(api, cuMemcpyHtoD_v2(own, values.as_ptr().cast(), 8));
    ask!(api, ncclBcast(own, 1, F32, 1, comm, s));
    assert_eq!(gpu.read(own, 2), [2.0, 4.0]);
    ask!(api, ncclCommDeregister(comm, handle));
    ask!(api, ncclMemFree(own));
    ask!(api, ncclMemFree(own) => UNHANDLED_CUDA_ERROR);
    ask!(api, ncclMemFree(0));
    // an operator, until it is destroyed
    let (mut op, scalar) = (0, 3f32);
    ask!(
        api,
        ncclRedOpCreatePreMulSum(&raw mut op, &raw const scalar, F32, 1, comm)
    );
    let one = gpu.buffer(&[1.0]);
    ask!(api, ncclAllReduce(one, one, 1, F32, op, comm, s));
    assert_eq!(gpu.read(one, 1), [3.0 * n as f32]);
    ask!(api, ncclRedOpDestroy(op, comm));
    ask!(api, ncclRedOpDestroy(op, comm) => INVALID_ARGUMENT);
    ask!(api, ncclAllReduce(one, one, 1, F32, op, comm, s) => INVALID_ARGUMENT);
    ask!(api, ncclAllReduce(one, one, 1, F32, SUM, comm, s));
    ask!(api, ncclCommFinalize(comm));
    ask!(api, ncclCommGetAsyncError(comm, &raw mut error));
    assert_eq!(error, 0);
    ask!(api, ncclCommDestroy(comm));
    ask!(api, ncclCommDestroy(0));
}
