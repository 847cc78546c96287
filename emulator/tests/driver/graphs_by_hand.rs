//! Graphs made node by node.

use super::graphs::{Capture, read, run};
use super::raw::{Code, ok};
use cudarc::driver::sys;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

#[test]
fn a_graph_by_hand_runs_in_the_order_of_its_edges_and_can_be_changed() {
    let capture = Capture::new();
    let own = &capture.own;
    let a = own.alloc(16);
    let mut address = a;
    let mut arguments = [(&raw mut address).cast::<c_void>()];
    // SAFETY: all zero is valid for these structs of integers and pointers; handles are alive, sizes as allocated.
    unsafe {
        let mut graph = null_mut();
        ok(sys::cuGraphCreate(&raw mut graph, 0)).unwrap();
        let mut kernel: sys::CUDA_KERNEL_NODE_PARAMS = std::mem::zeroed();
        kernel.func = own.function("scale_all");
        (kernel.gridDimX, kernel.gridDimY, kernel.gridDimZ) = (1, 1, 1);
        (kernel.blockDimX, kernel.blockDimY, kernel.blockDimZ) = (4, 1, 1);
        kernel.kernelParams = arguments.as_mut_ptr();
        let (mut first, mut second) = (null_mut(), null_mut());
        ok(sys::cuGraphAddKernelNode_v2(
            &raw mut second,
            graph,
            null(),
            0,
            &raw const kernel,
        ))
        .unwrap();
        (&raw mut address).write_volatile(0); // the node has its own copy
        let mut fill: sys::CUDA_MEMSET_NODE_PARAMS = std::mem::zeroed();
        (
            fill.dst,
            fill.value,
            fill.elementSize,
            fill.width,
            fill.height,
        ) = (a, 2, 4, 4, 1);
        ok(sys::cuGraphAddMemsetNode(
            &raw mut first,
            graph,
            null(),
            0,
            &raw const fill,
            own.context,
        ))
        .unwrap();
        ok(sys::cuGraphAddDependencies(
            graph,
            &raw const first,
            &raw const second,
            1,
        ))
        .unwrap();
        run(graph, null_mut(), 1);
        assert_eq!(read(a), [16, 26, 36, 46]);

        let mut exec = null_mut();
        ok(sys::cuGraphInstantiateWithFlags(&raw mut exec, graph, 0)).unwrap();
        fill.value = 100;
        ok(sys::cuGraphMemsetNodeSetParams(first, &raw const fill)).unwrap();
        ok(sys::cuGraphLaunch(exec, null_mut())).unwrap();
        assert_eq!(
            read(a),
            [16, 26, 36, 46],
            "an instance keeps what it was made from"
        );
        let mut info: sys::CUgraphExecUpdateResultInfo = std::mem::zeroed();
        ok(sys::cuGraphExecUpdate_v2(exec, graph, &raw mut info)).unwrap();
        ok(sys::cuGraphLaunch(exec, null_mut())).unwrap();
        assert_eq!(read(a), [310, 320, 330, 340]);

        ok(sys::cuGraphAddDependencies(
            graph,
            &raw const second,
            &raw const first,
            1,
        ))
        .unwrap();
        assert_eq!(
            sys::cuGraphInstantiateWithFlags(&raw mut exec, graph, 0),
            Code::CUDA_ERROR_INVALID_VALUE,
            "a circle"
        );
        ok(sys::cuGraphDestroy(graph)).unwrap();
        assert_eq!(sys::cuGraphDestroy(graph), Code::CUDA_ERROR_INVALID_VALUE);
    }
}
