//! `stencils.cu`

use crate::device::{Device, Shape, arguments, line};
use crate::numbers::{Random, near};
use crate::ptx;

pub const PTX: &str = ptx!("stencils");

fn flat(grid: [u32; 2], block: [u32; 2]) -> Shape {
    let mut shape = line(1, 1);
    (shape.grid, shape.block) = ([grid[0], grid[1], 1], [block[0], block[1], 1]);
    shape
}

#[test]
fn heat() {
    let Some(d) = Device::new(PTX) else { return };
    let (width, height) = (37usize, 21usize);
    let mut random = Random(11);
    let data: Vec<f64> = (0..width * height).map(|_| random.unit()).collect();
    let (input, out) = (d.upload(&data), d.room::<f64>(data.len()));
    let [centre, side] = [0.35, 0.1625];
    d.write(d.global("weights"), &[centre, side]);
    let shape = flat([3, 2], [16, 16]);
    d.run(
        "heat",
        shape,
        arguments![input, out, width as i32, height as i32],
    );
    let right: Vec<f64> = (0..data.len())
        .map(|at| {
            let (x, y) = (at % width, at / width);
            if x == 0 || y == 0 || x == width - 1 || y == height - 1 {
                return data[at];
            }
            centre * data[at]
                + side * (data[at - 1] + data[at + 1] + data[at - width] + data[at + width])
        })
        .collect();
    let got = d.download::<f64>(out, data.len());
    near(&got, &right, |_, _| 1e-15);

    d.run(
        "largest_change",
        line(3, 64),
        arguments![input, out, data.len() as i32],
    );
    let changes = data.iter().zip(&got).map(|(a, b)| (a - b).abs());
    assert_eq!(
        d.download::<f64>(d.global("worst_so_far"), 1),
        [changes.fold(0.0, f64::max)]
    );
}

#[test]
fn laplace() {
    let Some(d) = Device::new(PTX) else { return };
    let size = [45i32, 19, 7];
    let [nx, ny, nz] = size.map(|n| n as usize);
    let data = Random(12).floats(nx * ny * nz);
    let out = d.room::<f32>(data.len());
    d.run(
        "laplace",
        flat([2, 3], [32, 8]),
        arguments![d.upload(&data), out, size],
    );
    let at = |x: i32, y: i32, z: i32| {
        let inside = [x, y, z].iter().zip(size).all(|(p, n)| (0..n).contains(p));
        if inside {
            f64::from(data[(z * size[1] + y) as usize * nx + x as usize])
        } else {
            0.0
        }
    };
    let right: Vec<f64> = (0..data.len())
        .map(|i| {
            let (x, y, z) = ((i % nx) as i32, (i / nx % ny) as i32, (i / nx / ny) as i32);
            f64::from(0.4f32) * at(x, y, z)
                + 0.125 * (at(x - 1, y, z) + at(x + 1, y, z))
                + f64::from(0.1f32) * (at(x, y - 1, z) + at(x, y + 1, z))
                + f64::from(0.075f32) * (at(x, y, z - 1) + at(x, y, z + 1))
        })
        .collect();
    near(&d.download::<f32>(out, data.len()), &right, |_, _| 2e-7);
}

#[test]
fn blur() {
    let Some(d) = Device::new(PTX) else { return };
    let (width, height) = (29i32, 13i32);
    let mut random = Random(13);
    let data: Vec<u8> = (0..width * height).map(|_| random.bits() as u8).collect();
    let out = d.room::<u8>(data.len());
    d.run(
        "blur",
        flat([2, 4], [16, 4]),
        arguments![d.upload(&data), out, width, height, 4],
    );
    let right: Vec<u8> = (0..width * height)
        .map(|i| {
            let weight = |j: i32| [1, 2, 1][j as usize % 3] * [1, 2, 1][j as usize / 3];
            let term = |j: i32| {
                let x = (i % width + j % 3 - 1).clamp(0, width - 1);
                let y = (i / width + j / 3 - 1).clamp(0, height - 1);
                weight(j) * i32::from(data[(y * width + x) as usize])
            };
            (((0..9).map(term).sum::<i32>() + 8) >> 4) as u8
        })
        .collect();
    assert_eq!(d.download::<u8>(out, data.len()), right);
}
