//! Every call of a communicator beside a plain loop over what the ranks have.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use half::{bf16, f16};
use warpsmith::distributed::{Communicator, ReduceOp, group};
use warpsmith::{Element, Result, Tensor};

use crate::ranks::{devices, ranks};

const OPS: [ReduceOp; 5] = [
    ReduceOp::Sum,
    ReduceOp::Prod,
    ReduceOp::Max,
    ReduceOp::Min,
    ReduceOp::Avg,
];

/// What a rank has: integers that every type holds, and so do their products; their means are whole.
fn given<T: Element>(rank: usize, count: usize, op: ReduceOp, ranks: usize) -> Vec<i64> {
    let value = |i: usize| ((rank * 7 + i * 5) % 4) as i64;
    let scale = if op == ReduceOp::Avg { ranks as i64 } else { 1 };
    (0..count).map(|i| kept::<T>(value(i) * scale)).collect()
}

fn kept<T: Element>(value: i64) -> i64 {
    if T::NAME == "bool" {
        i64::from(value != 0)
    } else {
        value
    }
}

/// `op` over all ranks, one after the other.
fn reduced<T: Element>(count: usize, op: ReduceOp, ranks: usize) -> Vec<i64> {
    let all: Vec<_> = (0..ranks)
        .map(|rank| given::<T>(rank, count, op, ranks))
        .collect();
    let one = |i: usize| {
        let values = all.iter().map(|of| of[i]);
        let value = match op {
            ReduceOp::Sum => values.sum(),
            ReduceOp::Prod => values.product(),
            ReduceOp::Max => values.max().unwrap_or(0),
            ReduceOp::Min => values.min().unwrap_or(0),
            ReduceOp::Avg => values.sum::<i64>() / ranks as i64,
        };
        kept::<T>(value)
    };
    (0..count).map(one).collect()
}

fn tensor<T: Element>(values: &[i64], shape: &[usize], own: &Communicator) -> Result<Tensor<T>> {
    let host = Tensor::from_slice(values, shape, &warpsmith::Device::Cpu)?;
    host.cast::<T>()?.to(own.device())
}

fn values<T: Element>(tensor: &Tensor<T>) -> Result<Vec<i64>> {
    tensor.to(&warpsmith::Device::Cpu)?.cast::<i64>()?.to_vec()
}

fn of_type<T: Element>(own: &Communicator) -> Result<()> {
    let (rank, n) = (own.rank(), own.world_size());
    // odd, and more than one block of any kernel's
    let count = 3 * 347;
    for op in OPS
        .into_iter()
        .filter(|op| T::NAME != "bool" || *op != ReduceOp::Avg)
    {
        let mut x = tensor::<T>(&given::<T>(rank, count, op, n), &[3, 347], own)?;
        let before = x.clone();
        own.all_reduce(&mut x, op)?;
        assert_eq!(
            values(&x)?,
            reduced::<T>(count, op, n),
            "all_reduce {op:?} {}",
            T::NAME
        );
        // a clone is a value of its own
        assert_eq!(values(&before)?, given::<T>(rank, count, op, n));

        let (mut one, dst) = (before.clone(), op as usize % n);
        own.reduce(&mut one, dst, op)?;
        let want = match rank == dst {
            true => reduced::<T>(count, op, n),
            false => given::<T>(rank, count, op, n),
        };
        assert_eq!(values(&one)?, want, "reduce {op:?} {} to {dst}", T::NAME);

        let all = given::<T>(rank, n * count, op, n);
        let part = own.reduce_scatter(&tensor::<T>(&all, &[n * 3, 347], own)?, op)?;
        assert_eq!(part.shape(), [3, 347]);
        let want = reduced::<T>(n * count, op, n);
        assert_eq!(values(&part)?, want[rank * count..(rank + 1) * count]);
    }
    let sum = ReduceOp::Sum;
    let x = tensor::<T>(&given::<T>(rank, count, sum, n), &[3, 347], own)?;
    let all = own.all_gather(&x)?;
    assert_eq!(all.shape(), [3 * n, 347]);
    let want: Vec<i64> = (0..n).flat_map(|r| given::<T>(r, count, sum, n)).collect();
    assert_eq!(values(&all)?, want);
    for src in 0..n {
        let mut y = x.clone();
        own.broadcast(&mut y, src)?;
        assert_eq!(values(&y)?, given::<T>(src, count, sum, n));
    }
    let mut got = Tensor::<T>::zeros(&[3, 347], own.device())?;
    group(|| {
        own.send(&x, (rank + 1) % n)?;
        own.recv(&mut got, (rank + n - 1) % n)
    })?;
    assert_eq!(values(&got)?, given::<T>((rank + n - 1) % n, count, sum, n));
    Ok(())
}

pub fn all() {
    ranks(|own| {
        of_type::<f32>(own)?;
        of_type::<f16>(own)?;
        of_type::<bf16>(own)?;
        of_type::<i64>(own)?;
        of_type::<i32>(own)?;
        of_type::<u8>(own)?;
        of_type::<bool>(own)?;
        // nothing is nothing, on every rank
        let mut empty = Tensor::<f32>::zeros(&[0], own.device())?;
        own.all_reduce(&mut empty, ReduceOp::Sum)?;
        assert_eq!(own.all_gather(&empty)?.shape(), [0]);
        memory_in_a_group(own)?;
        own.barrier()
    });
}

/// What a group's calls read is kept until they are made, though the tensors are dropped before.
fn memory_in_a_group(own: &Communicator) -> Result<()> {
    let (rank, n, op) = (own.rank(), own.world_size(), ReduceOp::Sum);
    let given = given::<f32>(rank, 1000, op, n);
    let mut all = Tensor::<f32>::zeros(&[1000 * n], own.device())?;
    group(|| {
        own.all_gather_out(&tensor(&given, &[1000], own)?, &mut all)?;
        // takes the memory, if it is free
        Tensor::full(&[1000], -1.0_f32, own.device()).map(drop)
    })?;
    assert_eq!(values(&all)?[1000 * rank..1000 * (rank + 1)], given);
    Ok(())
}

/// Nobody passes a barrier before all have come to it.
pub fn barrier() {
    static COME: AtomicUsize = AtomicUsize::new(0);
    ranks(|own| {
        for round in 1..=4 {
            if own.rank() == round % own.world_size() {
                thread::sleep(Duration::from_millis(200));
            }
            COME.fetch_add(1, Ordering::SeqCst);
            own.barrier()?;
            let come = COME.load(Ordering::SeqCst);
            assert!(come >= round * own.world_size(), "{come} in round {round}");
        }
        Ok(())
    });
}

/// One thread that has all devices.
pub fn one_thread() {
    let devices = devices();
    let all = Communicator::init_all(&devices).unwrap();
    let n = all.len();
    let full = |value: f32, own: &Communicator| Tensor::full(&[5], value, own.device());
    let mut tensors: Vec<Tensor<f32>> = all
        .iter()
        .map(|own| full(own.rank() as f32, own).unwrap())
        .collect();
    group(|| {
        let mut pairs = all.iter().zip(&mut tensors);
        pairs.try_for_each(|(own, x)| own.all_reduce(x, ReduceOp::Sum))
    })
    .unwrap();
    let sum = (0..n).sum::<usize>() as f32;
    for x in &tensors {
        assert_eq!(x.to_vec().unwrap(), [sum; 5]);
    }
}
