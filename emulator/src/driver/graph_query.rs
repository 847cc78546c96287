//! Whole graphs: making, copying, ordering, and asking what is in them.

use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::graph::{GRAPHS, Graph, NODES, find, of_node};
use super::handles::{Handle, lock};
use super::machine::machine;
use super::work::Work;

/// `CUgraphNodeType`.
fn kind(work: &Work) -> u32 {
    match work {
        Work::Kernel(_) => 0,
        Work::Copy(_) => 1,
        Work::Fill(_) => 2,
        Work::Host(..) => 3,
        Work::Child(_) | Work::Launched(..) => 4,
        Work::Empty => 5,
        Work::Wait(_) => 6,
        Work::Record(_) => 7,
        Work::Alloc { .. } => 10,
        Work::Free { .. } => 11,
    }
}

/// The calling convention of every list: null asks for the number, else the room is given and the number comes back.
fn answer(list: Vec<Handle>, to: Out<Handle>, count: Out<usize>) -> Outcome {
    if to.is_null() {
        return count.set(list.len());
    }
    let room = count.get()?;
    count.set(list.len().min(room))?;
    let rest = room.saturating_sub(list.len());
    to.fill(list.into_iter().chain(std::iter::repeat_n(0, rest)), room)
}

api! {
    fn cuGraphCreate(result: Out<Handle>, flags: u32) {
        machine()?;
        result.check()?;
        if flags != 0 {
            return Err(Error::INVALID_VALUE);
        }
        result.set(Graph::create().handle)
    }

    fn cuGraphDestroy(handle: Handle) {
        find(handle)?;
        GRAPHS.remove(handle).map(|_| ())
    }

    fn cuGraphClone(result: Out<Handle>, graph: Handle) {
        result.check()?;
        result.set(find(graph)?.copy().handle)
    }

    fn cuGraphGetNodes(graph: Handle, nodes: Out<Handle>, count: Out<usize>) {
        answer(find(graph)?.nodes().iter().map(|node| node.handle).collect(), nodes, count)
    }

    fn cuGraphGetRootNodes(graph: Handle, nodes: Out<Handle>, count: Out<usize>) {
        let all = find(graph)?.nodes();
        answer(all.iter().filter(|n| n.after.is_empty()).map(|n| n.handle).collect(), nodes, count)
    }

    fn cuGraphGetEdges(graph: Handle, from: Out<Handle>, to: Out<Handle>, count: Out<usize>) {
        let nodes = find(graph)?.nodes();
        let edges = || nodes.iter().flat_map(|node| node.after.iter().map(|&before| (before, node.handle)));
        if from.is_null() != to.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        let room = count.get()?;
        answer(edges().map(|edge| edge.0).collect(), from, count)?;
        if !to.is_null() {
            to.fill(edges().map(|edge| edge.1), room)?;
        }
        Ok(())
    }

    fn cuGraphNodeGetType(node: Handle, result: Out<u32>) {
        result.set(of_node(node)?.change(node, |node| Ok(kind(&node.work)))?)
    }

    fn cuGraphNodeGetDependencies(node: Handle, nodes: Out<Handle>, count: Out<usize>) {
        answer(of_node(node)?.change(node, |node| Ok(node.after.clone()))?, nodes, count)
    }

    fn cuGraphNodeGetDependentNodes(node: Handle, nodes: Out<Handle>, count: Out<usize>) {
        let all = of_node(node)?.nodes();
        let dependent = all.iter().filter(|other| other.after.contains(&node));
        answer(dependent.map(|other| other.handle).collect(), nodes, count)
    }

    fn cuGraphAddDependencies(graph: Handle, from: In<Handle>, to: In<Handle>, count: usize) {
        let graph = find(graph)?;
        let edges: Vec<_> = from.list(count)?.into_iter().zip(to.list(count)?).collect();
        for (before, after) in edges {
            graph.check_nodes(&[before])?;
            graph.change(after, |node| {
                if node.after.contains(&before) {
                    return Err(Error::INVALID_VALUE);
                }
                node.after.push(before);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn cuGraphRemoveDependencies(graph: Handle, from: In<Handle>, to: In<Handle>, count: usize) {
        let graph = find(graph)?;
        for (before, after) in from.list(count)?.into_iter().zip(to.list(count)?) {
            graph.change(after, |node| {
                let at = node.after.iter().position(|&other| other == before).ok_or(Error::INVALID_VALUE)?;
                node.after.remove(at);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn cuGraphDestroyNode(node: Handle) {
        let graph = of_node(node)?;
        let mut nodes = lock(&graph.nodes);
        nodes.retain(|other| other.handle != node);
        for other in nodes.iter_mut() {
            other.after.retain(|&before| before != node);
        }
        NODES.remove(node).map(|_| ())
    }
}
