//! Calls that are not for a thread that captures: loading and unloading of code, and the mode that allows them.

use super::VECTOR;
use super::graphs::Capture;
use super::raw::{Code, ok};
use cudarc::driver::sys::{self, CUstreamCaptureMode_enum as Mode};
use std::ffi::CString;
use std::ptr::{null, null_mut};

/// What each call answers while this thread captures, and what the capture's end does.
fn answers(thread: Option<Mode>, capture: Mode) -> ([Code; 5], Code) {
    let own = Capture::new();
    let ptx = CString::new(VECTOR).unwrap();
    let file = std::env::temp_dir().join(format!("unsafe-calls-{}.ptx", std::process::id()));
    std::fs::write(&file, VECTOR).unwrap();
    let name = CString::new(file.to_str().unwrap()).unwrap();
    let (mut module, mut library, mut graph) = (null_mut(), null_mut(), null_mut());
    let (mut from_file, mut spare) = (null_mut(), null_mut());
    let mut mode = thread.unwrap_or(Mode::CU_STREAM_CAPTURE_MODE_GLOBAL);
    // SAFETY: results have room, texts end in NUL, and what is unloaded was loaded and is not used again.
    unsafe {
        ok(sys::cuModuleLoadData(&raw mut spare, ptx.as_ptr().cast())).unwrap();
        ok(sys::cuStreamBeginCapture_v2(own.streams[0], capture)).unwrap();
        ok(sys::cuThreadExchangeStreamCaptureMode(&raw mut mode)).unwrap();
        let answers = [
            sys::cuModuleLoadData(&raw mut module, ptx.as_ptr().cast()),
            sys::cuModuleLoad(&raw mut from_file, name.as_ptr()),
            sys::cuModuleUnload(spare),
            sys::cuLibraryLoadData(
                &raw mut library,
                ptx.as_ptr().cast(),
                null_mut(),
                null_mut(),
                0,
                null_mut(),
                null_mut(),
                0,
            ),
            match library.is_null() {
                true => Code::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                false => sys::cuLibraryUnload(library),
            },
        ];
        ok(sys::cuThreadExchangeStreamCaptureMode(&raw mut mode)).unwrap();
        let end = sys::cuStreamEndCapture(own.streams[0], &raw mut graph);
        let _ = std::fs::remove_file(&file);
        (answers, end)
    }
}

const REFUSED: Code = Code::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
const SPOILT: Code = Code::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;

#[test]
fn code_is_not_loaded_while_the_thread_captures() {
    let thread_local = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    assert_eq!(answers(None, thread_local), ([REFUSED; 5], SPOILT));
    let strict = Some(thread_local);
    assert_eq!(answers(strict, thread_local), ([REFUSED; 5], SPOILT));
}

#[test]
fn a_relaxed_thread_or_capture_lets_it_be_loaded() {
    let relaxed = Mode::CU_STREAM_CAPTURE_MODE_RELAXED;
    let fine = ([Code::CUDA_SUCCESS; 5], Code::CUDA_SUCCESS);
    let thread_local = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    assert_eq!(answers(Some(relaxed), thread_local), fine);
    assert_eq!(answers(None, relaxed), fine);
}

/// A library can be unloaded only where it was loaded before the capture.
#[test]
fn a_library_is_not_unloaded_while_the_thread_captures() {
    let own = Capture::new();
    let ptx = CString::new(VECTOR).unwrap();
    let (mut library, mut graph) = (null_mut(), null_mut());
    let mode = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    // SAFETY: as above.
    unsafe {
        ok(sys::cuLibraryLoadData(
            &raw mut library,
            ptx.as_ptr().cast(),
            null_mut(),
            null_mut(),
            0,
            null_mut(),
            null_mut(),
            0,
        ))
        .unwrap();
        ok(sys::cuStreamBeginCapture_v2(own.streams[0], mode)).unwrap();
        assert_eq!(sys::cuLibraryUnload(library), REFUSED);
        let end = sys::cuStreamEndCapture(own.streams[0], &raw mut graph);
        assert_eq!(end, SPOILT);
        ok(sys::cuLibraryUnload(library)).unwrap();
        // an image that is not there is refused whoever captures
        let code = sys::cuModuleLoadData(&raw mut graph as *mut _, null());
        assert_eq!(code, Code::CUDA_ERROR_INVALID_VALUE);
    }
}
