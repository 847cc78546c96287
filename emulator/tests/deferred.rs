//! Streams that keep their work until somebody waits for it: this program runs itself again with the variable set.

use cudarc::driver::sys::{self, CUevent_flags_enum as Flags};
use cudarc::driver::{CudaContext, CudaEvent, CudaFunction, CudaSlice, CudaStream};
use cudarc::driver::{DevicePtr, LaunchConfig};
use cudarc::driver::{PinnedHostSlice, PushKernelArg};
use cudarc::nvrtc::Ptx;
use std::ffi::c_void;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

const N: usize = 64;

/// A device, and `add(out, a, b, n)`.
struct Bench {
    context: Arc<CudaContext>,
    add: CudaFunction,
}

impl Bench {
    fn new() -> Bench {
        let context = CudaContext::new(0).unwrap();
        // SAFETY: what the tests share between streams they order themselves.
        unsafe { context.disable_event_tracking() };
        let text = Ptx::from_src(include_str!("fixtures/vector.ptx"));
        let add = context.load_module(text).unwrap();
        let add = add.load_function("add").unwrap();
        Bench { context, add }
    }

    fn filled(&self, stream: &Arc<CudaStream>, value: f32) -> CudaSlice<f32> {
        let there = stream.clone_htod(&[value; N]).unwrap();
        stream.synchronize().unwrap();
        there
    }

    /// a += b
    fn add(&self, stream: &Arc<CudaStream>, a: &CudaSlice<f32>, b: &CudaSlice<f32>) {
        let address = a.device_ptr(stream).0;
        let mut call = stream.launch_builder(&self.add);
        call.arg(&address).arg(&address).arg(b).arg(&(N as u32));
        // SAFETY: the kernel's parameters; both have N elements.
        unsafe { call.launch(LaunchConfig::for_num_elems(N as u32)) }.unwrap();
    }

    /// Begins to copy to the host.
    fn read(&self, stream: &Arc<CudaStream>, from: &CudaSlice<f32>, to: &mut [f32; N]) {
        stream.memcpy_dtoh(from, to).unwrap();
    }
}

