//! Digits drawn by a few lines of code, for where there is no data set.

use super::idx::Idx;
use super::images::Images;
use crate::error::{Error, Result};
use crate::random::Generator;

/// Side of an image in pixels, MNIST's.
const SIDE: usize = 28;
/// Digits of 5 by 7 dots; in a row the highest of five bits is the left dot.
const DIGITS: [[u8; 7]; 10] = [
    [
        0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110,
    ],
    [
        0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
    ],
    [
        0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111,
    ],
    [
        0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110,
    ],
    [
        0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010,
    ],
    [
        0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110,
    ],
    [
        0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110,
    ],
    [
        0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000,
    ],
    [
        0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110,
    ],
    [
        0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100,
    ],
];

/// `n` images of digits, 28 by 28, turned, slanted, moved, scaled and noisy; the classes come in turn.
///
/// # Errors
/// More than memory holds.
pub fn glyphs(n: usize, generator: &mut Generator) -> Result<Images> {
    let len = n.checked_mul(SIDE * SIDE).ok_or(Error::TooLarge {
        op: "glyphs",
        what: "a number of images",
        limit: usize::MAX / (SIDE * SIDE),
        value: n,
    })?;
    let mut pixels = Vec::new();
    pixels
        .try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory {
            device: "cpu".into(),
            bytes: len,
        })?;
    let labels: Vec<u8> = (0..n).map(|i| (i % DIGITS.len()) as u8).collect();
    for &label in &labels {
        draw(&DIGITS[usize::from(label)], generator, &mut pixels);
    }
    let images = Idx {
        shape: vec![n, SIDE, SIDE],
        bytes: pixels,
    };
    let labels = Idx {
        shape: vec![n],
        bytes: labels,
    };
    Images::new(images, labels, DIGITS.len())
}

fn draw(digit: &[u8; 7], generator: &mut Generator, pixels: &mut Vec<u8>) {
    let (sin, cos) = generator.uniform(-0.25, 0.25).sin_cos();
    let slant = generator.uniform(-0.3, 0.3);
    let scale = generator.uniform(2.4, 3.4);
    let brightness = generator.uniform(150.0, 255.0);
    let mut middle = || (SIDE as f32 - 1.0) / 2.0 + generator.uniform(-2.5, 2.5);
    let (x0, y0) = (middle(), middle());
    for i in 0..SIDE * SIDE {
        let (x, y) = ((i % SIDE) as f32 - x0, (i / SIDE) as f32 - y0);
        // back through turn, slant and scale to the place among the dots
        let (x, y) = (cos * x + sin * y, cos * y - sin * x);
        let ink = ink_at(digit, (x + slant * y) / scale + 2.0, y / scale + 3.0);
        let value = brightness * ink + 12.0 * generator.normal();
        pixels.push(value.clamp(0.0, 255.0) as u8);
    }
}

/// How dark a digit is at column `x` and row `y`, between the four dots around (bilinear).
fn ink_at(digit: &[u8; 7], x: f32, y: f32) -> f32 {
    let dot = |x: f32, y: f32| {
        let inside = (0.0..5.0).contains(&x) && (0.0..7.0).contains(&y);
        f32::from(inside && digit[y as usize] >> (4 - x as usize) & 1 == 1)
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, down) = (x - left, y - top);
    let row = |y| dot(left, y) * (1.0 - right) + dot(left + 1.0, y) * right;
    row(top) * (1.0 - down) + row(top + 1.0) * down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upright_and_in_the_middle_a_digit_is_its_dots() {
        for digit in &DIGITS {
            for (y, row) in digit.iter().enumerate() {
                for x in 0..5 {
                    let want = f32::from(row >> (4 - x) & 1);
                    assert_eq!(ink_at(digit, x as f32, y as f32), want);
                }
            }
            assert_eq!(ink_at(digit, -3.0, 2.0), 0.0);
            assert_eq!(ink_at(digit, 2.0, 9.5), 0.0);
        }
    }

    #[test]
    fn a_seed_gives_the_same_images_and_no_two_alike() -> Result<()> {
        let make = |seed| glyphs(20, &mut Generator::manual_seed(seed));
        let (a, b, c) = (make(1)?, make(1)?, make(2)?);
        assert_eq!((a.len(), a.size(), a.classes()), (20, [28, 28], 10));
        assert_eq!((a.label(3), a.label(13)), (Some(3), Some(3)));
        assert_eq!(a.pixels(3), b.pixels(3));
        assert_ne!(a.pixels(3), c.pixels(3));
        assert_ne!(a.pixels(3), a.pixels(13));
        Ok(())
    }

    #[test]
    fn more_than_memory_holds_is_an_error() {
        assert!(glyphs(usize::MAX, &mut Generator::manual_seed(1)).is_err());
    }
}
