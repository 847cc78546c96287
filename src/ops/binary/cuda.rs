//! Binding of `cuda/binary.cu` over cudarc buffers. Work is queued on `stream` and runs asynchronously.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut};

use super::table::{OPS, Op};
use super::{Side, of_name};
use crate::element::{Number, Wide};
use crate::error::{Result, numel};
use crate::ops::strides::{Strides, broadcast, expanded};
use crate::runtime::launch::Launch;

const MODULE: &str = "binary";
/// Elements that one launch indexes.
pub(crate) const MOST: usize = 1 << 31;

/// `y[i] = f(a[i], b[i])` for the op of this name (`"add"`, ...), where `a` and `b` have these shapes and broadcast to the
/// shape of `y`.
///
/// # Errors
/// A name that the table does not have, shapes that do not broadcast together, buffers shorter than their shapes or of
/// another context, or whatever the driver answers.
pub fn binary<T: Number>(
    stream: &Arc<CudaStream>,
    name: &str,
    (a, shape_a): (&impl DevicePtr<T>, &[usize]),
    (b, shape_b): (&impl DevicePtr<T>, &[usize]),
    y: &mut impl DevicePtrMut<T>,
) -> Result<()> {
    let op = of_name(name)?;
    let shape = broadcast(op.name, shape_a, shape_b)?;
    let places = [
        expanded(op.name, shape_a, &shape)?,
        expanded(op.name, shape_b, &shape)?,
    ];
    let strides = Strides::new(&shape, [&places[0], &places[1]]);
    let needed = [shape_a, shape_b, &shape].map(|shape| numel(op.name, shape));
    let [of_a, of_b, of_y] = needed;
    let (of_a, of_b, of_y) = (of_a?, of_b?, of_y?);
    if of_y == 0 {
        return Ok(());
    }
    for (part, at) in parts(&strides) {
        let mut launch = start::<T>(stream, op)?;
        let a = launch.address(a, of_a) + offset::<T>(at[0]);
        let b = launch.address(b, of_b) + offset::<T>(at[1]);
        let y = launch.address_mut(y, of_y) + offset::<T>(at[2]);
        finish::<T>(launch, op, [a, b, y], None, &part)?;
    }
    Ok(())
}

pub(super) fn run_op<T: Number>(
    stream: &Arc<CudaStream>,
    op: &Op,
    sides: [Side<&CudaSlice<T>, T::Wide>; 2],
    y: &mut CudaSlice<T>,
    strides: &Strides<2>,
) -> Result<()> {
    for (part, at) in parts(strides) {
        let mut launch = start::<T>(stream, op)?;
        let own = launch.address_mut(y, strides.numel()) + offset::<T>(at[2]);
        let mut number = None;
        let mut addresses = [own; 3];
        for (k, side) in sides.iter().enumerate() {
            addresses[k] = match side {
                Side::Data(x) => launch.address(*x, x.len()) + offset::<T>(at[k]),
                Side::Own => own,
                Side::Number(of) => {
                    number = Some(*of);
                    0
                }
            };
        }
        finish::<T>(launch, op, addresses, number, &part)?;
    }
    Ok(())
}

/// Boxes that a launch can index, with the places of their first elements in a, b and y.
pub(crate) fn parts(strides: &Strides<2>) -> Vec<(Strides<2>, [usize; 3])> {
    let mut done = 0;
    let with_places = |(at, part): ([isize; 2], Strides<2>)| {
        let places = [at[0] as usize, at[1] as usize, done];
        done += part.numel();
        (part, places)
    };
    strides.parts(MOST).into_iter().map(with_places).collect()
}

pub(crate) fn offset<T>(at: usize) -> u64 {
    (at * size_of::<T>()) as u64
}

fn start<'a, T: Number>(stream: &'a Arc<CudaStream>, op: &Op) -> Result<Launch<'a>> {
    match T::IS_INTEGER {
        true => Launch::new(stream, MODULE, &format!("binary_{}", T::NAME)),
        false => Launch::new(stream, MODULE, &format!("binary_{}_{}", op.name, T::NAME)),
    }
}

fn finish<T: Number>(
    launch: Launch<'_>,
    op: &Op,
    addresses: [u64; 3],
    number: Option<T::Wide>,
    strides: &Strides<2>,
) -> Result<()> {
    let launch = arguments::<T>(launch, addresses, number, strides)?;
    match T::IS_INTEGER {
        true => {
            let which = OPS.iter().position(|other| other.name == op.name);
            launch.scalar(which.unwrap_or_default() as i32).run()
        }
        false => launch.run(),
    }
}

/// What `cuda/broadcast.cuh` takes.
pub(crate) fn arguments<'a, T: Number>(
    launch: Launch<'a>,
    addresses: [u64; 3],
    number: Option<T::Wide>,
    strides: &Strides<2>,
) -> Result<Launch<'a>> {
    let n = strides.numel();
    let words = match strides.is_contiguous() {
        true => Strides::<2>::new(&[], [&[], &[]]).words(MODULE)?,
        false => strides.words(MODULE)?,
    };
    let [a, b, y] = addresses;
    let launch = launch.over::<T>(n).scalar(a).scalar(b).scalar(y);
    let bits = number.map_or(0, Wide::argument);
    Ok(launch.scalar(n as i64).scalar(bits).table(&words))
}