type Case = (&'static str, fn(&Bench, bool));

/// What is tried, in either mode.
const CASES: [Case; 11] = [
    ("copies", copies_read_and_write_late),
    ("pinned", pinned_memory_is_read_late_too),
    ("order", a_streams_work_keeps_its_order),
    ("events", events_cover_what_was_before_them),
    ("another thread", what_another_thread_is_at_is_waited_for),
    ("default stream", the_default_stream_waits),
    ("non-blocking", what_does_not_block_waits_longer),
    ("graph", a_graphs_launch_waits),
    (
        "destroyed graph",
        a_graph_is_destroyed_while_a_thread_is_at_it,
    ),
    ("free", what_is_freed_is_used_before),
    ("fault", a_fault_is_told_by_who_waits),
];

fn copies_read_and_write_late(bench: &Bench, deferred: bool) {
    let stream = bench.context.new_stream().unwrap();
    let mut there = bench.filled(&stream, 0.0);
    let mut here = [1.0; N];
    stream.memcpy_htod(&here, &mut there).unwrap();
    here.fill(2.0);
    let mut back = [7.0; N];
    bench.read(&stream, &there, &mut back);
    assert_eq!(back[0], if deferred { 7.0 } else { 1.0 });
    stream.synchronize().unwrap();
    assert_eq!(back, [if deferred { 2.0 } else { 1.0 }; N]);
    // a synchronous copy does not return before it is done
    let address = there.device_ptr(&stream).0;
    // SAFETY: N floats on both sides.
    unsafe {
        let bytes = size_of_val(&here);
        sys::cuMemcpyHtoD_v2(address, here.as_ptr().cast(), bytes);
        here.fill(3.0);
        sys::cuMemcpyDtoH_v2(back.as_mut_ptr().cast(), address, bytes);
    }
    assert_eq!(back, [2.0; N]);
}

fn pinned_memory_is_read_late_too(bench: &Bench, deferred: bool) {
    let stream = bench.context.new_stream().unwrap();
    let mut there = bench.filled(&stream, 0.0);
    // SAFETY: it is written before it is read.
    let mut here: PinnedHostSlice<f32> = unsafe { bench.context.alloc_pinned(N) }.unwrap();
    here.as_mut_slice().unwrap().fill(1.0);
    let raw = here.as_mut_ptr().unwrap();
    stream.memcpy_htod(&here, &mut there).unwrap();
    // SAFETY: inside the block; that the copy may still be going on is what is tried.
    unsafe { raw.write(2.0) };
    // cudarc's own event is recorded only where it tracks buffers
    stream.record_event(None).unwrap().synchronize().unwrap();
    here.as_mut_slice().unwrap().fill(3.0);
    let back = stream.clone_dtoh(&there).unwrap();
    stream.synchronize().unwrap();
    assert_eq!(back[..2], [if deferred { 2.0 } else { 1.0 }, 1.0]);
}

fn a_streams_work_keeps_its_order(bench: &Bench, deferred: bool) {
    extern "C" fn count(at: *mut c_void) {
        // SAFETY: the caller's counter, which outlives the stream's work.
        unsafe { *at.cast::<u32>() += 1 };
    }
    let stream = bench.context.new_stream().unwrap();
    let (a, b) = (bench.filled(&stream, 1.0), bench.filled(&stream, 10.0));
    let (mut first, mut second, mut calls) = ([0.0; N], [0.0; N], 0u32);
    bench.add(&stream, &a, &b);
    bench.read(&stream, &a, &mut first);
    bench.add(&stream, &a, &b);
    bench.read(&stream, &a, &mut second);
    let counter = (&raw mut calls).cast();
    // SAFETY: the counter outlives the wait below.
    unsafe { sys::cuLaunchHostFunc(stream.cu_stream(), Some(count), counter) };
    assert_eq!(calls, u32::from(!deferred));
    stream.synchronize().unwrap();
    assert_eq!((first[N - 1], second[0], calls), (11.0, 21.0, 1));
}

fn events_cover_what_was_before_them(bench: &Bench, deferred: bool) {
    let (one, two) = (
        bench.context.new_stream().unwrap(),
        bench.context.new_stream().unwrap(),
    );
    let (a, b) = (bench.filled(&one, 1.0), bench.filled(&one, 10.0));
    let event = |flags| bench.context.new_event(Some(flags)).unwrap();
    let (start, done) = (
        event(Flags::CU_EVENT_DEFAULT),
        event(Flags::CU_EVENT_DEFAULT),
    );
    let mut back = [0.0; N];
    start.record(&one).unwrap();
    bench.add(&one, &a, &b);
    done.record(&one).unwrap();
    two.wait(&done).unwrap();
    bench.read(&two, &a, &mut back);
    assert_eq!(back[0], if deferred { 0.0 } else { 11.0 });
    let read = two.record_event(None).unwrap();
    read.synchronize().unwrap();
    assert_eq!(back, [11.0; N]);
    bench.add(&one, &a, &b);
    done.record(&one).unwrap();
    assert!(start.elapsed_ms(&done).unwrap() >= 0.0);
    assert!(done.is_complete());
    bench.read(&two, &a, &mut back);
    two.synchronize().unwrap();
    assert_eq!(back, [21.0; N]);
}

/// Work that a thread has begun to run is not done, for who waits for an event behind it or for the context.
fn what_another_thread_is_at_is_waited_for(bench: &Bench, deferred: bool) {
    extern "C" fn slow(at: *mut c_void) {
        // SAFETY: the test's own, which outlives the streams' work.
        let calls = unsafe { &*at.cast::<[AtomicU32; 2]>() };
        calls[0].fetch_add(1, SeqCst);
        thread::sleep(Duration::from_millis(200));
        calls[1].fetch_add(1, SeqCst);
    }
    let stream = || bench.context.new_stream().unwrap();
    let waits: [&dyn Fn(&CudaEvent); 2] = [
        &|done| {
            let other = stream();
            other.wait(done).unwrap();
            other.synchronize().unwrap();
        },
        &|_| bench.context.synchronize().unwrap(),
    ];
    for wait in waits {
        let (one, calls) = (stream(), [AtomicU32::new(0), AtomicU32::new(0)]);
        let at = (&raw const calls).cast_mut().cast();
        // SAFETY: the counters outlive the waits below.
        unsafe { sys::cuLaunchHostFunc(one.cu_stream(), Some(slow), at) };
        let done = one.record_event(None).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| one.synchronize().unwrap());
            while calls[0].load(SeqCst) == 0 {
                thread::yield_now();
            }
            // who asks is not kept waiting; where work runs at once the call before has done it
            assert_eq!(done.is_complete(), !deferred);
            // SAFETY: takes a stream that is there.
            let asked = unsafe { sys::cuStreamQuery(one.cu_stream()) };
            assert_eq!(asked == sys::CUresult::CUDA_SUCCESS, !deferred);
            wait(&done);
            assert_eq!(calls[1].load(SeqCst), 1);
        });
    }
}

