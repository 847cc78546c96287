//! Every kernel by name against the CPU, through the binding over buffers; then what the tensors choose.

mod cases;
mod turned;

use cudarc::driver::CudaSlice;
use half::{bf16, f16};
use warpsmith::ops::Activation;
use warpsmith::ops::matmul::Gemm;
use warpsmith::ops::matmul::cuda::{Kernel, matmul, matmul_by};
use warpsmith::ops::{MatmulOptions, matmul_with_out};
use warpsmith::{Device, Float};

use crate::common::compare::{Tolerance, assert_close, assert_close_f64};
use crate::common::data::{tensor, uniform, unwritten};
use crate::emulated::wanted;
use cases::{
    Case, LONG, PLAIN, boxes, cases, few, gemm, in_boxes, in_pieces, matrices, pieces, reference,
    walk,
};

pub use turned::turned;

/// One kernel on all cases and layouts; skipped where the device does not have it.
fn kernel<T: Float>(
    device: &Device,
    kernel: Kernel,
    cases: &[Case],
    tolerance: fn(usize) -> Tolerance,
) {
    let stream = device.as_cuda().unwrap().stream();
    if !kernel.is_available::<T>(stream) {
        println!("  not on this device: {}", kernel.entry::<T>(false, false));
        return;
    }
    for case in cases {
        for (transpose_a, transpose_b) in
            [(false, false), (false, true), (true, false), (true, true)]
        {
            let layout: String = [transpose_a, transpose_b]
                .map(|transposed| if transposed { 't' } else { 'n' })
                .iter()
                .collect();
            let whole = is_mma(kernel) || kernel == Kernel::Tiled128;
            let whole = whole && !in_pieces::<T>(case, transpose_a, transpose_b);
            let apart = by_boxes(kernel) && !in_boxes::<T>(case, transpose_a, transpose_b);
            if !wanted(T::NAME, &layout) || whole || apart {
                continue;
            }
            // a factor is transposed first, which has no gaps
            let along_terms = [!transpose_a, transpose_b];
            let turned = match kernel {
                Kernel::Mma128x256 | Kernel::Mma128 => along_terms == [false; 2],
                _ => by_boxes(kernel) && along_terms != [true; 2],
            };
            let turned = turned && T::NAME == "f32";
            if turned && (case.gap != 0 || case.k % 4 != 0) {
                continue;
            }
            let gemm = gemm(case, transpose_a, transpose_b);
            let (rows_a, cols_a) = if transpose_a {
                (case.k, case.m)
            } else {
                (case.m, case.k)
            };
            let (rows_b, cols_b) = if transpose_b {
                (case.n, case.k)
            } else {
                (case.k, case.n)
            };
            let batch_b = if case.shared_b { 1 } else { case.batch };
            let a = matrices::<T>(case.batch * rows_a, cols_a, gemm.lda, 1);
            let b = matrices::<T>(batch_b * rows_b, cols_b, gemm.ldb, 2);
            let bias = case.bias.then(|| uniform::<T>(case.n, 3));
            let unwritten = vec![T::from_f32(f32::NAN); case.batch * gemm.stride_y];

            let copy = |x: &[T]| -> CudaSlice<T> {
                // the driver has no buffers of nothing
                let x = if x.is_empty() { &unwritten[..1] } else { x };
                stream.clone_htod(x).unwrap()
            };
            let on_device = bias.as_deref().map(copy);
            let mut y = copy(&unwritten);
            matmul_by(
                kernel,
                stream,
                &copy(&a),
                &copy(&b),
                on_device.as_ref(),
                &mut y,
                &gemm,
            )
            .unwrap();
            let got = stream.clone_dtoh(&y).unwrap();
            let what = format!(
                "{} {}",
                kernel.entry::<T>(transpose_a, transpose_b),
                case.name
            );
            let want = reference(&a, &b, bias.as_deref(), &gemm);
            assert_close_f64(&what, &got, &want, tolerance(case.k));
        }
    }
}

