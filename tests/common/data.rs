//! Shapes by purpose, and seeded data with outliers.

use warpsmith::{Device, Float, Generator, Tensor};

/// A shape and why it is tried.
pub struct Shape {
    pub name: &'static str,
    pub rows: usize,
    pub cols: usize,
}

impl Shape {
    pub fn numel(&self) -> usize {
        self.rows * self.cols
    }
    pub fn dims(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }
}

/// Shapes that break kernels, as rows and columns; small enough for an emulated device.
pub const SHAPES: [Shape; 8] = [
    Shape {
        name: "empty",
        rows: 0,
        cols: 5,
    },
    Shape {
        name: "one",
        rows: 1,
        cols: 1,
    },
    // no power of two, no multiple of a vector
    Shape {
        name: "odd",
        rows: 101,
        cols: 255,
    },
    Shape {
        name: "one_warp",
        rows: 2,
        cols: 32,
    },
    Shape {
        name: "one_past_a_tile",
        rows: 65,
        cols: 129,
    },
    Shape {
        name: "many_rows",
        rows: 3001,
        cols: 3,
    },
    Shape {
        name: "aligned",
        rows: 16,
        cols: 1024,
    },
    Shape {
        name: "huge_row",
        rows: 2,
        cols: 20011,
    },
];

/// Numbers of columns at which the kernels over rows change hands, as shapes of a few rows.
pub fn row_shapes() -> Vec<Shape> {
    let row = |name, rows, cols| Shape { name, rows, cols };
    vec![
        row("one_column", 9, 1),
        row("last_of_one_lane", 300, 8),
        row("first_of_four_lanes", 70, 9),
        row("last_of_four_lanes", 65, 32),
        row("first_of_a_warp", 9, 33),
        row("last_of_eight_registers", 9, 256),
        row("one_past_eight_registers", 9, 257),
        row("last_of_a_warp", 9, 1024),
        row("first_of_a_block", 3, 1025),
        row("in_a_blocks_registers", 3, 1032),
        row("last_of_two_warps", 2, 2048),
        row("last_of_the_registers", 2, 16384),
        row("past_the_registers", 2, 16392),
        row("odd_past_the_registers", 2, 16385),
    ]
}

/// Normal values, some of them large, some zero, some tiny; rounded to `T`, on the CPU.
pub fn outliers<T: Float>(n: usize, seed: u64) -> Vec<T> {
    let mut generator = Generator::manual_seed(seed);
    let value = |i: usize| {
        let x = generator.normal();
        let x = match i % 97 {
            13 => 300.0 * x,
            29 => 0.0,
            53 => -0.0,
            71 => 1e-3 * x,
            _ => x,
        };
        T::from_f32(x)
    };
    (0..n).map(value).collect()
}

/// [`outliers`] with NaN and infinities among them, for ops that say what they do with those.
pub fn with_specials<T: Float>(n: usize, seed: u64) -> Vec<T> {
    let mut data = outliers::<T>(n, seed);
    for (i, special) in [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MIN_POSITIVE,
    ]
    .into_iter()
    .enumerate()
    {
        data.iter_mut()
            .skip(17 + i)
            .step_by(211)
            .for_each(|x| *x = T::from_f32(special));
    }
    data
}

/// Uniform in [-1, 1), rounded to `T`.
pub fn uniform<T: Float>(n: usize, seed: u64) -> Vec<T> {
    let mut generator = Generator::manual_seed(seed);
    (0..n)
        .map(|_| T::from_f32(generator.uniform(-1.0, 1.0)))
        .collect()
}

/// An output to write into, full of NaN: what is not written does not pass.
pub fn unwritten<T: Float>(shape: &[usize], device: &Device) -> Tensor<T> {
    let n = shape.iter().product();
    Tensor::from_vec(vec![T::from_f32(f32::NAN); n], shape, device).unwrap()
}

/// Copies host data to a device.
pub fn tensor<T: warpsmith::Element>(data: &[T], shape: &[usize], device: &Device) -> Tensor<T> {
    Tensor::from_slice(data, shape, device).unwrap()
}

/// Uniform in [-300, 300) with a few ten times as large, rounded to `T`: where an op weighs squares lightly, a wrong
/// window or constant shows only on such.
pub fn hundreds<T: Float>(n: usize, seed: u64) -> Vec<T> {
    let mut generator = Generator::manual_seed(seed);
    (0..n)
        .map(|i| {
            let x = generator.uniform(-300.0, 300.0);
            T::from_f32(if i % 89 == 7 { 10.0 * x } else { x })
        })
        .collect()
}