fn the_default_stream_waits(bench: &Bench, deferred: bool) {
    let mut blocking = std::ptr::null_mut();
    let default = bench.context.default_stream();
    let (a, b) = (bench.filled(&default, 1.0), bench.filled(&default, 10.0));
    let (mut before, mut behind) = ([0.0f32; N], [0.0f32; N]);
    let bytes = size_of_val(&before);
    let address = a.device_ptr(&default).0;
    // SAFETY: results and copies have room; the stream is waited for before they go.
    unsafe {
        sys::cuStreamCreate(&raw mut blocking, 0);
        sys::cuMemcpyDtoHAsync_v2(before.as_mut_ptr().cast(), address, bytes, blocking);
        bench.add(&default, &a, &b);
        sys::cuMemcpyDtoHAsync_v2(behind.as_mut_ptr().cast(), address, bytes, blocking);
        assert_eq!(
            (before[0], behind[0]),
            (1.0, if deferred { 0.0 } else { 11.0 })
        );
        sys::cuCtxSynchronize();
        assert_eq!((before, behind), ([1.0; N], [11.0; N]));
        sys::cuStreamDestroy_v2(blocking);
    }
}

fn what_does_not_block_waits_longer(bench: &Bench, deferred: bool) {
    let stream = bench.context.new_stream().unwrap();
    let a = bench.filled(&stream, 1.0);
    let mut back = [0.0; N];
    bench.read(&stream, &a, &mut back);
    bench.context.default_stream().synchronize().unwrap();
    assert_eq!(back[0], if deferred { 0.0 } else { 1.0 });
    bench.context.synchronize().unwrap();
    assert_eq!(back, [1.0; N]);
}

fn a_graphs_launch_waits(bench: &Bench, deferred: bool) {
    let stream = bench.context.new_stream().unwrap();
    let (a, b) = (bench.filled(&stream, 1.0), bench.filled(&stream, 10.0));
    let mut back = [0.0; N];
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    stream.begin_capture(mode).unwrap();
    bench.add(&stream, &a, &b);
    bench.read(&stream, &a, &mut back);
    let flags = sys::CUgraphInstantiate_flags(0);
    let graph = stream.end_capture(flags).unwrap().unwrap();
    graph.launch().unwrap();
    graph.launch().unwrap();
    assert_eq!(back[0], if deferred { 0.0 } else { 21.0 });
    // what is launched is done before the graph goes
    drop(graph);
    stream.synchronize().unwrap();
    assert_eq!(back, [21.0; N]);
}