/// Partial sums of k products of uniform numbers stay within sqrt(k); a bias adds one more.
fn sums<T: Float>(k: usize) -> Tolerance {
    Tolerance::of::<T>(k + 2, (k as f64).sqrt() + 1.0)
}

/// Factors are rounded to 11 bits of significand, half a unit each.
fn tf32(k: usize) -> Tolerance {
    let rounded = 2.0 * f64::powi(2.0, -11);
    Tolerance {
        abs: 2.0 * rounded * (k as f64).sqrt(),
        rel: rounded,
    }
}

pub fn tiled_128(device: &Device) {
    kernel::<f32>(device, Kernel::Tiled128, &pieces([128; 2]), sums::<f32>);
}

pub fn tiled_64(device: &Device) {
    kernel::<f32>(device, Kernel::Tiled64, &cases(64), sums::<f32>);
    kernel::<bf16>(device, Kernel::Tiled64, &cases(64), sums::<bf16>);
}

pub fn tiled_32(device: &Device) {
    kernel::<f32>(device, Kernel::Tiled32, &cases(32), sums::<f32>);
}

pub fn wmma_128(device: &Device) {
    kernel::<f16>(device, Kernel::Wmma128, &cases(128), sums::<f16>);
    kernel::<bf16>(device, Kernel::Wmma128, &cases(128), sums::<bf16>);
    kernel::<f32>(device, Kernel::Wmma128, &cases(128), tf32);
}

pub fn wmma_64(device: &Device) {
    kernel::<f16>(device, Kernel::Wmma64, &cases(64), sums::<f16>);
    kernel::<bf16>(device, Kernel::Wmma64, &cases(64), sums::<bf16>);
    kernel::<f32>(device, Kernel::Wmma64, &cases(64), tf32);
}

fn is_mma(kernel: Kernel) -> bool {
    matches!(
        kernel,
        Kernel::Mma128x256 | Kernel::Mma128 | Kernel::Mma64 | Kernel::Split64
    )
}

fn by_boxes(kernel: Kernel) -> bool {
    matches!(
        kernel,
        Kernel::Wgmma | Kernel::Wgmma128 | Kernel::WgmmaSplit
    )
}

fn mma(device: &Device, which: Kernel, tile: [usize; 2]) {
    kernel::<f16>(device, which, &pieces(tile), sums::<f16>);
    kernel::<bf16>(device, which, &pieces(tile), sums::<bf16>);
    kernel::<f32>(device, which, &pieces(tile), tf32);
}

pub fn mma_128x256(device: &Device) {
    mma(device, Kernel::Mma128x256, [128, 256]);
}

pub fn mma_128(device: &Device) {
    mma(device, Kernel::Mma128, [128; 2]);
}

pub fn mma_64(device: &Device) {
    mma(device, Kernel::Mma64, [64; 2]);
}

pub fn split(device: &Device) {
    mma(device, Kernel::Split64, [64; 2]);
    kernel::<f16>(device, Kernel::Split64, &LONG, sums::<f16>);
    kernel::<bf16>(device, Kernel::Split64, &LONG, sums::<bf16>);
    kernel::<f32>(device, Kernel::Split64, &LONG, tf32);
}

fn thin(device: &Device, which: Kernel, cases: &[Case]) {
    kernel::<f32>(device, which, cases, sums::<f32>);
    kernel::<f16>(device, which, cases, sums::<f16>);
    kernel::<bf16>(device, which, cases, sums::<bf16>);
}

pub fn thin_rows(device: &Device) {
    thin(
        device,
        Kernel::ThinRows,
        &few(|few, many, k| [few, many, k]),
    );
}

pub fn thin_cols(device: &Device) {
    thin(
        device,
        Kernel::ThinCols,
        &few(|few, many, k| [many, few, k]),
    );
}

