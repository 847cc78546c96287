//! Graphs: nodes of work and the order between them.

use super::error::{Error, Outcome};
use super::handles::{Handle, Table, lock};
use super::machine::{holding, machine};
use super::work::Work;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Weak};

#[derive(Clone)]
pub struct Node {
    pub handle: Handle,
    pub work: Work,
    pub after: Vec<Handle>,
}

pub struct Graph {
    pub handle: Handle,
    pub nodes: Mutex<Vec<Node>>,
    pub owned: Arc<Owned>,
}

/// Which graph a node belongs to.
pub struct Place {
    handle: Handle,
    graph: Weak<Graph>,
}

/// Addresses that allocation nodes gave out. They live as long as the graph or anything made from it.
#[derive(Default)]
pub struct Owned(Mutex<Vec<u64>>);

impl Drop for Owned {
    fn drop(&mut self) {
        for address in lock(&self.0).drain(..) {
            let Ok(device) = holding(address) else { return };
            let heap = &device.heap;
            let _ = heap.free(address, |kind| kind == super::heap::Kind::Graph);
        }
    }
}

impl Owned {
    pub fn add(&self, address: u64) {
        lock(&self.0).push(address);
    }
}

pub static GRAPHS: Table<Graph> = Table::new();
pub static NODES: Table<Place> = Table::new();

impl Graph {
    pub fn create() -> Arc<Graph> {
        GRAPHS.insert(|handle| Graph {
            handle,
            nodes: Mutex::default(),
            owned: Arc::default(),
        })
    }

    /// Adds a node behind others of this graph.
    pub fn add(self: &Arc<Self>, work: Work, after: &[Handle]) -> Outcome<Handle> {
        self.check_nodes(after)?;
        if let Work::Alloc { address, .. } = work {
            self.owned.add(address);
        }
        let handle = NODES
            .insert(|handle| Place {
                handle,
                graph: Arc::downgrade(self),
            })
            .handle;
        lock(&self.nodes).push(Node {
            handle,
            work,
            after: after.to_vec(),
        });
        Ok(handle)
    }

    pub fn nodes(&self) -> Vec<Node> {
        lock(&self.nodes).clone()
    }

    /// Refuses nodes of other graphs.
    pub fn check_nodes(&self, wanted: &[Handle]) -> Outcome {
        let nodes = lock(&self.nodes);
        let known = |wanted: &Handle| nodes.iter().any(|node| node.handle == *wanted);
        if wanted.iter().all(known) {
            Ok(())
        } else {
            Err(Error::INVALID_VALUE)
        }
    }

    /// The nodes given and all that they depend on.
    pub fn ancestors(&self, of: &[Handle]) -> BTreeSet<Handle> {
        let nodes = lock(&self.nodes);
        let mut found = BTreeSet::new();
        let mut open = of.to_vec();
        while let Some(handle) = open.pop() {
            if found.insert(handle)
                && let Some(node) = nodes.iter().find(|node| node.handle == handle)
            {
                open.extend(&node.after);
            }
        }
        found
    }

    /// The nodes in an order that respects all dependencies; equals stay in the order of their creation.
    pub fn in_order(&self) -> Outcome<Vec<Node>> {
        let mut waiting = self.nodes();
        let mut done = BTreeSet::new();
        let mut order = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut still = Vec::new();
            for node in waiting {
                if node.after.iter().all(|handle| done.contains(handle)) {
                    done.insert(node.handle);
                    order.push(node);
                } else {
                    still.push(node);
                }
            }
            waiting = still;
            if waiting.len() == before {
                return Err(Error::INVALID_VALUE);
            }
        }
        Ok(order)
    }

    /// Applies `change` to the node with this handle.
    pub fn change<T>(
        &self,
        handle: Handle,
        change: impl FnOnce(&mut Node) -> Outcome<T>,
    ) -> Outcome<T> {
        let mut nodes = lock(&self.nodes);
        change(
            nodes
                .iter_mut()
                .find(|node| node.handle == handle)
                .ok_or(Error::INVALID_HANDLE)?,
        )
    }

    pub fn copy(&self) -> Arc<Graph> {
        let nodes = self.nodes();
        let owned = self.owned.clone();
        let copy = GRAPHS.insert(|handle| Graph {
            handle,
            nodes: Mutex::default(),
            owned,
        });
        let new: Vec<(Handle, Handle)> = nodes
            .iter()
            .map(|node| {
                (
                    node.handle,
                    NODES
                        .insert(|handle| Place {
                            handle,
                            graph: Arc::downgrade(&copy),
                        })
                        .handle,
                )
            })
            .collect();
        let renamed = |old: Handle| {
            new.iter()
                .find(|(from, _)| *from == old)
                .map_or(old, |(_, to)| *to)
        };
        *lock(&copy.nodes) = nodes
            .into_iter()
            .map(|node| Node {
                handle: renamed(node.handle),
                work: node.work,
                after: node.after.into_iter().map(renamed).collect(),
            })
            .collect();
        copy
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        for node in lock(&self.nodes).iter() {
            let _ = NODES.remove(node.handle);
        }
    }
}

pub fn find(handle: Handle) -> Outcome<Arc<Graph>> {
    machine()?;
    GRAPHS.get(handle).map_err(|_| Error::INVALID_VALUE)
}

/// The graph of a node.
pub fn of_node(node: Handle) -> Outcome<Arc<Graph>> {
    machine()?;
    NODES
        .get(node)?
        .graph
        .upgrade()
        .ok_or(Error::INVALID_HANDLE)
}
