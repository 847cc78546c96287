//! Products of f32 of which a factor is transposed first: when, and that they are right to the bit for sums that are exact.

use cudarc::driver::CudaSlice;
use warpsmith::Device;
use warpsmith::ops::matmul::Gemm;
use warpsmith::ops::matmul::cuda::{Kernel, matmul_by};

use super::cases::reference;

/// Large products of f32 on Tensor Cores of which neither factor goes along its terms are made of one that is transposed first,
/// where it can be and that pays; what cannot be turned large tiles refuse.
pub fn turned(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    if !Kernel::Mma128.is_available::<f32>(stream) {
        return;
    }
    let of = |m, n, k| Gemm {
        allow_tf32: true,
        ..Gemm::new(m, n, k, true, false)
    };
    let large = |gemm: &Gemm| {
        let chosen = Kernel::choose::<f32>(stream, gemm).unwrap();
        matches!(
            chosen,
            Kernel::Mma128x256 | Kernel::Mma128 | Kernel::Wgmma | Kernel::Wgmma128
        )
    };
    // a fully connected layer's gradient of its weights
    assert!(large(&of(4096, 9216, 128)) && large(&of(4096, 4096, 4096)));
    assert!(!large(&of(256, 256, 256)) && !large(&of(4096, 4096, 4098)));
    let both = Gemm {
        lda: 4100,
        ldb: 4100,
        ..of(4096, 4096, 4096)
    };
    assert!(!large(&both) && large(&Gemm { lda: 4096, ..both }));

    // either factor or both, in batches of their own and with one for all
    let none = None::<&CudaSlice<f32>>;
    for (m, n, k, batch, shared) in [
        (8, 264, 36, 1, false),
        (264, 8, 36, 1, false),
        (8, 40, 20, 3, false),
        (40, 8, 20, 3, false),
        (8, 16, 24, 3, true),
    ] {
        let dense = of(m, n, k);
        let gemm = Gemm {
            batch,
            stride_b: if shared { 0 } else { dense.stride_b },
            ..dense
        };
        let whole =
            |len: usize| -> Vec<f32> { (0..len).map(|i| (i * 7 % 5) as f32 - 2.0).collect() };
        let (a, b) = (whole(batch * m * k), whole(batch * n * k));
        let [a_on, b_on] = [&a, &b].map(|x| stream.clone_htod(x).unwrap());
        let kernels = [Kernel::Mma128x256, Kernel::Mma128, Kernel::Wgmma128];
        for kernel in kernels {
            if !kernel.is_available::<f32>(stream) {
                continue;
            }
            let mut y = stream.clone_htod(&vec![f32::NAN; batch * m * n]).unwrap();
            matmul_by(kernel, stream, &a_on, &b_on, none, &mut y, &gemm).unwrap();
            let got = stream.clone_dtoh(&y).unwrap();
            let want = reference(&a, &b, None, &gemm);
            let want = want.iter().map(|&sum| sum as f32);
            assert!(got.into_iter().eq(want), "{kernel:?} {gemm:?}");
        }
    }
    let x = stream.clone_htod(&[1.0f32; 64 * 64]).unwrap();
    let mut y = stream.clone_htod(&[f32::NAN; 64 * 64]).unwrap();
    let by = matmul_by(
        Kernel::Mma128,
        stream,
        &x,
        &x,
        none,
        &mut y,
        &of(16, 16, 17),
    );
    assert!(by.unwrap_err().to_string().contains("multiple of 4 terms"));
    assert!(stream.clone_dtoh(&y).unwrap().iter().all(|y| y.is_nan()));
}
