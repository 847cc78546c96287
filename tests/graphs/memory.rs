//! What a graph works on stays where it is, and nothing else is touched.

use warpsmith::{CudaGraph, Device, Generator, Result, Tensor, ops};

fn full(n: usize, value: f32, device: &Device) -> Result<Tensor<f32>> {
    Tensor::full(&[n], value, device)
}

/// The graph keeps what it reads and writes; what is allocated afterwards lies elsewhere.
pub fn tensors_dropped_after_the_capture(device: &Device) -> Result<()> {
    let (x, mut y) = (full(1000, 2.0, device)?, full(1000, 0.0, device)?);
    let (mut graph, ()) = CudaGraph::capture(device, || y.add_(&x))?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [2.0; 1000]);
    drop((x, y));
    let others: Vec<_> = (0..8)
        .map(|_| full(1000, 7.0, device))
        .collect::<Result<_>>()?;
    graph.replay()?;
    for other in others {
        assert_eq!(other.to_vec()?, [7.0; 1000]);
    }
    drop(graph);
    device.synchronize()
}

/// A stream that captures cannot free what was there before.
pub fn tensors_dropped_in_the_capture(device: &Device) -> Result<()> {
    let (x, unused) = (full(1000, 2.0, device)?, full(1000, 3.0, device)?);
    let (mut graph, y) = CudaGraph::capture(device, move || {
        drop(unused);
        let y = x.mul(2.0)?;
        drop(x);
        y.add(&y)
    })?;
    let others: Vec<_> = (0..8)
        .map(|_| full(1000, 7.0, device))
        .collect::<Result<_>>()?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [8.0; 1000]);
    for other in others {
        assert_eq!(other.to_vec()?, [7.0; 1000]);
    }
    device.synchronize()
}

pub fn results_outlive_the_graph(device: &Device) -> Result<()> {
    let x = full(1000, 2.0, device)?;
    let (mut graph, y) = CudaGraph::capture(device, || x.mul(3.0))?;
    graph.replay()?;
    drop(graph);
    let others: Vec<_> = (0..8)
        .map(|_| full(1000, 7.0, device))
        .collect::<Result<_>>()?;
    assert_eq!(y.to_vec()?, [6.0; 1000]);
    for other in others {
        assert_eq!(other.to_vec()?, [7.0; 1000]);
    }
    Ok(())
}

/// What a captured step drops, it uses again: a chain of ops needs room for two. The graph itself says how much it takes,
/// since a driver's answer counts for everybody on the device.
pub fn memory_is_used_again(device: &Device) -> Result<()> {
    const N: usize = 1 << 20;
    let x = full(N, 1.0, device)?;
    let (graph, y) = CudaGraph::capture(device, || {
        let mut y = x.mul(1.0)?;
        for _ in 0..50 {
            y = y.mul(1.0)?;
        }
        Ok(y)
    })?;
    assert_eq!(graph.memory(), 2 * 4 * N);
    drop((graph, y));
    device.synchronize()
}

/// Clones of a tensor that a graph has are one tensor: `copy_` writes where the graph reads, `copy` is a value.
pub fn writes_go_where_the_graph_reads(device: &Device) -> Result<()> {
    let mut x = full(100, 1.0, device)?;
    let held = x.clone();
    let (mut graph, y) = CudaGraph::capture(device, || held.mul(10.0))?;
    let value = x.copy()?;
    for next in [2.0, 3.0] {
        x.copy_(&full(100, next, device)?)?;
        graph.replay()?;
        assert_eq!(y.to_vec()?, [10.0 * next; 100]);
        assert_eq!(held.to_vec()?, [next; 100]);
    }
    // from the host, by a kernel, by another handle
    x.copy_from_slice(&[4.0; 100])?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [40.0; 100]);
    x.fill_(5.0)?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [50.0; 100]);
    let mut other = held.clone();
    other.mul_(2.0)?;
    other.copy_(&x)?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [100.0; 100]);
    assert_eq!(value.to_vec()?, [1.0; 100]);
    Ok(())
}

/// Ops that allocate memory for themselves, which lives for one op only.
pub fn workspaces(device: &Device) -> Result<()> {
    let mut generator = Generator::manual_seed(1);
    let mut x = Tensor::<f32>::randn(&[40, 700], &mut generator, device)?;
    let work = |x: &Tensor<f32>| Ok((x.sum()?, ops::column_sum(x)?));
    let (mut graph, (sum, columns)) = CudaGraph::capture(device, || work(&x))?;
    for _ in 0..3 {
        let next = Tensor::randn(&[40, 700], &mut generator, device)?;
        let (want_sum, want_columns) = work(&next)?;
        x.copy_(&next)?;
        graph.replay()?;
        assert_eq!(sum.item()?, want_sum.item()?);
        assert_eq!(columns.to_vec()?, want_columns.to_vec()?);
    }
    Ok(())
}
