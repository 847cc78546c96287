//! Interleaved spirals, one per class: the data set that no straight line separates.

use std::f32::consts::PI;

use crate::device::Device;
use crate::error::{Error, Result, numel, to_i32};
use crate::random::Generator;
use crate::tensor::Tensor;

/// Points (classes * per_class, 2) and their classes (classes * per_class).
///
/// Class c winds from angle 2πc/C to 2π(c+2)/C while its radius grows from 0 to 1; the angle carries normal noise of
/// 0.2. A point is (r sin φ, r cos φ).
///
/// # Errors
/// Where there is no class or no point, or more than memory holds.
pub fn spiral(
    classes: usize,
    per_class: usize,
    generator: &mut Generator,
    device: &Device,
) -> Result<(Tensor<f32>, Tensor<i32>)> {
    const OP: &str = "spiral";
    if classes == 0 || per_class == 0 {
        let got = format!("{classes} and {per_class}");
        return Err(Error::argument(
            OP,
            "at least one class and one point of each",
            got,
        ));
    }
    to_i32(OP, "points", numel(OP, &[classes, per_class])?)?;
    let mut points = Vec::with_capacity(2 * classes * per_class);
    let mut labels = Vec::with_capacity(classes * per_class);
    for class in 0..classes {
        for i in 0..per_class {
            let t = i as f32 / (per_class - 1).max(1) as f32;
            let turn = 2.0 * PI / classes as f32;
            let angle = turn * (class as f32 + 2.0 * t) + 0.2 * generator.normal();
            points.extend([t * angle.sin(), t * angle.cos()]);
            labels.push(class as i32);
        }
    }
    let n = labels.len();
    Ok((
        Tensor::from_vec(points, &[n, 2], device)?,
        Tensor::from_vec(labels, &[n], device)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radius_grows_and_classes_come_in_turn() -> Result<()> {
        let (x, labels) = spiral(3, 100, &mut Generator::manual_seed(1), &Device::Cpu)?;
        assert_eq!((x.shape(), labels.shape()), (&[300, 2][..], &[300][..]));
        let (x, labels) = (x.to_vec()?, labels.to_vec()?);
        for i in 0..300 {
            let radius = x[2 * i].hypot(x[2 * i + 1]);
            assert!(
                (radius - (i % 100) as f32 / 99.0).abs() < 1e-5,
                "point {i} has radius {radius}"
            );
            assert_eq!(labels[i], i as i32 / 100);
        }
        Ok(())
    }

    #[test]
    fn nothing_to_make_is_an_error() {
        let mut generator = Generator::manual_seed(1);
        assert!(spiral(0, 10, &mut generator, &Device::Cpu).is_err());
        assert!(spiral(3, 0, &mut generator, &Device::Cpu).is_err());
        assert!(spiral(usize::MAX, 2, &mut generator, &Device::Cpu).is_err());
    }
}
