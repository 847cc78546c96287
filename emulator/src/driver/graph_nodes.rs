//! Making and changing single nodes: `cuGraphAdd*Node`, `cuGraph*NodeSetParams`.

use super::context::{by_handle, current};
use super::copy::Fill;
use super::entry::{HostCall, In, Out, api};
use super::error::{Error, Outcome};
use super::event::EVENTS;
use super::function;
use super::graph::{find, of_node};
use super::handles::Handle;
use super::heap::Kind;
use super::launch::{Arguments, Launch};
use super::machine::{holding, machine};
use super::transfer::Params3;
use super::work::Work;
use crate::exec::LaunchConfig;
use std::sync::Arc;

/// `CUDA_KERNEL_NODE_PARAMS`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct KernelParams {
    function: Handle,
    grid: [u32; 3],
    block: [u32; 3],
    shared: u32,
    each: In<In<u8>>,
    extra: In<usize>,
    kernel: Handle,
    context: Handle,
}

impl KernelParams {
    pub fn work(&self) -> Outcome<Work> {
        let function = function::find(if self.function != 0 {
            self.function
        } else {
            self.kernel
        })?;
        let config = LaunchConfig {
            grid: self.grid,
            block: self.block,
            dynamic_shared: self.shared,
            cluster: None,
            cooperative: false,
        };
        let arguments = Arguments {
            each: self.each,
            block: self.extra,
        };
        Ok(Work::Kernel(Arc::new(Launch::new(
            &function, config, arguments,
        )?)))
    }

    fn of(launch: &Launch) -> KernelParams {
        KernelParams {
            function: launch.function,
            grid: launch.config.grid,
            block: launch.config.block,
            shared: launch.config.dynamic_shared,
            each: In::from_raw(launch.pointers.as_ptr().cast()),
            extra: In::from_raw(std::ptr::null()),
            kernel: 0,
            context: 0,
        }
    }
}

/// `CUDA_MEMSET_NODE_PARAMS`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct FillParams {
    address: u64,
    pitch: usize,
    value: u32,
    element: u32,
    width: usize,
    height: usize,
}

impl FillParams {
    pub fn work(&self) -> Outcome<Work> {
        let fill = Fill {
            address: self.address,
            pitch: self.pitch,
            value: self.value,
            element: self.element as usize,
            width: self.width,
            height: self.height,
        };
        fill.check()?;
        Ok(Work::Fill(fill))
    }
}

/// `CUDA_HOST_NODE_PARAMS`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct HostParams {
    function: Option<extern "C" fn(usize)>,
    argument: usize,
}

impl HostParams {
    pub fn work(&self) -> Outcome<Work> {
        Ok(Work::Host(
            HostCall {
                function: self.function,
                argument: self.argument,
            }
            .check()?,
            None,
        ))
    }
}

/// `CUDA_MEM_ALLOC_NODE_PARAMS`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct AllocParams {
    pool: super::pool_calls::Properties,
    access: usize,
    access_count: usize,
    bytes: usize,
    address: u64,
}

pub fn copy(params: In<Params3>) -> Outcome<Work> {
    let copy = params.get()?.copy()?;
    copy.check()?;
    Ok(Work::Copy(copy))
}

fn add(result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, work: Work) -> Outcome {
    result.check()?;
    result.set(find(graph)?.add(work, &after.list(count)?)?)
}

/// Replaces a node's work by work of the same kind.
fn replace(node: Handle, work: Work) -> Outcome {
    of_node(node)?.change(node, |node| {
        if std::mem::discriminant(&node.work) != std::mem::discriminant(&work) {
            return Err(Error::INVALID_VALUE);
        }
        node.work = work;
        Ok(())
    })
}