pub fn thin_terms(device: &Device) {
    let tiles = Case {
        name: "many_tiles",
        m: 9 * 32 + 1,
        n: 2 * 128 - 3,
        k: 2,
        bias: true,
        ..PLAIN
    };
    let most = few(|few, many, terms| [terms.clamp(1, 100), many, few]);
    thin(device, Kernel::ThinTerms, &most);
    let none = Case {
        name: "no_terms",
        m: 5,
        n: 24,
        k: 0,
        bias: true,
        activation: Activation::Sigmoid,
        ..PLAIN
    };
    thin(device, Kernel::ThinTerms, &[tiles, none]);
}

/// The spiral's products are thin in every precision; what has more than a few of everything is not, and a kernel that wants few
/// refuses many.
pub fn thin_choice(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    for ([m, n, k], wanted) in [
        ([3000, 100, 2], Kernel::ThinTerms),
        ([3000, 3, 100], Kernel::ThinCols),
        ([3000, 100, 3], Kernel::ThinTerms),
        ([2, 100, 3000], Kernel::ThinRows),
        ([3, 100, 3000], Kernel::ThinRows),
    ] {
        let gemm = Gemm::new(m, n, k, false, false);
        assert_eq!(Kernel::choose::<f32>(stream, &gemm).unwrap(), wanted);
        assert_eq!(Kernel::choose::<bf16>(stream, &gemm).unwrap(), wanted);
        let tf32 = Gemm {
            allow_tf32: true,
            ..gemm
        };
        assert_eq!(Kernel::choose::<f32>(stream, &tf32).unwrap(), wanted);
    }
    let many = Gemm::new(17, 17, 17, false, false);
    let a = stream.clone_htod(&[1.0f32; 17 * 17]).unwrap();
    let mut y = stream.clone_htod(&[f32::NAN; 17 * 17]).unwrap();
    let none = None::<&CudaSlice<f32>>;
    for thin in [Kernel::ThinRows, Kernel::ThinCols, Kernel::ThinTerms] {
        assert_ne!(Kernel::choose::<f32>(stream, &many).unwrap(), thin);
        let refused = matmul_by(thin, stream, &a, &a, none, &mut y, &many).unwrap_err();
        assert!(refused.to_string().contains("at most 16"), "{refused}");
    }
    let got = stream.clone_dtoh(&y).unwrap();
    assert!(got.iter().all(|y| y.is_nan()));
}

fn in_all_boxes(device: &Device, which: Kernel, cases: &[Case]) {
    kernel::<f16>(device, which, cases, sums::<f16>);
    kernel::<bf16>(device, which, cases, sums::<bf16>);
    kernel::<f32>(device, which, cases, tf32);
}

pub fn wgmma(device: &Device) {
    in_all_boxes(device, Kernel::Wgmma, &boxes([256; 2]));
}

pub fn wgmma_128(device: &Device) {
    in_all_boxes(device, Kernel::Wgmma128, &boxes([256, 128]));
}

pub fn wgmma_split(device: &Device) {
    in_all_boxes(device, Kernel::WgmmaSplit, &LONG);
    in_all_boxes(device, Kernel::WgmmaSplit, &boxes([256, 128])[2..6]);
}

pub fn wgmma_walk(device: &Device) {
    for which in [Kernel::Wgmma, Kernel::Wgmma128] {
        kernel::<bf16>(device, which, &[walk(device)], sums::<bf16>);
    }
}

