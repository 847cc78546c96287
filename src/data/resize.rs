//! Images of another size.

/// Appends `image` of size `from` (height, width) in size `to`: each pixel between the four around its centre (bilinear,
/// `align_corners=False`, edges repeated).
pub(super) fn resize(image: &[u8], from: [usize; 2], to: [usize; 2], out: &mut Vec<f32>) {
    if from == to {
        out.extend(image.iter().map(|&pixel| f32::from(pixel)));
        return;
    }
    let columns: Vec<_> = (0..to[1]).map(|x| between(x, from[1], to[1])).collect();
    for y in 0..to[0] {
        let (top, down, weight) = between(y, from[0], to[0]);
        let row = |y: usize| &image[y * from[1]..][..from[1]];
        let (top, down) = (row(top), row(down));
        out.extend(columns.iter().map(|&(left, right, across)| {
            let at = |row: &[u8]| mix(row[left].into(), row[right].into(), across);
            mix(at(top), at(down), weight)
        }));
    }
}

/// The two old places around a new one, and the weight of the second.
fn between(at: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let place = (at as f32 + 0.5) * (from as f32 / to as f32) - 0.5;
    let place = place.clamp(0.0, (from - 1) as f32);
    let first = place as usize;
    (first, (first + 1).min(from - 1), place - first as f32)
}

fn mix(a: f32, b: f32, weight: f32) -> f32 {
    a + (b - a) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(image: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
        let mut out = Vec::new();
        resize(image, from, to, &mut out);
        out
    }

    #[test]
    fn values_are_those_of_bilinear_interpolation() {
        assert_eq!(resized(&[3, 7], [1, 2], [1, 2]), [3.0, 7.0]);
        // centres at -0.25 (held at the edge), 0.25, 0.75, 1.25
        assert_eq!(resized(&[0, 8], [1, 2], [1, 4]), [0.0, 2.0, 6.0, 8.0]);
        assert_eq!(resized(&[0, 8], [2, 1], [4, 1]), [0.0, 2.0, 6.0, 8.0]);
        // one pixel for four: the middle between them
        assert_eq!(resized(&[0, 4, 8, 12], [2, 2], [1, 1]), [6.0]);
        assert_eq!(resized(&[9], [1, 1], [2, 2]), [9.0; 4]);
    }
}
