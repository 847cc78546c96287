//! Takes an op to the side of the device that its tensors live on.
//!
//! Each function compares the devices and calls one of the two sides; where the output has no elements it calls
//! neither. Shapes are the op's own business and are checked before.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream};

use crate::checks::{same_device, same_shape};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::tensor::{Data, DataMut, Tensor};

/// One input, one output.
pub(crate) fn unary<A: Element, Y: Element>(
    op: &'static str,
    a: &Tensor<A>,
    y: &mut Tensor<Y>,
    cpu: impl FnOnce(&[A], &mut [Y]),
    cuda: impl FnOnce(&Arc<CudaStream>, &CudaSlice<A>, &mut CudaSlice<Y>) -> Result<()>,
) -> Result<()> {
    same_device(op, &[a.device(), y.device()])?;
    if y.numel() == 0 {
        return Ok(());
    }
    match (a.data(), y.data_mut()?) {
        (Data::Cpu(a), DataMut::Cpu(y)) => cpu(a, y),
        (Data::Cuda(a), DataMut::Cuda(y)) => return cuda(a.stream(), a, y),
        _ => return Err(mixed(op)),
    }
    Ok(())
}

/// One input, one output, one more that may not be wanted.
pub(crate) fn unary_also<A: Element, Y: Element, Z: Element>(
    op: &'static str,
    a: &Tensor<A>,
    y: &mut Tensor<Y>,
    z: Option<&mut Tensor<Z>>,
    cpu: impl FnOnce(&[A], &mut [Y], Option<&mut [Z]>),
    cuda: impl FnOnce(
        &Arc<CudaStream>,
        &CudaSlice<A>,
        &mut CudaSlice<Y>,
        Option<&mut CudaSlice<Z>>,
    ) -> Result<()>,
) -> Result<()> {
    same_device(op, &[a.device(), y.device()])?;
    if let Some(z) = &z {
        same_device(op, &[a.device(), z.device()])?;
    }
    if y.numel() == 0 {
        return Ok(());
    }
    match (
        a.data(),
        y.data_mut()?,
        z.map(Tensor::data_mut).transpose()?,
    ) {
        (Data::Cpu(a), DataMut::Cpu(y), None) => cpu(a, y, None),
        (Data::Cpu(a), DataMut::Cpu(y), Some(DataMut::Cpu(z))) => cpu(a, y, Some(z)),
        (Data::Cuda(a), DataMut::Cuda(y), None) => return cuda(a.stream(), a, y, None),
        (Data::Cuda(a), DataMut::Cuda(y), Some(DataMut::Cuda(z))) => {
            return cuda(a.stream(), a, y, Some(z));
        }
        _ => return Err(mixed(op)),
    }
    Ok(())
}

/// Two inputs, one output.
pub(crate) fn binary<A: Element, B: Element, Y: Element>(
    op: &'static str,
    a: &Tensor<A>,
    b: &Tensor<B>,
    y: &mut Tensor<Y>,
    cpu: impl FnOnce(&[A], &[B], &mut [Y]),
    cuda: impl FnOnce(&Arc<CudaStream>, &CudaSlice<A>, &CudaSlice<B>, &mut CudaSlice<Y>) -> Result<()>,
) -> Result<()> {
    same_device(op, &[a.device(), b.device(), y.device()])?;
    if y.numel() == 0 {
        return Ok(());
    }
    match (a.data(), b.data(), y.data_mut()?) {
        (Data::Cpu(a), Data::Cpu(b), DataMut::Cpu(y)) => cpu(a, b, y),
        (Data::Cuda(a), Data::Cuda(b), DataMut::Cuda(y)) => return cuda(a.stream(), a, b, y),
        _ => return Err(mixed(op)),
    }
    Ok(())
}

