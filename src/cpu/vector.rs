//! Code compiled for several widths of vectors, of which one is picked at run time; and vectors by name, for loops that are
//! to keep sums in registers.
//!
//! x86-64 has copies for AVX-512 (with what every CPU since Skylake has of it), for AVX2 with FMA, and for its baseline.
//! Elsewhere the baseline is all there is.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

/// A vector of floats, as wide as the CPU at hand has them. Only [`dispatch_vectors`] knows which types are one.
pub(crate) trait Vector: Copy {
    const LANES: usize;
    /// As many numbers in memory.
    type Array: Copy + AsRef<[f32]>;

    /// The arrays that `x` begins with, and what is left.
    fn arrays(x: &[f32]) -> (&[Self::Array], &[f32]);
    fn load(from: &Self::Array) -> Self;
    fn array(self) -> Self::Array;
    fn splat(x: f32) -> Self;
    /// `self * b + c`, rounded once where the CPU can.
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// The sum of all numbers: halves are added until one is left.
    fn sum(self) -> f32;
}

/// Work that is written for vectors of any width.
pub(crate) trait OverVectors {
    type Output;
    /// Is to be `#[inline(always)]`, as everything that it calls.
    fn run<V: Vector>(self) -> Self::Output;
}

/// Runs work with the widest vectors of this CPU.
#[inline(always)]
pub(crate) fn dispatch_vectors<W: OverVectors>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    match level() {
        Level::Avx512 => {
            // SAFETY: `level` has seen every feature that the copy is compiled with.
            return unsafe {
                x86::avx512(
                    #[inline(always)]
                    || work.run::<x86::Wide>(),
                )
            };
        }
        Level::Avx2 => {
            // SAFETY: likewise.
            return unsafe {
                x86::avx2(
                    #[inline(always)]
                    || work.run::<x86::Half>(),
                )
            };
        }
        Level::Baseline => {}
    }
    work.run::<Baseline>()
}

/// What [`vectorized`](super::vectorized) expands to. The bound makes every closure a plain `FnOnce`; one that could run
/// more often would be called through a shim, which is not inlined, and the copy for wide vectors would be of the shim alone.
#[inline(always)]
pub(crate) fn dispatch<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has seen every feature that the copy is compiled with.
        Level::Avx512 => return unsafe { x86::avx512(work) },
        // SAFETY: likewise.
        Level::Avx2 => return unsafe { x86::avx2(work) },
        Level::Baseline => {}
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
enum Level {
    Baseline,
    Avx2,
    Avx512,
}

/// The widest copies that this CPU runs, asked once.
#[cfg(target_arch = "x86_64")]
#[inline]
fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        macro_rules! all {
            ($($feature:tt)*) => { true $(&& std::is_x86_feature_detected!($feature))* };
        }
        if !all!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "avx2" "bmi1" "bmi2" "fma" "lzcnt")
        {
            Level::Baseline
        } else if !all!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl") {
            Level::Avx2
        } else {
            Level::Avx512
        }
    })
}

/// Four numbers, which every x86-64 and every AArch64 has in a register.
#[derive(Clone, Copy)]
struct Baseline([f32; 4]);

impl Vector for Baseline {
    const LANES: usize = 4;
    type Array = [f32; 4];

