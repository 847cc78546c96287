//! Matmul, every kernel by name in all four layouts.

use crate::{Report, case};
use half::{bf16, f16};
use warpsmith::ops::matmul::Gemm;
use warpsmith::ops::matmul::cuda::{Kernel, matmul_by};
use warpsmith::{Device, Float, Generator, Tensor};

/// Rows, columns, terms: whole tiles, and tiles that are cut at rows that no vector divides, which pieces of 16 bytes and boxes
/// cannot be.
const SHAPES: [[usize; 3]; 2] = [[256, 256, 256], [250, 251, 253]];
const PIECES: [[usize; 3]; 2] = [[256, 256, 256], [248, 264, 232]];
const LONG: [[usize; 3]; 2] = [[64, 256, 1024], [24, 104, 1064]];
/// A fully connected layer of few images and its like; the spiral's.
const FEW_ROWS: [[usize; 3]; 2] = [[16, 1024, 512], [2, 100, 3000]];
const FEW_COLS: [[usize; 3]; 2] = [[1024, 16, 512], [3000, 3, 100]];
const FEW_TERMS: [[usize; 3]; 2] = [[256, 512, 16], [3000, 100, 2]];
const BOXES: [[usize; 3]; 2] = [[512, 512, 256], [264, 248, 248]];

pub fn all(report: &mut Report, device: &Device) {
    for kernel in Kernel::ALL {
        of::<f32>(report, device, kernel);
        of::<f16>(report, device, kernel);
        of::<bf16>(report, device, kernel);
    }
}

fn of<T: Float>(report: &mut Report, device: &Device, kernel: Kernel) {
    let stream = device.as_cuda().expect("a CUDA device").stream();
    if !kernel.is_available::<T>(stream) {
        return;
    }
    let shapes = match kernel {
        Kernel::Wgmma | Kernel::Wgmma128 => BOXES,
        Kernel::WgmmaSplit => LONG,
        Kernel::Tiled128 | Kernel::Mma128x256 | Kernel::Mma128 | Kernel::Mma64 => PIECES,
        Kernel::Split64 => LONG,
        Kernel::ThinRows => FEW_ROWS,
        Kernel::ThinCols => FEW_COLS,
        Kernel::ThinTerms => FEW_TERMS,
        _ => SHAPES,
    };
    for [m, n, k] in shapes {
        let random = |len: usize| {
            let x = Tensor::<T>::randn(&[len], &mut Generator::manual_seed(1), &Device::Cpu);
            stream.clone_htod(&x.and_then(|x| x.to_vec()).expect("random numbers"))
        };
        let [a, b, mut y] =
            [m * k, k * n, m * n].map(|len| random(len).expect("room on the device"));
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            // what f32 has no kernel for is one of the others, behind a transposition
            let turned = match kernel {
                Kernel::Mma128x256 | Kernel::Mma128 => ta && !tb,
                Kernel::Wgmma | Kernel::Wgmma128 | Kernel::WgmmaSplit => ta || !tb,
                _ => false,
            };
            if turned && T::NAME == "f32" {
                continue;
            }
            // thin ones have an entry for several layouts
            let entry = kernel.entry::<T>(ta, tb);
            let letter = |transpose| if transpose { 't' } else { 'n' };
            let layout = [letter(ta), letter(tb)].iter().collect::<String>();
            let layout = match entry.contains(&format!("_{layout}_")) {
                true => String::new(),
                false => format!(" {layout}"),
            };
            let name = format!("{entry}{layout} {m}x{n}x{k}");
            let gemm = Gemm {
                allow_tf32: true,
                ..Gemm::new(m, n, k, ta, tb)
            };
            case(report, name, || {
                matmul_by(
                    kernel,
                    stream,
                    &a,
                    &b,
                    None::<&warpsmith::cudarc::driver::CudaSlice<T>>,
                    &mut y,
                    &gemm,
                )
            });
        }
    }
}
