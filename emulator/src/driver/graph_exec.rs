//! Graphs made ready, and running them.

use super::deferred;
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::graph::{self, Graph, Owned};
use super::graph_nodes::{self, FillParams, HostParams, KernelParams};
use super::handles::{Handle, Table, lock};
use super::machine::machine;
use super::queue::{self, submit};
use super::transfer::Params3;
use super::work::Work;
use std::mem::discriminant;
use std::sync::{Arc, Mutex};

/// A graph's work in an order that respects its edges.
pub struct Executable {
    handle: Handle,
    flags: u64,
    steps: Mutex<Vec<Step>>,
    /// Keeps the graph's addresses alive.
    owned: Arc<Owned>,
}

#[derive(Clone)]
struct Step {
    node: Handle,
    work: Work,
    enabled: bool,
}

static EXECUTABLES: Table<Executable> = Table::new();

fn steps(graph: &Graph) -> Outcome<Vec<Step>> {
    let nodes = graph.in_order()?;
    Ok(nodes
        .into_iter()
        .map(|node| Step {
            node: node.handle,
            work: node.work,
            enabled: true,
        })
        .collect())
}

fn instantiate(graph: Handle, flags: u64) -> Outcome<Handle> {
    const KNOWN_FLAGS: u64 = 15;
    const DEVICE_LAUNCH: u64 = 4;
    let graph = graph::find(graph)?;
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Error::INVALID_VALUE);
    }
    if flags & DEVICE_LAUNCH != 0 {
        return Err(Error::NOT_SUPPORTED);
    }
    let (steps, owned) = (Mutex::new(steps(&graph)?), graph.owned.clone());
    Ok(EXECUTABLES
        .insert(|handle| Executable {
            handle,
            flags,
            steps,
            owned,
        })
        .handle)
}

fn find(handle: Handle) -> Outcome<Arc<Executable>> {
    machine()?;
    EXECUTABLES.get(handle).map_err(|_| Error::INVALID_VALUE)
}

impl Executable {
    fn change(&self, node: Handle, change: impl FnOnce(&mut Step) -> Outcome) -> Outcome {
        let mut steps = lock(&self.steps);
        change(
            steps
                .iter_mut()
                .find(|step| step.node == node)
                .ok_or(Error::INVALID_VALUE)?,
        )
    }

    fn replace(&self, node: Handle, work: Work) -> Outcome {
        self.change(node, |step| {
            if discriminant(&step.work) != discriminant(&work) {
                return Err(Error::INVALID_VALUE);
            }
            step.work = work;
            Ok(())
        })
    }

    /// The new steps, or `CUgraphExecUpdateResult` and the node that does not fit.
    fn updated(&self, new: Vec<Step>) -> Result<Vec<Step>, (u32, Handle)> {
        const TOPOLOGY_CHANGED: u32 = 2;
        const NODE_TYPE_CHANGED: u32 = 3;
        let old = lock(&self.steps);
        if old.len() != new.len() {
            return Err((TOPOLOGY_CHANGED, 0));
        }
        let pair = |(old, new): (&Step, Step)| {
            if discriminant(&old.work) != discriminant(&new.work) {
                return Err((NODE_TYPE_CHANGED, new.node));
            }
            // Later calls name the nodes of the graph that this was made from.
            Ok(Step {
                node: old.node,
                work: new.work,
                enabled: old.enabled,
            })
        };
        old.iter().zip(new).map(pair).collect()
    }
}

/// `CUDA_GRAPH_INSTANTIATE_PARAMS`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct InstantiateParams {
    flags: u64,
    upload_stream: Handle,
    error_node: Handle,
    result: u32,
}

/// `CUgraphExecUpdateResultInfo`.
#[repr(C)]
pub struct UpdateInfo {
    result: u32,
    node: Handle,
    from: Handle,
}

api! {
    fn cuGraphInstantiateWithFlags(result: Out<Handle>, graph: Handle, flags: u64) {
        result.check()?;
        result.set(instantiate(graph, flags)?)
    }

    fn cuGraphInstantiateWithParams(result: Out<Handle>, graph: Handle, params: Out<InstantiateParams>) {
        const FAILED: u32 = 1;
        result.check()?;
        let wanted = params.get()?;
        let made = instantiate(graph, wanted.flags);
        let code = if made.is_ok() { 0 } else { FAILED };
        params.set(InstantiateParams { error_node: 0, result: code, ..wanted })?;
        result.set(made?)
    }

    fn cuGraphUpload(executable: Handle, stream: Handle) {
        find(executable)?;
        queue::find(stream).map(|_| ())
    }

    fn cuGraphLaunch(executable: Handle, stream: Handle) {
        let executable = find(executable)?;
        let stream = queue::find(stream)?;
        let work = lock(&executable.steps).iter().filter(|step| step.enabled).map(|step| step.work.clone()).collect();
        submit(&stream, Work::Launched(work, executable.owned.clone()))
    }

    fn cuGraphExecDestroy(executable: Handle) {
        find(executable)?;
        // a launch that waits runs; what another thread is at keeps what the graph has allocated
        deferred::settle_all();
        EXECUTABLES.remove(executable).map(|_| ())
    }

    fn cuGraphExecGetFlags(executable: Handle, flags: Out<u64>) {
        flags.set(find(executable)?.flags)
    }

    fn cuGraphExecUpdate_v2(executable: Handle, graph: Handle, info: Out<UpdateInfo>) {
        let executable = find(executable)?;
        let new = steps(&*graph::find(graph)?)?;
        match executable.updated(new) {
            Ok(steps) => {
                *lock(&executable.steps) = steps;
                info.set(UpdateInfo { result: 0, node: 0, from: 0 })
            }
            Err((result, node)) => {
                info.set(UpdateInfo { result, node, from: 0 })?;
                Err(Error::GRAPH_EXEC_UPDATE_FAILURE)
            }
        }
    }

    fn cuGraphExecKernelNodeSetParams_v2(executable: Handle, node: Handle, params: In<KernelParams>) {
        find(executable)?.replace(node, params.get()?.work()?)
    }

    fn cuGraphExecMemcpyNodeSetParams(executable: Handle, node: Handle, params: In<Params3>, _context: Handle) {
        find(executable)?.replace(node, graph_nodes::copy(params)?)
    }

    fn cuGraphExecMemsetNodeSetParams(executable: Handle, node: Handle, params: In<FillParams>, _context: Handle) {
        find(executable)?.replace(node, params.get()?.work()?)
    }

    fn cuGraphExecHostNodeSetParams(executable: Handle, node: Handle, params: In<HostParams>) {
        find(executable)?.replace(node, params.get()?.work()?)
    }

    fn cuGraphNodeSetEnabled(executable: Handle, node: Handle, enabled: u32) {
        find(executable)?.change(node, |step| {
            step.enabled = enabled != 0;
            Ok(())
        })
    }

    fn cuGraphNodeGetEnabled(executable: Handle, node: Handle, result: Out<u32>) {
        find(executable)?.change(node, |step| result.set(u32::from(step.enabled)))
    }
}
