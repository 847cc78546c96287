//! Tensor Core kernels as a compiler writes them, against a naive product.

use super::*;
use cuda_emulator::exec::half::{narrow_bf16, narrow_f16, widen_f16};

const TENSOR: &str = include_str!("tensor_80.ptx");

/// Small integers: every product and sum is exact in every type.
fn number(i: usize) -> i32 {
    (i * 37 % 31) as i32 - 15
}

#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// Rows and columns of a block's tile, depth of a step.
    tile: [usize; 3],
    /// Whether rows of A and of B are contiguous, else their columns.
    rows: [bool; 2],
    threads: u32,
}

/// Runs a product of `A` and `B` elements made of small integers; `C` elements come back as integers.
fn product<T: Copy, C: Copy + Default>(case: Case, element: fn(i32) -> T, result: fn(C) -> i64) {
    product_of(case, |x| x, element, result);
}

/// As `product`, of these integers.
fn product_of<T: Copy, C: Copy + Default>(
    case: Case,
    value: fn(i32) -> i32,
    element: fn(i32) -> T,
    result: fn(C) -> i64,
) {
    let d = Device::new(TENSOR);
    let [tm, tn, tk] = case.tile;
    let (m, n, k) = (2 * tm, 3 * tn, 3 * tk);
    // leading dimensions are padded, by what an aligned row allows
    let lda = if case.rows[0] { k } else { m } + 16;
    let ldb = if case.rows[1] { n } else { k } + 16;
    let a: Vec<i32> = (0..lda * m.max(k)).map(|i| value(number(i))).collect();
    let b: Vec<i32> = (0..ldb * n.max(k)).map(|i| value(number(i + 11))).collect();
    let upload = |v: &[i32]| d.upload(&v.iter().map(|x| element(*x)).collect::<Vec<T>>());
    let c = d.memory.alloc(m * n * size_of::<C>()).unwrap();
    let mut p = params(&[upload(&a), upload(&b), c], n as u32);
    p.extend([k, lda, ldb].iter().flat_map(|v| (*v as u32).to_le_bytes()));
    let grid = [(n / tn) as u32, (m / tm) as u32, 1];
    d.launch(case.name, grid, [case.threads, 1, 1], &p)
        .unwrap_or_else(|e| panic!("{}: {e}", case.name));
    for (i, got) in d.download::<C>(c, m * n).into_iter().enumerate() {
        let (row, col) = (i / n, i % n);
        let at = |x: &[i32], ld: usize, rows: bool, r: usize, c: usize| {
            x[if rows { r * ld + c } else { c * ld + r }]
        };
        let sum: i64 = (0..k)
            .map(|k| {
                let left = at(&a, lda, case.rows[0], row, k);
                i64::from(left * at(&b, ldb, case.rows[1], k, col))
            })
            .sum();
        assert_eq!(result(got), sum + 1, "{} at {row}, {col}", case.name);
    }
}

fn case(name: &'static str, tile: [usize; 3], rows: [bool; 2]) -> Case {
    Case {
        name,
        tile,
        rows,
        threads: 32,
    }
}

fn f16(x: i32) -> u16 {
    narrow_f16(x as f32)
}

fn bf16(x: i32) -> u16 {
    narrow_bf16(x as f32)
}

/// tf32 has more bits than it looks at.
fn tf32(x: i32) -> u32 {
    (x as f32).to_bits() | if x == 0 { 0 } else { 0x1FFF }
}

fn whole(x: f32) -> i64 {
    assert_eq!(x.fract(), 0.0);
    x as i64
}

#[test]
fn wmma_of_f16() {
    product(case("wmma_f16", [16, 16, 16], [true, true]), f16, whole);
    product(
        case("wmma_f16_cols", [16, 16, 16], [false, false]),
        f16,
        whole,
    );
    product(
        case("wmma_f16_32x8", [32, 8, 16], [true, false]),
        f16,
        whole,
    );
    product(
        case("wmma_f16_8x32", [8, 32, 16], [false, true]),
        f16,
        whole,
    );
}

#[test]
fn wmma_of_f16_that_sums_in_f16() {
    // of up to 11 bits, f16 is exact
    product_of(
        case("wmma_f16_f16", [16, 16, 16], [true, false]),
        |x| x / 4,
        f16,
        |x: u16| whole(widen_f16(x)),
    );
}

#[test]
fn wmma_of_bf16() {
    product(case("wmma_bf16", [16, 16, 16], [true, true]), bf16, whole);
    product(
        case("wmma_bf16_32x8", [32, 8, 16], [false, false]),
        bf16,
        whole,
    );
}

#[test]
fn wmma_of_tf32() {
    product(case("wmma_tf32", [16, 16, 8], [true, true]), tf32, whole);
    product(
        case("wmma_tf32_cols", [16, 16, 8], [false, false]),
        tf32,
        whole,
    );
}