    #[inline(always)]
    fn arrays(x: &[f32]) -> (&[[f32; 4]], &[f32]) {
        x.as_chunks()
    }
    #[inline(always)]
    fn load(from: &[f32; 4]) -> Self {
        Self(*from)
    }
    #[inline(always)]
    fn array(self) -> [f32; 4] {
        self.0
    }
    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 4])
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // without an instruction for it, rounding once is a call for every number
        let fused = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
        Self(std::array::from_fn(|i| match fused {
            true => self.0[i].mul_add(b.0[i], c.0[i]),
            false => self.0[i] * b.0[i] + c.0[i],
        }))
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    #[target_feature(enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,lzcnt")]
    pub(super) fn avx2<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    #[target_feature(enable = "sse3,ssse3,sse4.1,sse4.2,popcnt,avx,avx2,bmi1,bmi2,fma,lzcnt")]
    #[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
    pub(super) fn avx512<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    #[target_feature(enable = "avx512f")]
    #[inline]
    fn sum_of_16(x: __m512) -> f32 {
        let high = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x)));
        sum_of_8(_mm256_add_ps(_mm512_castps512_ps256(x), high))
    }

    #[target_feature(enable = "avx")]
    #[inline]
    fn sum_of_8(x: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<0b01>(two, two)))
    }

    /// A register, which only code has that runs in the copy for CPUs with it: `dispatch_vectors` alone names these types.
    macro_rules! register {
        ($name:ident, $register:ident, $lanes:literal, $load:ident, $store:ident, $splat:ident, $mul_add:ident, $sum:ident) => {
            #[derive(Clone, Copy)]
            pub(super) struct $name($register);

            impl Vector for $name {
                const LANES: usize = $lanes;
                type Array = [f32; $lanes];

                #[inline(always)]
                fn arrays(x: &[f32]) -> (&[[f32; $lanes]], &[f32]) {
                    x.as_chunks()
                }
                #[inline(always)]
                fn load(from: &[f32; $lanes]) -> Self {
                    // SAFETY: the array is as long as the register and may lie anywhere; the CPU has the instruction, see
                    // above.
                    Self(unsafe { $load(from.as_ptr()) })
                }
                #[inline(always)]
                fn array(self) -> [f32; $lanes] {
                    let mut to = [0.0; $lanes];
                    // SAFETY: likewise.
                    unsafe { $store(to.as_mut_ptr(), self.0) };
                    to
                }
                #[inline(always)]
                fn splat(x: f32) -> Self {
                    // SAFETY: the CPU has the instruction, see above.
                    Self(unsafe { $splat(x) })
                }
                #[inline(always)]
                fn mul_add(self, b: Self, c: Self) -> Self {
                    // SAFETY: the CPU has the instruction, see above.
                    Self(unsafe { $mul_add(self.0, b.0, c.0) })
                }
                #[inline(always)]
                fn sum(self) -> f32 {
                    // SAFETY: the CPU has the instructions, see above.
                    unsafe { $sum(self.0) }
                }
            }
        };
    }

    register!(
        Wide,
        __m512,
        16,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        sum_of_16
    );
    register!(
        Half,
        __m256,
        8,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        sum_of_8
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What vectors of one width make of 16 numbers.
    fn check<V: Vector>() {
        let x: [f32; 16] = std::array::from_fn(|i| (i * i) as f32 - 30.0);
        let (arrays, rest) = V::arrays(&x);
        assert_eq!((arrays.len() * V::LANES, rest.len()), (16, 0));
        for (at, array) in arrays.iter().enumerate() {
            let x = &x[at * V::LANES..][..V::LANES];
            let v = V::load(array).mul_add(V::splat(2.0), V::load(array));
            let want: Vec<f32> = x.iter().map(|x| 3.0 * x).collect();
            assert_eq!(v.array().as_ref(), want);
            assert_eq!(v.sum(), want.iter().sum::<f32>());
        }
    }

    #[test]
    fn every_width_does_what_it_says() {
        struct Check;
        impl OverVectors for Check {
            type Output = usize;
            #[inline(always)]
            fn run<V: Vector>(self) -> usize {
                check::<V>();
                V::LANES
            }
        }
        check::<Baseline>();
        let lanes = dispatch_vectors(Check);
        #[cfg(target_arch = "x86_64")]
        {
            if !matches!(level(), Level::Baseline) {
                // SAFETY: the CPU has what the copy is compiled with.
                unsafe { x86::avx2(check::<x86::Half>) };
            }
            let wide = std::is_x86_feature_detected!("avx512f");
            assert!(lanes == 16 || !wide, "{lanes} lanes");
        }
        assert!(dispatch(|| true) && lanes >= 4);
    }
}