/// `matmul_mma` is chosen where there is one and the factors come in whole pieces; what does not it refuses.
pub fn pieces_choice(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let choose = |gemm: &Gemm| Kernel::choose::<bf16>(stream, gemm).unwrap();
    let there = Kernel::Mma64.is_available::<bf16>(stream);
    let gemm = Gemm::new(24, 40, 16, false, true);
    let odd_rows = Gemm { lda: 17, ..gemm };
    let cut = Gemm {
        k: 15,
        ..Gemm::new(24, 40, 16, false, true)
    };
    assert_eq!(is_mma(choose(&gemm)), there);
    assert!(!is_mma(choose(&odd_rows)) && !is_mma(choose(&cut)));
    // AlexNet's fc6, and a product with sums too short to be cut
    let fully_connected = Gemm::new(16, 4096, 9216, false, true);
    let by_boxes = Kernel::WgmmaSplit.is_available::<bf16>(stream);
    let in_parts = match by_boxes {
        true => Kernel::WgmmaSplit,
        false => Kernel::Split64,
    };
    assert_eq!(choose(&fully_connected) == in_parts, there);
    assert!(choose(&gemm) != in_parts);
    if there {
        let a = stream.clone_htod(&vec![bf16::ONE; 24 * 17 + 1]).unwrap();
        let b = stream.clone_htod(&vec![bf16::ONE; 40 * 16]).unwrap();
        let mut y = stream.clone_htod(&vec![bf16::NAN; 24 * 40]).unwrap();
        for (from, gemm) in [(1, gemm), (0, odd_rows), (0, cut)] {
            let a = a.slice(from..);
            let none = None::<&CudaSlice<bf16>>;
            let by = matmul_by(Kernel::Mma64, stream, &a, &b, none, &mut y, &gemm);
            assert!(by.unwrap_err().to_string().contains("16 bytes"));
        }
        let got = stream.clone_dtoh(&y).unwrap();
        assert!(
            got.iter().all(|y| y.is_nan()),
            "a refused product writes nothing"
        );
    }
}

/// `matmul_wgmma` is chosen where there is one, for a product of some size, and left where an operand cannot be mapped.
/// The factors are whole numbers, whose sums are exact in any order.
pub fn choice(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let hopper = Kernel::Wgmma.is_available::<bf16>(stream);
    let choose = |gemm: &Gemm| Kernel::choose::<bf16>(stream, gemm).unwrap();
    let chosen = |gemm: &Gemm| by_boxes(choose(gemm));
    let (m, n, k) = (4350, 256, 64);
    let gemm = Gemm::new(m, n, k, false, true);
    assert_eq!(chosen(&gemm), hopper);
    let odd = Gemm {
        m: m - 100,
        lda: k + 1,
        ..gemm
    };
    assert!(!chosen(&odd) && !chosen(&Gemm::new(8, 8, 8, false, false)));
    // matrices apart by whole rows can be mapped, and by parts of one not
    for (more, mapped) in [(k, hopper), (8, false)] {
        let stride_a = gemm.stride_a + more;
        let two = Gemm {
            batch: 2,
            stride_a,
            ..gemm
        };
        assert_eq!(chosen(&two), mapped, "{more} elements apart");
    }

    // the smaller tile where the larger one would leave half of the device idle, and parts where there are few of either
    if hopper {
        let of = |m, n, k| choose(&Gemm::new(m, n, k, false, true));
        assert_eq!(of(4096, 4096, 4096), Kernel::Wgmma);
        assert_eq!(of(2048, 2048, 2048), Kernel::Wgmma);
        assert_eq!(of(1024, 1024, 1024), Kernel::Wgmma128);
        assert_eq!(of(128, 9216, 4096), Kernel::Wgmma128);
        assert_eq!(of(128, 4096, 9216), Kernel::WgmmaSplit);
        let tf32 = Gemm {
            allow_tf32: true,
            ..Gemm::new(4096, 4096, 4096, false, false)
        };
        let chosen = Kernel::choose::<f32>(stream, &tf32).unwrap();
        assert_eq!(chosen, Kernel::Wgmma);
    }

    let whole = |len: usize| -> Vec<bf16> {
        let value = |i| bf16::from_f32((i * 7 % 5) as f32 - 2.0);
        (0..len).map(value).collect()
    };
    let (a, b) = (whole(m * k + 1), whole(n * k));
    let [a_on, b_on] = [&a, &b].map(|x| stream.clone_htod(x).unwrap());
    for shift in [0, 1] {
        let mut y = stream.clone_htod(&vec![bf16::NAN; m * n]).unwrap();
        let view = a_on.slice(shift..);
        matmul(
            stream,
            &view,
            &b_on,
            None::<&CudaSlice<bf16>>,
            &mut y,
            &gemm,
        )
        .unwrap();
        let got = stream.clone_dtoh(&y).unwrap();
        let want = reference(&a[shift..], &b, None, &gemm);
        let rounded = want.iter().map(|&sum| bf16::from_f64(sum));
        assert!(got.into_iter().eq(rounded), "from element {shift}");
    }
    if hopper {
        let mut y = stream.clone_htod(&vec![bf16::NAN; m * n]).unwrap();
        let view = a_on.slice(1..);
        let by = |a: &_, gemm: &Gemm, y: &mut CudaSlice<bf16>| {
            matmul_by(
                Kernel::Wgmma,
                stream,
                a,
                &b_on,
                None::<&CudaSlice<bf16>>,
                y,
                gemm,
            )
        };
        for refused in [by(&view, &gemm, &mut y), by(&a_on.slice(0..), &odd, &mut y)] {
            assert!(refused.unwrap_err().to_string().contains("16 bytes"));
        }
    }
}

