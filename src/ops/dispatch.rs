//! Takes an op to the side of the device that its tensors live on.
//!
//! Each function compares the devices and calls one of the two sides; where the output has no elements it calls
//! neither. Shapes are the op's own business and are checked before.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, CudaViewMut};

use crate::checks::{expect_shape, same_device};
use crate::cpu::Parts;
use crate::device::Device;
use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::ops::cast;
use crate::ops::optimizer::{At, CudaHalfCopy, CudaSlot, HalfCopy, Slot};
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

/// Two inputs, two outputs, of which the second is never empty for want of the first's elements.
pub(crate) fn binary_two<A: Element, Y: Element>(
    op: &'static str,
    [a, b]: [&Tensor<A>; 2],
    [y, z]: [&mut Tensor<Y>; 2],
    cpu: impl FnOnce([&[A]; 2], [&mut [Y]; 2]),
    cuda: impl FnOnce(&Arc<CudaStream>, [&CudaSlice<A>; 2], [&mut CudaSlice<Y>; 2]) -> Result<()>,
) -> Result<()> {
    same_device(op, &[a.device(), b.device(), y.device(), z.device()])?;
    if z.numel() == 0 {
        return Ok(());
    }
    match (a.data(), b.data(), y.data_mut()?, z.data_mut()?) {
        (Data::Cpu(a), Data::Cpu(b), DataMut::Cpu(y), DataMut::Cpu(z)) => cpu([a, b], [y, z]),
        (Data::Cuda(a), Data::Cuda(b), DataMut::Cuda(y), DataMut::Cuda(z)) => {
            return cuda(a.stream(), [a, b], [y, z]);
        }
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

/// Errors unless every slot's tensors are of one shape, and all slots on one device.
pub(crate) fn fitting<T: Float, const STATES: usize>(
    op: &'static str,
    slots: &[Slot<'_, T, STATES>],
) -> Result<()> {
    let Some(first) = slots.first() else {
        return Ok(());
    };
    let device = first.param.device();
    for slot in slots {
        expect_shape(op, slot.param.shape(), slot.grad.shape())?;
        same_device(op, &[device, slot.param.device(), slot.grad.device()])?;
        for state in &slot.states {
            expect_shape(op, slot.param.shape(), state.shape())?;
            same_device(op, &[device, state.device()])?;
        }
        let copy = match &slot.copy {
            None => continue,
            Some(HalfCopy::Bf16(copy)) => (copy.shape(), copy.device()),
            Some(HalfCopy::F16(copy)) => (copy.shape(), copy.device()),
        };
        expect_shape(op, slot.param.shape(), copy.0)?;
        same_device(op, &[device, copy.1])?;
    }
    Ok(())
}

/// An optimizer's step: parameters and their states updated, their gradients read. Checks shapes as well as devices, of
/// all slots before anything changes.
pub(crate) fn steps<T: Float, const STATES: usize>(
    op: &'static str,
    slots: &mut [Slot<'_, T, STATES>],
    at: &At<'_>,
    cpu: impl FnOnce(Parts<'_, T, STATES>),
    cuda: impl FnOnce(&Arc<CudaStream>, &mut [CudaSlot<'_, T, STATES>]) -> Result<()>,
) -> Result<()> {
    fitting(op, slots)?;
    let Some(first) = slots.first() else {
        return Ok(());
    };
    let device = first.param.device().clone();
    let stream = match &device {
        Device::Cpu => {
            let mut parts = Vec::with_capacity(slots.len());
            for Slot {
                param,
                grad,
                states,
                copy: _,
            } in &mut *slots
            {
                let (DataMut::Cpu(p), Data::Cpu(g)) = (param.data_update()?, grad.data()) else {
                    return Err(mixed(op));
                };
                let states = each(op, states, |data| match data {
                    DataMut::Cpu(s) => Ok(s),
                    DataMut::Cuda(_) => Err(mixed(op)),
                })?;
                parts.push((p, g, states));
            }
            let inverse = at.inverse(op)?;
            let each = parts;
            cpu(Parts { each, inverse });
            for slot in slots {
                match &mut slot.copy {
                    None => {}
                    Some(HalfCopy::Bf16(copy)) => round(op, slot.param, copy)?,
                    Some(HalfCopy::F16(copy)) => round(op, slot.param, copy)?,
                }
            }
            return Ok(());
        }
        Device::Cuda(cuda) => cuda.stream(),
    };
    let mut buffers = Vec::with_capacity(slots.len());
    for Slot {
        param,
        grad,
        states,
        copy,
    } in slots
    {
        let (DataMut::Cuda(p), Data::Cuda(g)) = (param.data_update()?, grad.data()) else {
            return Err(mixed(op));
        };
        let states = each(op, states, |data| match data {
            DataMut::Cpu(_) => Err(mixed(op)),
            DataMut::Cuda(s) => Ok(s.as_view_mut()),
        })?;
        let (p, g) = (p.as_view_mut(), g.as_view());
        let copy = match copy {
            None => None,
            Some(HalfCopy::Bf16(copy)) => Some(CudaHalfCopy::Bf16(view(op, copy)?)),
            Some(HalfCopy::F16(copy)) => Some(CudaHalfCopy::F16(view(op, copy)?)),
        };
        buffers.push(CudaSlot { p, g, states, copy });
    }
    cuda(stream, &mut buffers)
}

/// A parameter on the CPU rounded to its copy's type.
fn round<T: Float, H: Float>(
    op: &'static str,
    param: &Tensor<T>,
    copy: &mut Tensor<H>,
) -> Result<()> {
    match (param.data(), copy.data_mut()?) {
        (Data::Cpu(p), DataMut::Cpu(copy)) => cast::cpu::cast(p, copy),
        _ => return Err(mixed(op)),
    }
    Ok(())
}

/// A tensor on CUDA, to be written.
fn view<'a, H: Float>(op: &'static str, copy: &'a mut Tensor<H>) -> Result<CudaViewMut<'a, H>> {
    match copy.data_mut()? {
        DataMut::Cpu(_) => Err(mixed(op)),
        DataMut::Cuda(copy) => Ok(copy.as_view_mut()),
    }
}

/// What `side` makes of each state, to be updated.
fn each<'a, S, const STATES: usize>(
    op: &'static str,
    states: &'a mut [&mut Tensor<f32>; STATES],
    side: impl Fn(DataMut<'a, f32>) -> Result<S>,
) -> Result<[S; STATES]> {
    let each = states.iter_mut().map(|state| side(state.data_update()?));
    let each: Vec<S> = each.collect::<Result<_>>()?;
    each.try_into().map_err(|_| mixed(op))
}

/// For ops of more tensors than the functions above have: the elements on the side where the op has found its first tensor.
impl<'a, T> Data<'a, T> {
    pub(crate) fn cpu(self, op: &'static str) -> Result<&'a [T]> {
        match self {
            Self::Cpu(x) => Ok(x),
            Self::Cuda(_) => Err(mixed(op)),
        }
    }

    pub(crate) fn cuda(self, op: &'static str) -> Result<&'a CudaSlice<T>> {
        match self {
            Self::Cuda(x) => Ok(x),
            Self::Cpu(_) => Err(mixed(op)),
        }
    }
}

impl<'a, T> DataMut<'a, T> {
    pub(crate) fn cpu(self, op: &'static str) -> Result<&'a mut [T]> {
        match self {
            Self::Cpu(y) => Ok(y),
            Self::Cuda(_) => Err(mixed(op)),
        }
    }

    pub(crate) fn cuda(self, op: &'static str) -> Result<&'a mut CudaSlice<T>> {
        match self {
            Self::Cuda(y) => Ok(y),
            Self::Cpu(_) => Err(mixed(op)),
        }
    }
}

/// What an op reads for one of its operands: elements, or one value for all of them.
#[derive(Clone, Copy)]
pub(crate) enum Side<D, V> {
    Data(D),
    Value(V),
}

impl<'a, T, V> Side<Data<'a, T>, V> {
    pub(crate) fn cpu(self, op: &'static str) -> Result<Side<&'a [T], V>> {
        Ok(match self {
            Self::Data(data) => Side::Data(data.cpu(op)?),
            Self::Value(value) => Side::Value(value),
        })
    }

    pub(crate) fn cuda(self, op: &'static str) -> Result<Side<&'a CudaSlice<T>, V>> {
        Ok(match self {
            Self::Data(data) => Side::Data(data.cuda(op)?),
            Self::Value(value) => Side::Value(value),
        })
    }
}

/// Equal devices hold equal kinds of storage, so this is only the match's last arm.
pub(crate) fn mixed(op: &'static str) -> Error {
    Error::Device {
        op,
        devices: vec!["cpu".into(), "cuda".into()],
    }
}
