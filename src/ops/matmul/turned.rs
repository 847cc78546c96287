//! `f32` products on Tensor Cores with factors that are not stored along their terms. `mma.sync` in large tiles wants one that is
//! (`ldmatrix` cannot transpose 32 bits), `wgmma` both; so a factor is transposed first, the smaller one if neither is.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtr};

use super::OP;
use super::gemm::Gemm;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::transpose;
use crate::runtime::launch::workspace;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Factor {
    A,
    B,
}

/// Which factor is transposed, and the product of what then is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turned {
    factor: Factor,
    batch: usize,
    rows: usize,
    cols: usize,
    gemm: Gemm,
}

impl Turned {
    /// The smaller factor that does not go along the terms, if such a one lies without gaps and its transpose is in pieces.
    pub(super) fn of(gemm: &Gemm) -> Option<Self> {
        let [(_, cols_a), (_, cols_b)] = gemm.stored();
        let of = |factor, cols: usize, ld, stride: usize| {
            let batch = if stride == 0 { 1 } else { gemm.batch };
            let matrix = gemm.k.checked_mul(cols)?;
            let dense = ld == cols && (batch == 1 || stride == matrix);
            let apart = if stride == 0 { 0 } else { matrix };
            let turned = match factor {
                Factor::A => Gemm {
                    transpose_a: false,
                    lda: gemm.k,
                    stride_a: apart,
                    ..*gemm
                },
                Factor::B => Gemm {
                    transpose_b: true,
                    ldb: gemm.k,
                    stride_b: apart,
                    ..*gemm
                },
            };
            (dense && turned.in_pieces::<f32>()).then_some(Self {
                factor,
                batch,
                rows: gemm.k,
                cols,
                gemm: turned,
            })
        };
        let a = || of(Factor::A, cols_a, gemm.lda, gemm.stride_a);
        let b = || of(Factor::B, cols_b, gemm.ldb, gemm.stride_b);
        let a = gemm.transpose_a.then(a).flatten();
        let b = (!gemm.transpose_b).then(b).flatten();
        a.into_iter().chain(b).min_by_key(Self::elements)
    }

    /// The product of what then is there.
    pub(super) fn gemm(&self) -> &Gemm {
        &self.gemm
    }

    fn elements(&self) -> usize {
        self.batch
            .saturating_mul(self.rows)
            .saturating_mul(self.cols)
    }

    /// What the copy reads and writes.
    pub(super) fn bytes(&self) -> usize {
        self.elements().saturating_mul(2 * size_of::<f32>())
    }
}

/// A product one of whose factors has been transposed.
pub(super) struct Copied<T> {
    pub(super) factor: Factor,
    pub(super) copy: CudaSlice<T>,
    pub(super) gemm: Gemm,
}

/// Transposes a factor.
///
/// # Errors
/// Where none can be ([`Turned::of`]), or whatever the driver answers.
pub(super) fn copied<T: Float>(
    stream: &Arc<CudaStream>,
    a: &impl DevicePtr<T>,
    b: &impl DevicePtr<T>,
    gemm: &Gemm,
) -> Result<Copied<T>> {
    let Some(turned) = Turned::of(gemm) else {
        let expected =
            "f32 factors whose rows go along the terms, or have no gaps and a multiple of 4 terms";
        return Err(Error::argument(OP, expected, format!("{gemm:?}")));
    };
    // the driver has no buffers of nothing
    let mut copy = workspace::<T>(stream, OP, turned.elements().max(1))?;
    let (batch, rows, cols) = (turned.batch, turned.rows, turned.cols);
    match turned.factor {
        Factor::A => transpose::cuda::transpose(stream, a, &mut copy, batch, rows, cols)?,
        Factor::B => transpose::cuda::transpose(stream, b, &mut copy, batch, rows, cols)?,
    }
    Ok(Copied {
        factor: turned.factor,
        copy,
        gemm: turned.gemm,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smaller factor, unless it has gaps; neither where a transposed row would not be in pieces.
    #[test]
    fn the_smaller_factor_is_transposed() {
        let gemm = Gemm::new(64, 128, 32, true, false);
        let turned = Turned::of(&gemm).unwrap();
        assert_eq!((turned.factor, turned.elements()), (Factor::A, 64 * 32));
        assert_eq!(turned.gemm, Gemm::new(64, 128, 32, false, false));
        let gap = Gemm { lda: 68, ..gemm };
        let turned = Turned::of(&gap).unwrap();
        assert_eq!((turned.factor, turned.elements()), (Factor::B, 128 * 32));
        assert!(turned.gemm.transpose_a && turned.gemm.transpose_b);
        assert_eq!((turned.gemm.lda, turned.gemm.ldb), (68, 32));
        assert!(Turned::of(&Gemm { ldb: 132, ..gap }).is_none());
        assert!(Turned::of(&Gemm::new(64, 128, 33, true, false)).is_none());
        // what goes along the terms stays
        let second = Turned::of(&Gemm::new(64, 128, 32, false, false)).unwrap();
        assert_eq!(second.factor, Factor::B);
        assert_eq!(second.gemm, Gemm::new(64, 128, 32, false, true));
        assert!(Turned::of(&second.gemm).is_none());
        // one matrix for all of a batch is copied once
        let shared = Gemm {
            batch: 8,
            stride_b: 0,
            ..gemm
        };
        let turned = Turned::of(&shared).unwrap();
        assert_eq!((turned.factor, turned.elements()), (Factor::B, 128 * 32));
        assert_eq!(turned.gemm.stride_b, 0);
    }
}