/// What tensors do, whichever kernel they choose: ranks, broadcasting, a bias, NaN and infinities.
pub fn tensors(device: &Device) {
    fn check<T: Float>(device: &Device, allow_tf32: bool) {
        let shapes: [(&[usize], &[usize], &[usize]); 8] = [
            (&[0, 3], &[3, 4], &[0, 4]),
            (&[2, 0], &[0, 4], &[2, 4]),
            (&[5], &[5], &[]),
            (&[7, 33], &[33], &[7]),
            (&[65, 129], &[129, 31], &[65, 31]),
            (&[3, 2, 17, 9], &[9, 12], &[3, 2, 17, 12]),
            (&[3, 17, 9], &[3, 9, 12], &[3, 17, 12]),
            (&[2, 1, 5, 8], &[3, 8, 6], &[2, 3, 5, 6]),
        ];
        for (shape_a, shape_b, shape_y) in shapes {
            let len = |shape: &[usize]| shape.iter().product::<usize>();
            let mut a = uniform::<T>(len(shape_a), 4);
            // a row of them: NaN, infinity, and infinity times the zeros of b
            if shape_a == [65, 129] {
                a[129 * 2 + 5] = T::from_f32(f32::NAN);
                a[129 * 9 + 7] = T::from_f32(f32::INFINITY);
            }
            let mut b = uniform::<T>(len(shape_b), 5);
            if shape_b == [129, 31] {
                b[7 * 31 + 3] = T::from_f32(0.0);
            }
            let n = shape_b.last().copied().unwrap_or(1);
            let bias = (shape_b.len() > 1).then(|| uniform::<T>(n, 6));
            let [want, got] = [&Device::Cpu, device].map(|d| {
                let mut y = unwritten::<T>(shape_y, d);
                let bias = bias.as_ref().map(|bias| tensor(bias, &[n], d));
                let options = MatmulOptions {
                    bias: bias.as_ref(),
                    allow_tf32,
                    ..Default::default()
                };
                matmul_with_out(
                    &tensor(&a, shape_a, d),
                    &tensor(&b, shape_b, d),
                    &options,
                    &mut y,
                )
                .unwrap();
                y.to_vec().unwrap()
            });
            let k = shape_a.last().copied().unwrap_or(1);
            let tolerance = if allow_tf32 { tf32(k) } else { sums::<T>(k) };
            let what = format!("matmul {} {shape_a:?} {shape_b:?}", T::NAME);
            assert_close(&what, &got, &want, tolerance);
        }
    }
    check::<f32>(device, false);
    check::<f32>(device, true);
    check::<f16>(device, false);
    check::<bf16>(device, false);
}
