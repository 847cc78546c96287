//! Every lane and register of every fragment against the formulas of the ISA.

use super::blocks::{Tiling, join, recast, split};
use super::layout_cases::{CASES, c16};
use super::multiply::{Arithmetic, Ascending, Bits, Order};
use super::numbers::{Rows, transpose};

/// Elements of a register, registers of a fragment of `count` elements, elements of a block's row.
fn registers(bits: usize, count: usize) -> (usize, usize, usize) {
    let in_register = (32 / bits).max(1);
    (in_register, count / 32 / in_register, 4 * in_register)
}

#[test]
fn every_element_of_a_and_b_is_where_the_isa_says() {
    for case in CASES {
        let [m, n, k] = case.shape;
        let (in_register, of_a, row) = registers(case.bits, m * k);
        let of_b = registers(case.bits, n * k).1;
        let t = Tiling {
            m: m / 8,
            n: n / 8,
            k: k / row,
        };
        assert_eq!((of_a, of_b), (t.m * t.k, t.n * t.k), "{}", case.name);
        let mut seen = vec![0; m * k];
        for (lane, i) in (0..32).flat_map(|lane| (0..of_a * in_register).map(move |i| (lane, i))) {
            let (r, c) = (case.a)(lane / 4, lane % 4, i);
            seen[r * k + c] += 1;
            // the rule: block, then row of the block, then element of the row
            assert_eq!(i / in_register, t.a(r / 8, c / row), "{} a{i}", case.name);
            assert_eq!(
                lane * in_register + i % in_register,
                r % 8 * row + c % row,
                "{} a{i}",
                case.name
            );
        }
        assert!(
            seen.iter().all(|s| *s == 1),
            "{}: A's formula hits every element once",
            case.name
        );
        let mut seen = vec![0; n * k];
        for (lane, i) in (0..32).flat_map(|lane| (0..of_b * in_register).map(move |i| (lane, i))) {
            let (r, c) = (case.b)(lane / 4, lane % 4, i);
            seen[c * k + r] += 1;
            assert_eq!(i / in_register, t.b(c / 8, r / row), "{} b{i}", case.name);
            assert_eq!(
                lane * in_register + i % in_register,
                c % 8 * row + r % row,
                "{} b{i}",
                case.name
            );
        }
        assert!(
            seen.iter().all(|s| *s == 1),
            "{}: B's formula hits every element once",
            case.name
        );
    }
}

#[test]
fn every_accumulator_is_where_the_isa_says() {
    for case in CASES {
        let [m, n, _] = case.shape;
        let t = Tiling {
            m: m / 8,
            n: n / 8,
            k: 1,
        };
        for block in 0..t.m * t.n {
            for register in 0..2 {
                for lane in 0..32 {
                    let i = 2 * block + register;
                    let (r, c) = (case.c)(lane / 4, lane % 4, i);
                    assert_eq!(t.c(r / 8, c / 8), block, "{} c{i}", case.name);
                    assert_eq!(t.c_at(block), (r / 8, c / 8), "{} c{i}", case.name);
                    let mut one_hot = [[[0u32; 32]; 2]; 1];
                    one_hot[0][register][lane] = 1;
                    let joined = join(&one_hot[0][0], &one_hot[0][1]);
                    for (row, column) in (0..64).map(|x| (x / 8, x % 8)) {
                        let hot = (row, column) == (r % 8, c % 8);
                        assert_eq!(
                            joined[row][column],
                            u32::from(hot),
                            "{} c{i} of lane {lane}",
                            case.name
                        );
                    }
                    assert_eq!(split(&joined), one_hot[0]);
                }
            }
        }
    }
}

#[test]
fn an_f16_accumulator_register_is_a_block_of_halves() {
    // "m16n8k16": c0, c1 of row g in the first register, c2, c3 of row g + 8 in the second
    for (lane, i) in (0..32).flat_map(|lane| (0..4).map(move |i| (lane, i))) {
        let (r, c) = c16(lane / 4, lane % 4, i);
        let t = Tiling { m: 2, n: 1, k: 1 };
        assert_eq!((t.c(r / 8, 0), r % 8 * 8 + c), (i / 2, lane * 2 + i % 2));
    }
}

#[test]
fn a_one_hot_product_goes_where_row_and_column_say() {
    // bits of b1 are the finest grain: A one-hot at (m, k), B one-hot at (k, n) gives D one-hot at (m, n)
    for (m, n, k) in [(0, 0, 0), (3, 5, 77), (7, 7, 127), (5, 2, 64)] {
        let (mut a, mut b) = ([0u32; 32], [0u32; 32]);
        a[m * 4 + k / 32] = 1 << (k % 32);
        b[n * 4 + k / 32] = 1 << (k % 32);
        let (a, b): (Rows<u128, 1>, Rows<u128, 1>) = (recast(&a), recast(&b));
        let arithmetic = Bits { and: true };
        let d = Ascending::tile(
            &arithmetic,
            &[&a],
            &[transpose(&b)],
            &[[arithmetic.start(0); 8]; 8],
        );
        for (row, column) in (0..64).map(|x| (x / 8, x % 8)) {
            assert_eq!(d[row][column], i32::from((row, column) == (m, n)));
        }
    }
}

#[test]
fn a_transposed_matrix_has_the_layout_of_ldmatrix_trans() {
    // "ldmatrix": thread 4 r + c / 2 receives elements (r, c) and (r, c + 1); with .trans those of the other order
    for (r, c) in (0..64).map(|x| (x / 8, x % 8)) {
        let mut halves = [0u16; 64];
        halves[r * 8 + c] = 0xABCD;
        let register: [u32; 32] = recast(&halves);
        assert_eq!(register[r * 4 + c / 2], 0xABCD << (16 * (c % 2)));
        let rows: Rows<u16, 8> = recast(&register);
        let turned: [u32; 32] = recast(&transpose(&rows));
        assert_eq!(turned[c * 4 + r / 2], 0xABCD << (16 * (r % 2)));
    }
}

#[test]
fn blocks_of_every_tiling_are_numbered_once() {
    for (m, n, k) in [
        (1, 1, 1),
        (2, 1, 2),
        (2, 2, 2),
        (4, 1, 2),
        (1, 4, 2),
        (2, 2, 1),
        (2, 1, 4),
    ] {
        let t = Tiling { m, n, k };
        let sorted = |mut all: Vec<usize>| {
            all.sort_unstable();
            all
        };
        let pairs = |x: usize, y: usize| (0..x * y).map(move |i| (i / y, i % y));
        assert_eq!(
            sorted(pairs(m, k).map(|(m, k)| t.a(m, k)).collect()),
            Vec::from_iter(0..m * k)
        );
        assert_eq!(
            sorted(pairs(n, k).map(|(n, k)| t.b(n, k)).collect()),
            Vec::from_iter(0..n * k)
        );
        for (m, n) in pairs(m, n) {
            assert_eq!(t.c_at(t.c(m, n)), (m, n));
        }
    }
}