#[test]
fn wmma_of_integers() {
    product_of(
        case("wmma_s8", [16, 16, 16], [true, false]),
        |x| x * 8,
        |x| x as i8,
        |x: i32| x.into(),
    );
    product_of(
        case("wmma_s8_32x8", [32, 8, 16], [false, true]),
        |x| x * 8,
        |x| x as i8,
        |x: i32| x.into(),
    );
    product_of(
        case("wmma_u8_8x32", [8, 32, 16], [true, false]),
        |x| (x + 15) * 8,
        |x| x as u8,
        |x: i32| x.into(),
    );
}

#[test]
fn wmma_of_f64() {
    product(
        case("wmma_f64", [8, 8, 4], [true, false]),
        f64::from,
        |x: f64| x as i64,
    );
}

#[test]
fn ldmatrix_and_mma() {
    product(
        Case {
            threads: 64,
            ..case("ldmatrix_mma", [32, 8, 16], [true, true])
        },
        f16,
        whole,
    );
}

fn through_shared(skip: u32) -> Result<(), Fault> {
    let d = Device::new(TENSOR);
    let a: Vec<f32> = (0..256).map(|i| i as f32).collect();
    let (pa, pc) = (d.upload(&a), d.memory.alloc(1024).unwrap());
    d.launch(
        "through_shared",
        [1, 1, 1],
        [32, 1, 1],
        &params(&[pa, pc], skip),
    )?;
    assert_eq!(d.download::<f32>(pc, 256), a);
    Ok(())
}

#[test]
fn a_stored_fragment_needs_a_warp_barrier_before_it_is_read() {
    through_shared(0).unwrap_or_else(|e| panic!("{e}"));
    let fault = through_shared(1).unwrap_err();
    assert!(
        fault.report.contains("Race: __shared__ read"),
        "{}",
        fault.report
    );
}

#[test]
fn half_a_warp_does_not_multiply() {
    let d = Device::new(TENSOR);
    let c = d.upload(&[0f32; 256]);
    let fault = d
        .launch("half_a_warp", [1, 1, 1], [32, 1, 1], &params(&[c, c], 0))
        .unwrap_err();
    assert!(fault.report.contains("part of a warp"), "{}", fault.report);
    assert!(fault.report.contains("0x0000ffff"), "{}", fault.report);
}

#[test]
fn a_matrix_that_ends_too_early_is_out_of_bounds() {
    let d = Device::new(TENSOR);
    let short = d.upload(&[0u16; 16 * 16 - 1]);
    let whole = d.upload(&[0u16; 16 * 16]);
    let c = d.memory.alloc(1024).unwrap();
    let sizes = |p: &[u64]| {
        let mut p = params(p, 16);
        p.extend([16u32, 16, 16].iter().flat_map(|v| v.to_le_bytes()));
        p
    };
    let run = |a, b| d.launch("wmma_f16", [1, 1, 1], [32, 1, 1], &sizes(&[a, b, c]));
    run(whole, whole).unwrap_or_else(|e| panic!("{e}"));
    let fault = run(short, whole).unwrap_err();
    assert!(
        fault.report.contains("Invalid __global__ read of size 16"),
        "{}",
        fault.report
    );
    let unwritten = d.memory.alloc(16 * 16 * 2).unwrap();
    run(whole, unwritten).unwrap_or_else(|e| panic!("{e}"));
    let fault = d.told(c, 1024).expect("a fault");
    assert!(
        fault
            .report
            .contains("Uninitialized __global__ memory read"),
        "{}",
        fault.report
    );
    let fault = run(whole + 8, whole).unwrap_err();
    assert_eq!(
        fault.kind,
        cuda_emulator::check::FaultKind::MisalignedAddress
    );
}

#[test]
fn ldmatrix_of_a_stage_that_is_overwritten_is_a_race() {
    // without the barrier behind the multiplication, the next stage is stored while another warp still reads
    let barriers = TENSOR.matches("bar.sync").count();
    let start = TENSOR.find(".entry ldmatrix_mma").unwrap();
    let second = start + TENSOR[start..].match_indices("bar.sync").nth(1).unwrap().0;
    let broken = format!("{}//{}", &TENSOR[..second], &TENSOR[second..]);
    assert!(barriers >= 2);
    let d = Device::new(&broken);
    let zeros = d.upload(&[0u16; 64 * 64]);
    let c = d.memory.alloc(4096).unwrap();
    let mut p = params(&[zeros, zeros, c], 8);
    p.extend([32u32, 64, 64].iter().flat_map(|v| v.to_le_bytes()));
    let fault = d
        .launch("ldmatrix_mma", [1, 1, 1], [64, 1, 1], &p)
        .unwrap_err();
    assert!(
        fault.report.contains("Race: __shared__"),
        "{}",
        fault.report
    );
}