/// Its memory lasts until the launch is over.
fn a_graph_is_destroyed_while_a_thread_is_at_it(bench: &Bench, deferred: bool) {
    /// Counts, and waits until it is told to go on.
    extern "C" fn stays(at: *mut c_void) {
        // SAFETY: the test's own, which outlives the stream's work.
        let calls = unsafe { &*at.cast::<[AtomicU32; 2]>() };
        calls[0].fetch_add(1, SeqCst);
        while calls[1].load(SeqCst) == 0 {
            thread::yield_now();
        }
    }
    let (stream, calls) = (
        bench.context.new_stream().unwrap(),
        [AtomicU32::new(0), AtomicU32::new(u32::from(!deferred))],
    );
    let at = (&raw const calls).cast_mut().cast();
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    stream.begin_capture(mode).unwrap();
    let mut address = 0;
    // SAFETY: the counters outlive the wait below; the address is the graph's.
    unsafe {
        sys::cuMemAllocAsync(&raw mut address, 16, stream.cu_stream());
        sys::cuLaunchHostFunc(stream.cu_stream(), Some(stays), at);
        sys::cuMemsetD32Async(address, 1, 4, stream.cu_stream());
        sys::cuMemFreeAsync(address, stream.cu_stream());
    }
    let flags = sys::CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
    let graph = stream.end_capture(flags).unwrap().unwrap();
    graph.launch().unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| stream.synchronize());
        while calls[0].load(SeqCst) == 0 {
            thread::yield_now();
        }
        drop(graph);
        calls[1].store(1, SeqCst);
        waits.join().unwrap().unwrap();
    });
}

fn what_is_freed_is_used_before(bench: &Bench, _: bool) {
    let stream = bench.context.new_stream().unwrap();
    let a = bench.filled(&stream, 1.0);
    let mut back = [0.0; N];
    {
        let b = bench.filled(&stream, 10.0);
        bench.add(&stream, &a, &b);
        // freed in the stream's order
    }
    bench.read(&stream, &a, &mut back);
    stream.synchronize().unwrap();
    assert_eq!(back, [11.0; N]);
}

fn a_fault_is_told_by_who_waits(bench: &Bench, _: bool) {
    let stream = bench.context.new_stream().unwrap();
    let short = stream.alloc_zeros::<f32>(N / 2).unwrap();
    let a = bench.filled(&stream, 1.0);
    bench.add(&stream, &short, &a);
    let error = stream.synchronize().unwrap_err();
    assert_eq!(error.0, sys::CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
}

fn run(case: &str, mode: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("WARPSMITH_DEVICE", "emulator")
        .env("CUDA_EMULATOR_STREAMS", mode)
        .env("CASE", case)
        .output()
        .unwrap()
}

/// What the tests run again.
#[test]
fn child() {
    let case = std::env::var("CASE").unwrap_or_default();
    if case == "unwaited" {
        cuda_emulator_testing::install();
        let bench = Bench::new();
        let stream = bench.context.new_stream().unwrap();
        let there = stream.alloc_zeros::<f32>(N).unwrap();
        std::mem::forget((there, stream, bench));
    }
    if let Some((_, run)) = CASES.iter().find(|(name, _)| *name == case) {
        cuda_emulator_testing::install();
        let mode = std::env::var("CUDA_EMULATOR_STREAMS").unwrap();
        run(&Bench::new(), mode == "deferred");
        println!("{case} is right");
    }
}

#[test]
fn work_runs_at_once_or_when_it_is_waited_for() {
    for mode in ["eager", "deferred"] {
        for (case, _) in CASES {
            let output = run(case, mode);
            let [out, told] = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b));
            let right = out.contains(&format!("{case} is right"));
            assert!(output.status.success() && right, "{mode}: {out}\n{told}");
            assert!(!told.contains("never ran"), "{case}: {told}");
        }
    }
}

/// What nobody waits for is told at the end; a mode that is none is refused.
#[test]
fn what_never_ran_is_told() {
    let output = run("unwaited", "deferred");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("1 pieces of work never ran"), "{told}");
    let output = run("copies", "lazy");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("it can be eager or deferred"), "{told}");
}
