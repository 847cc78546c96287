//! Capture, and running what was captured.

use super::raw::{self, Code, Own, ok};
use super::{context, function};
use cudarc::driver::sys::{
    self, CUgraphInstantiate_flags_enum as InstantiateFlags, CUstreamCaptureMode_enum as Mode,
};
use cudarc::driver::{LaunchConfig, PushKernelArg};
use std::ffi::c_void;
use std::ptr::null_mut;

#[test]
fn a_captured_graph_runs_again_with_its_own_copy_of_the_arguments() {
    let context = context();
    let stream = context.new_stream().unwrap();
    let add = function(&context, "add");
    let one = stream.clone_htod(&[1f32; 50]).unwrap();
    let sum = stream.alloc_zeros::<f32>(50).unwrap();
    stream.synchronize().unwrap();
    // SAFETY: the buffers outlive the graph.
    unsafe { context.disable_event_tracking() };
    stream
        .begin_capture(Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        .unwrap();
    {
        let n = 50u32;
        let mut call = stream.launch_builder(&add);
        // In place: out and a are one buffer.
        let address = device_address(&sum, &stream);
        call.arg(&address).arg(&address).arg(&one).arg(&n);
        // SAFETY: the kernel's parameters.
        unsafe { call.launch(LaunchConfig::for_num_elems(50)) }.unwrap();
    }
    let flags = InstantiateFlags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH;
    let graph = stream.end_capture(flags).unwrap().unwrap();
    assert_eq!(
        stream.clone_dtoh(&sum).unwrap(),
        [0.0; 50],
        "capturing ran nothing"
    );
    for _ in 0..3 {
        graph.launch().unwrap();
    }
    stream.synchronize().unwrap();
    assert_eq!(stream.clone_dtoh(&sum).unwrap(), [3.0; 50]);
}

fn device_address(
    buffer: &cudarc::driver::CudaSlice<f32>,
    stream: &cudarc::driver::CudaStream,
) -> u64 {
    use cudarc::driver::DevicePtr;
    buffer.device_ptr(stream).0
}

/// Streams, events and a graph, as C programs handle them.
pub struct Capture {
    pub own: Own,
    pub streams: [sys::CUstream; 2],
    events: [sys::CUevent; 2],
}

impl Capture {
    pub fn new() -> Capture {
        let own = Own::new();
        let (mut streams, mut events) = ([null_mut(); 2], [null_mut(); 2]);
        for i in 0..2 {
            // SAFETY: results have room.
            unsafe {
                ok(sys::cuStreamCreate(&raw mut streams[i], 1)).unwrap();
                ok(sys::cuEventCreate(&raw mut events[i], 2)).unwrap();
            }
        }
        Capture {
            own,
            streams,
            events,
        }
    }

    fn begin(&self) {
        // SAFETY: the stream is alive.
        ok(unsafe {
            sys::cuStreamBeginCapture_v2(self.streams[0], Mode::CU_STREAM_CAPTURE_MODE_RELAXED)
        })
        .unwrap();
    }

    fn end(&self) -> Result<sys::CUgraph, Code> {
        let mut graph = null_mut();
        // SAFETY: the result has room.
        ok(unsafe { sys::cuStreamEndCapture(self.streams[0], &raw mut graph) })?;
        Ok(graph)
    }

    /// Makes stream `to` wait for all of stream `from`.
    fn order(&self, from: usize, to: usize) {
        // SAFETY: all handles are alive.
        unsafe {
            ok(sys::cuEventRecord(self.events[from], self.streams[from])).unwrap();
            ok(sys::cuStreamWaitEvent(
                self.streams[to],
                self.events[from],
                0,
            ))
            .unwrap();
        }
    }

    fn scale(&self, stream: usize, address: u64) {
        let mut address = address;
        let mut arguments = [(&raw mut address).cast::<c_void>()];
        let function = self.own.function("scale_all");
        ok(raw::launch(
            function,
            [1; 3],
            [4, 1, 1],
            0,
            self.streams[stream],
            &mut arguments,
        ))
        .unwrap();
    }
}

pub fn run(graph: sys::CUgraph, stream: sys::CUstream, times: usize) {
    let mut exec = null_mut();
    // SAFETY: graph and stream are alive; what is made is destroyed.
    unsafe {
        ok(sys::cuGraphInstantiateWithFlags(&raw mut exec, graph, 0)).unwrap();
        ok(sys::cuGraphUpload(exec, stream)).unwrap();
        for _ in 0..times {
            ok(sys::cuGraphLaunch(exec, stream)).unwrap();
        }
        ok(sys::cuStreamSynchronize(stream)).unwrap();
        ok(sys::cuGraphExecDestroy(exec)).unwrap();
    }
}

pub fn nodes(graph: sys::CUgraph) -> Vec<sys::CUgraphNode> {
    let mut count = 0;
    // SAFETY: a null list asks for the number; then the list has that room.
    unsafe {
        ok(sys::cuGraphGetNodes(graph, null_mut(), &raw mut count)).unwrap();
        let mut nodes = vec![null_mut(); count];
        ok(sys::cuGraphGetNodes(
            graph,
            nodes.as_mut_ptr(),
            &raw mut count,
        ))
        .unwrap();
        nodes
    }
}

pub fn read(address: u64) -> [u32; 4] {
    let mut out = [0; 4];
    // SAFETY: 16 bytes on either side.
    ok(unsafe { sys::cuMemcpyDtoH_v2(out.as_mut_ptr().cast(), address, 16) }).unwrap();
    out
}

#[test]
fn a_fork_and_join_becomes_nodes_with_edges() {
    let capture = Capture::new();
    let (a, b) = (capture.own.alloc(16), capture.own.alloc(16));
    capture.begin();
    // SAFETY: 16 bytes each.
    unsafe { ok(sys::cuMemsetD32Async(a, 1, 4, capture.streams[0])).unwrap() };
    capture.order(0, 1);
    // SAFETY: as above.
    unsafe { ok(sys::cuMemcpyDtoDAsync_v2(b, a, 16, capture.streams[1])).unwrap() };
    capture.scale(1, b);
    capture.scale(0, a);
    capture.order(1, 0);
    let graph = capture.end().unwrap();
    let all = nodes(graph);
    let kind = |node| {
        let mut kind = sys::CUgraphNodeType_enum::CU_GRAPH_NODE_TYPE_EMPTY;
        // SAFETY: the node is of a live graph.
        ok(unsafe { sys::cuGraphNodeGetType(node, &raw mut kind) }).unwrap();
        kind as u32
    };
    assert_eq!(
        all.iter().map(|&node| kind(node)).collect::<Vec<_>>(),
        [2, 1, 0, 0],
        "memset, copy, two kernels"
    );
    let (mut from, mut to, mut count) = ([null_mut(); 8], [null_mut(); 8], 8);
    // SAFETY: room for eight.
    ok(unsafe { sys::cuGraphGetEdges(graph, from.as_mut_ptr(), to.as_mut_ptr(), &raw mut count) })
        .unwrap();
    let mut edges: Vec<(usize, usize)> = (0..count)
        .map(|i| {
            let index = |node| all.iter().position(|&n| n == node).unwrap();
            (index(from[i]), index(to[i]))
        })
        .collect();
    edges.sort_unstable();
    assert_eq!(edges, [(0, 1), (0, 3), (1, 2)]);
    run(graph, capture.streams[1], 2);
    assert_eq!(read(a), [13, 23, 33, 43]);
    assert_eq!(read(b), [13, 23, 33, 43]);
}

#[test]
fn allocations_under_capture_become_nodes() {
    let capture = Capture::new();
    let out = capture.own.alloc(16);
    let stream = capture.streams[0];
    capture.begin();
    // SAFETY: the sizes are those allocated.
    unsafe {
        let mut temporary = 0;
        ok(sys::cuMemAllocAsync(&raw mut temporary, 16, stream)).unwrap();
        ok(sys::cuMemsetD32Async(temporary, 5, 4, stream)).unwrap();
        capture.scale(0, temporary);
        ok(sys::cuMemcpyDtoDAsync_v2(out, temporary, 16, stream)).unwrap();
        ok(sys::cuMemFreeAsync(temporary, stream)).unwrap();
    }
    let graph = capture.end().unwrap();
    assert_eq!(nodes(graph).len(), 5);
    run(graph, stream, 3);
    assert_eq!(read(out), [25, 35, 45, 55]);
}

#[test]
fn a_capture_frees_only_what_a_graph_allocated() {
    let capture = Capture::new();
    let stream = capture.streams[0];
    let mut pooled = 0;
    // SAFETY: the result has room, and what it names is freed once.
    unsafe {
        ok(sys::cuMemAllocAsync(&raw mut pooled, 16, stream)).unwrap();
        capture.begin();
        assert_eq!(
            sys::cuMemFreeAsync(pooled, stream),
            Code::CUDA_ERROR_INVALID_VALUE
        );
        let graph = capture.end().unwrap();
        assert_eq!(nodes(graph).len(), 0);
        ok(sys::cuMemFreeAsync(pooled, stream)).unwrap();
    }
}

#[test]
fn a_capture_is_spoiled_by_what_is_not_allowed_in_it() {
    let capture = Capture::new();
    let [one, two] = capture.streams;
    // SAFETY: all handles are alive.
    unsafe {
        capture.begin();
        assert_eq!(
            sys::cuStreamSynchronize(one),
            Code::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
        );
        assert_eq!(
            capture.end(),
            Err(Code::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
        );

        capture.begin();
        capture.order(0, 1);
        ok(sys::cuMemsetD8Async(capture.own.alloc(1), 0, 1, two)).unwrap();
        assert_eq!(capture.end(), Err(Code::CUDA_ERROR_STREAM_CAPTURE_UNJOINED));

        let mut graph = null_mut();
        assert_eq!(
            sys::cuStreamEndCapture(one, &raw mut graph),
            Code::CUDA_ERROR_ILLEGAL_STATE
        );
        let mode = Mode::CU_STREAM_CAPTURE_MODE_GLOBAL;
        assert_eq!(
            sys::cuStreamBeginCapture_v2(null_mut(), mode),
            Code::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
        );

        ok(sys::cuEventRecord(capture.events[1], two)).unwrap();
        capture.begin();
        assert_eq!(
            sys::cuStreamWaitEvent(one, capture.events[1], 0),
            Code::CUDA_ERROR_STREAM_CAPTURE_ISOLATION
        );
        assert!(capture.end().is_err());
        let mode = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        ok(sys::cuStreamBeginCapture_v2(one, mode)).unwrap();
        let mut address = 0;
        assert_eq!(
            sys::cuMemAlloc_v2(&raw mut address, 4),
            Code::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
        );
        assert_eq!(
            capture.end(),
            Err(Code::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
        );
        ok(sys::cuMemAlloc_v2(&raw mut address, 4)).unwrap();
    }
}
