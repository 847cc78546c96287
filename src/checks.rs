//! What an op asks of its tensors: shapes that fit each other, and one device.

use crate::device::Device;
use crate::element::Element;
use crate::error::{Error, Result, numel};
use crate::tensor::Tensor;

/// Errors unless the shape holds exactly that many elements.
pub(crate) fn check_len(len: usize, shape: &[usize]) -> Result<()> {
    match numel("tensor", shape)? {
        n if n == len => Ok(()),
        n => Err(Error::shape(
            "tensor",
            format!("{n} elements for shape {shape:?}"),
            format!("{len}"),
        )),
    }
}

/// Errors with both shapes unless `got` has the shape of `like`.
pub(crate) fn same_shape<T: Element, U: Element>(
    op: &'static str,
    like: &Tensor<T>,
    got: &Tensor<U>,
) -> Result<()> {
    expect_shape(op, like.shape(), got)
}

/// Errors unless `got` has this shape.
pub(crate) fn expect_shape<T: Element>(
    op: &'static str,
    shape: &[usize],
    got: &Tensor<T>,
) -> Result<()> {
    match got.shape() == shape {
        true => Ok(()),
        false => Err(Error::shape(
            op,
            format!("shape {shape:?}"),
            format!("{:?}", got.shape()),
        )),
    }
}

/// Errors unless every option is finite and at least 0.
pub(crate) fn at_least_0<const N: usize>(
    op: &'static str,
    options: [(&str, f64); N],
) -> Result<()> {
    match options.iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
        Some((name, value)) => {
            let expected = format!("a {name} of at least 0");
            Err(Error::argument(op, expected, value))
        }
        None => Ok(()),
    }
}

/// Errors unless every option is a share: at least 0, and below 1.
pub(crate) fn below_1<const N: usize>(op: &'static str, options: [(&str, f64); N]) -> Result<()> {
    match options.iter().find(|(_, v)| !(0.0..1.0).contains(v)) {
        Some((name, value)) => Err(Error::argument(op, format!("a {name} in [0, 1)"), value)),
        None => Ok(()),
    }
}

/// Errors for step 0, which no optimizer has.
pub(crate) fn steps_from_1(op: &'static str, step: u64) -> Result<()> {
    match step {
        0 => Err(Error::argument(op, "steps that count from 1", step)),
        _ => Ok(()),
    }
}

/// The error of an op whose tensors are not on one device: each device once, since the output that an op makes for its
/// caller stands on a device already named. Two streams of one GPU are told apart.
pub(crate) fn device_mismatch(op: &'static str, devices: &[&Device]) -> Error {
    let mut each: Vec<&Device> = Vec::new();
    for device in devices {
        if !each.contains(device) {
            each.push(device);
        }
    }
    let mut names: Vec<String> = each.iter().map(|device| device.to_string()).collect();
    let alike = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let ambiguous: Vec<bool> = names.iter().map(alike).collect();
    for ((name, device), ambiguous) in names.iter_mut().zip(each).zip(ambiguous) {
        if let Some(cuda) = device.as_cuda().filter(|_| ambiguous) {
            name.push_str(&format!(" on stream {:p}", cuda.stream().cu_stream()));
        }
    }
    Error::Device { op, devices: names }
}

/// Errors unless all devices are the same.
pub(crate) fn same_device(op: &'static str, devices: &[&Device]) -> Result<()> {
    match devices.windows(2).all(|pair| pair[0] == pair[1]) {
        true => Ok(()),
        false => Err(device_mismatch(op, devices)),
    }
}