/// Two inputs, one more that may be missing, one output. Both sides can fail.
pub(crate) fn binary_optional<A: Element, B: Element, C: Element, Y: Element>(
    op: &'static str,
    a: &Tensor<A>,
    b: &Tensor<B>,
    c: Option<&Tensor<C>>,
    y: &mut Tensor<Y>,
    cpu: impl FnOnce(&[A], &[B], Option<&[C]>, &mut [Y]) -> Result<()>,
    cuda: impl FnOnce(
        &Arc<CudaStream>,
        &CudaSlice<A>,
        &CudaSlice<B>,
        Option<&CudaSlice<C>>,
        &mut CudaSlice<Y>,
    ) -> Result<()>,
) -> Result<()> {
    match c {
        Some(c) => same_device(op, &[a.device(), b.device(), c.device(), y.device()])?,
        None => same_device(op, &[a.device(), b.device(), y.device()])?,
    }
    if y.numel() == 0 {
        return Ok(());
    }
    match (a.data(), b.data(), c.map(Tensor::data), y.data_mut()?) {
        (Data::Cpu(a), Data::Cpu(b), None, DataMut::Cpu(y)) => cpu(a, b, None, y),
        (Data::Cpu(a), Data::Cpu(b), Some(Data::Cpu(c)), DataMut::Cpu(y)) => cpu(a, b, Some(c), y),
        (Data::Cuda(a), Data::Cuda(b), None, DataMut::Cuda(y)) => cuda(a.stream(), a, b, None, y),
        (Data::Cuda(a), Data::Cuda(b), Some(Data::Cuda(c)), DataMut::Cuda(y)) => {
            cuda(a.stream(), a, b, Some(c), y)
        }
        _ => Err(mixed(op)),
    }
}

/// No input, one tensor updated.
pub(crate) fn in_place<Y: Element>(
    y: &mut Tensor<Y>,
    cpu: impl FnOnce(&mut [Y]),
    cuda: impl FnOnce(&Arc<CudaStream>, &mut CudaSlice<Y>) -> Result<()>,
) -> Result<()> {
    if y.numel() == 0 {
        return Ok(());
    }
    match y.data_update()? {
        DataMut::Cpu(y) => cpu(y),
        DataMut::Cuda(y) => {
            let stream = y.stream().clone();
            return cuda(&stream, y);
        }
    }
    Ok(())
}

/// One input, one tensor updated.
pub(crate) fn update<A: Element, Y: Element>(
    op: &'static str,
    a: &Tensor<A>,
    y: &mut Tensor<Y>,
    cpu: impl FnOnce(&[A], &mut [Y]),
    cuda: impl FnOnce(&Arc<CudaStream>, &CudaSlice<A>, &mut CudaSlice<Y>) -> Result<()>,
) -> Result<()> {
    same_device(op, &[a.device(), y.device()])?;
    if y.numel() == 0 {
        return Ok(());
    }
    match (a.data(), y.data_update()?) {
        (Data::Cpu(a), DataMut::Cpu(y)) => cpu(a, y),
        (Data::Cuda(a), DataMut::Cuda(y)) => return cuda(a.stream(), a, y),
        _ => return Err(mixed(op)),
    }
    Ok(())
}

/// An optimizer's step: a parameter and its states updated, its gradient read. Checks shapes as well as devices.
pub(crate) fn step<T: Element, S: Element, const STATES: usize>(
    op: &'static str,
    p: &mut Tensor<T>,
    g: &Tensor<T>,
    states: [&mut Tensor<S>; STATES],
    cpu: impl FnOnce(&mut [T], &[T], [&mut [S]; STATES]),
    cuda: impl FnOnce(
        &Arc<CudaStream>,
        &mut CudaSlice<T>,
        &CudaSlice<T>,
        [&mut CudaSlice<S>; STATES],
    ) -> Result<()>,
) -> Result<()> {
    same_shape(op, p, g)?;
    same_device(op, &[p.device(), g.device()])?;
    for state in &states {
        same_shape(op, p, state)?;
        same_device(op, &[p.device(), state.device()])?;
    }
    if p.numel() == 0 {
        return Ok(());
    }
    let (mut on_cpu, mut on_cuda) = (Vec::new(), Vec::new());
    for state in states {
        match state.data_update()? {
            DataMut::Cpu(s) => on_cpu.push(s),
            DataMut::Cuda(s) => on_cuda.push(s),
        }
    }
    match (p.data_update()?, g.data()) {
        (DataMut::Cpu(p), Data::Cpu(g)) => cpu(p, g, on_cpu.try_into().map_err(|_| mixed(op))?),
        (DataMut::Cuda(p), Data::Cuda(g)) => {
            let states = on_cuda.try_into().map_err(|_| mixed(op))?;
            return cuda(g.stream(), p, g, states);
        }
        _ => return Err(mixed(op)),
    }
    Ok(())
}

/// Equal devices hold equal kinds of storage, so this is only the match's last arm.
pub(crate) fn mixed(op: &'static str) -> Error {
    Error::Device {
        op,
        devices: vec!["cpu".into(), "cuda".into()],
    }
}