api! {
    fn cuGraphAddKernelNode_v2(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, params: In<KernelParams>,
    ) {
        machine()?;
        add(result, graph, after, count, params.get()?.work()?)
    }

    fn cuGraphAddMemcpyNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, params: In<Params3>, context: Handle,
    ) {
        by_handle(context)?;
        add(result, graph, after, count, copy(params)?)
    }

    fn cuGraphAddMemsetNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, params: In<FillParams>,
        context: Handle,
    ) {
        by_handle(context)?;
        add(result, graph, after, count, params.get()?.work()?)
    }

    fn cuGraphAddHostNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, params: In<HostParams>,
    ) {
        machine()?;
        add(result, graph, after, count, params.get()?.work()?)
    }

    fn cuGraphAddEmptyNode(result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize) {
        machine()?;
        add(result, graph, after, count, Work::Empty)
    }

    fn cuGraphAddChildGraphNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, child: Handle,
    ) {
        let steps = find(child)?.in_order()?;
        if steps.iter().any(|node| matches!(node.work, Work::Alloc { .. } | Work::Free { .. })) {
            return Err(Error::NOT_SUPPORTED);
        }
        add(result, graph, after, count, Work::Child(steps.into_iter().map(|node| node.work).collect()))
    }

    fn cuGraphAddEventRecordNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, event: Handle,
    ) {
        machine()?;
        add(result, graph, after, count, Work::Record(EVENTS.get(event)?))
    }

    fn cuGraphAddEventWaitNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, event: Handle,
    ) {
        machine()?;
        add(result, graph, after, count, Work::Wait(EVENTS.get(event)?))
    }

    fn cuGraphAddMemAllocNode(
        result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, params: Out<AllocParams>,
    ) {
        let context = current()?;
        let mut wanted = params.get()?;
        wanted.address = context.device.heap.alloc(wanted.bytes, Kind::Graph, context.handle)?;
        let work = Work::Alloc { address: wanted.address, bytes: wanted.bytes };
        if let Err(error) = add(result, graph, after, count, work) {
            context.device.heap.free(wanted.address, |_| true)?;
            return Err(error);
        }
        params.set(wanted)
    }

    fn cuGraphAddMemFreeNode(result: Out<Handle>, graph: Handle, after: In<Handle>, count: usize, address: u64) {
        let block = holding(address)?.heap.find(address)?;
        if block.base != address || !matches!(block.kind, Kind::Graph | Kind::Pool(_)) {
            return Err(Error::INVALID_VALUE);
        }
        add(result, graph, after, count, Work::Free { address })
    }

    fn cuGraphMemFreeNodeGetParams(node: Handle, result: Out<u64>) {
        let address = of_node(node)?.change(node, |node| match node.work {
            Work::Free { address } => Ok(address),
            _ => Err(Error::INVALID_VALUE),
        });
        result.set(address?)
    }

    fn cuGraphKernelNodeGetParams_v2(node: Handle, result: Out<KernelParams>) {
        let params = of_node(node)?.change(node, |node| match &node.work {
            Work::Kernel(launch) => Ok(KernelParams::of(launch)),
            _ => Err(Error::INVALID_VALUE),
        });
        result.set(params?)
    }

    fn cuGraphKernelNodeSetParams_v2(node: Handle, params: In<KernelParams>) {
        machine()?;
        replace(node, params.get()?.work()?)
    }

    fn cuGraphMemcpyNodeSetParams(node: Handle, params: In<Params3>) {
        machine()?;
        replace(node, copy(params)?)
    }

    fn cuGraphMemsetNodeSetParams(node: Handle, params: In<FillParams>) {
        machine()?;
        replace(node, params.get()?.work()?)
    }

    fn cuGraphHostNodeSetParams(node: Handle, params: In<HostParams>) {
        machine()?;
        replace(node, params.get()?.work()?)
    }

    fn cuGraphHostNodeGetParams(node: Handle, result: Out<HostParams>) {
        let params = of_node(node)?.change(node, |node| match node.work {
            Work::Host(HostCall { function, argument }, _) => Ok(HostParams { function, argument }),
            _ => Err(Error::INVALID_VALUE),
        });
        result.set(params?)
    }

    fn cuGraphEventRecordNodeGetEvent(node: Handle, result: Out<Handle>) {
        let event = of_node(node)?.change(node, |node| match &node.work {
            Work::Record(event) => Ok(event.handle),
            _ => Err(Error::INVALID_VALUE),
        });
        result.set(event?)
    }

    fn cuGraphEventWaitNodeGetEvent(node: Handle, result: Out<Handle>) {
        let event = of_node(node)?.change(node, |node| match &node.work {
            Work::Wait(event) => Ok(event.handle),
            _ => Err(Error::INVALID_VALUE),
        });
        result.set(event?)
    }
}
