//! Every lane and register of every fragment against the formulas of the ISA: "Matrix Fragments for mma.m8n8k4 with
//! .f64 floating point type" to "Matrix Fragments for mma.m16n8k256", and of "ldmatrix". The formulas are written as
//! there, with `g` for groupID (%laneid >> 2), `t` for threadID_in_group (%laneid % 4) and `i` for the element.

use super::blocks::{Tiling, join, recast, split};
use super::multiply::{Arithmetic, Ascending, Bits, Order};
use super::numbers::{Rows, transpose};

/// Row and column of element `i` in lane `4 g + t`.
type Formula = fn(g: usize, t: usize, i: usize) -> (usize, usize);

struct Case {
    name: &'static str,
    /// m, n, k
    shape: [usize; 3],
    bits: usize,
    a: Formula,
    b: Formula,
    c: Formula,
}

/// c0, c1 in row g, c2, c3 in row g + 8: "row = groupID for ci where i < 2, groupID + 8 for ci where i >= 2;
/// col = (threadID_in_group * 2) + (i & 0x1)".
fn c16(g: usize, t: usize, i: usize) -> (usize, usize) {
    (if i < 2 { g } else { g + 8 }, t * 2 + (i & 1))
}

/// "row = groupID; col = (threadID_in_group * 2) + i".
fn c8(g: usize, t: usize, i: usize) -> (usize, usize) {
    (g, t * 2 + i)
}

const CASES: &[Case] = &[
    Case {
        name: "m8n8k4 f64",
        shape: [8, 8, 4],
        bits: 64,
        a: |g, t, _| (g, t),
        b: |g, t, _| (t, g),
        c: c8,
    },
    Case {
        name: "m16n8k4 f64",
        shape: [16, 8, 4],
        bits: 64,
        a: |g, t, i| (if i == 0 { g } else { g + 8 }, t),
        b: |g, t, _| (t, g),
        c: c16,
    },
    Case {
        name: "m16n8k8 f64",
        shape: [16, 8, 8],
        bits: 64,
        a: |g, t, i| {
            (
                if i == 0 || i == 2 { g } else { g + 8 },
                if i < 2 { t } else { t + 4 },
            )
        },
        b: |g, t, i| (if i == 0 { t } else { t + 4 }, g),
        c: c16,
    },
    Case {
        name: "m16n8k16 f64",
        shape: [16, 8, 16],
        bits: 64,
        a: |g, t, i| {
            if i % 2 == 0 {
                (g, i * 2 + t)
            } else {
                (g + 8, i * 2 - 2 + t)
            }
        },
        b: |g, t, i| (t + i * 4, g),
        c: c16,
    },
    Case {
        name: "m8n8k16 s8",
        shape: [8, 8, 16],
        bits: 8,
        a: |g, t, i| (g, t * 4 + i),
        b: |g, t, i| (t * 4 + i, g),
        c: c8,
    },
    Case {
        name: "m8n8k32 s4",
        shape: [8, 8, 32],
        bits: 4,
        a: |g, t, i| (g, t * 8 + i),
        b: |g, t, i| (t * 8 + i, g),
        c: c8,
    },
    Case {
        name: "m8n8k128 b1",
        shape: [8, 8, 128],
        bits: 1,
        a: |g, t, i| (g, t * 32 + i),
        b: |g, t, i| (t * 32 + i, g),
        c: c8,
    },
    Case {
        name: "m16n8k4 tf32",
        shape: [16, 8, 4],
        bits: 32,
        a: |g, t, i| (if i == 0 { g } else { g + 8 }, t),
        b: |g, t, _| (t, g),
        c: c16,
    },
    Case {
        name: "m16n8k8 tf32",
        shape: [16, 8, 8],
        bits: 32,
        a: |g, t, i| {
            (
                if i == 0 || i == 2 { g } else { g + 8 },
                if i < 2 { t } else { t + 4 },
            )
        },
        b: |g, t, i| (if i == 0 { t } else { t + 4 }, g),
        c: c16,
    },
    Case {
        name: "m16n8k8 f16",
        shape: [16, 8, 8],
        bits: 16,
        a: |g, t, i| (if i < 2 { g } else { g + 8 }, t * 2 + (i & 1)),
        b: |g, t, i| (t * 2 + i, g),
        c: c16,
    },
    Case {
        name: "m16n8k16 f16",
        shape: [16, 8, 16],
        bits: 16,
        a: |g, t, i| {
            let row = if i < 2 || (4..6).contains(&i) {
                g
            } else {
                g + 8
            };
            (row, t * 2 + (i & 1) + if i < 4 { 0 } else { 8 })
        },
        b: |g, t, i| (t * 2 + (i & 1) + if i < 2 { 0 } else { 8 }, g),
        c: c16,
    },
    Case {
        name: "m16n8k16 s8",
        shape: [16, 8, 16],
        bits: 8,
        a: |g, t, i| (if i < 4 { g } else { g + 8 }, t * 4 + (i & 3)),
        b: |g, t, i| (t * 4 + i, g),
        c: c16,
    },
    Case {
        name: "m16n8k32 s8",
        shape: [16, 8, 32],
        bits: 8,
        a: |g, t, i| {
            let row = if i < 4 || (8..12).contains(&i) {
                g
            } else {
                g + 8
            };
            (row, t * 4 + (i & 3) + if i < 8 { 0 } else { 16 })
        },
        b: |g, t, i| (t * 4 + (i & 3) + if i < 4 { 0 } else { 16 }, g),
        c: c16,
    },
    Case {
        name: "m16n8k32 s4",
        shape: [16, 8, 32],
        bits: 4,
        a: |g, t, i| (if i < 8 { g } else { g + 8 }, t * 8 + (i & 7)),
        b: |g, t, i| (t * 8 + i, g),
        c: c16,
    },
    Case {
        name: "m16n8k64 s4",
        shape: [16, 8, 64],
        bits: 4,
        a: |g, t, i| {
            let row = if i < 8 || (16..24).contains(&i) {
                g
            } else {
                g + 8
            };
            (row, t * 8 + (i & 7) + if i < 16 { 0 } else { 32 })
        },
        b: |g, t, i| (t * 8 + (i & 7) + if i < 8 { 0 } else { 32 }, g),
        c: c16,
    },
    Case {
        name: "m16n8k128 b1",
        shape: [16, 8, 128],
        bits: 1,
        a: |g, t, i| (if i < 32 { g } else { g + 8 }, t * 32 + (i & 31)),
        b: |g, t, i| (t * 32 + i, g),
        c: c16,
    },
    Case {
        name: "m16n8k256 b1",
        shape: [16, 8, 256],
        bits: 1,
        // of the columns of a0 to a63 the text says "+ i"; the figure shows what can only be meant, "+ (i & 0x1F)"
        a: |g, t, i| {
            let row = if i < 32 || (64..96).contains(&i) {
                g
            } else {
                g + 8
            };
            (row, t * 32 + (i & 31) + if i < 64 { 0 } else { 128 })
        },
        b: |g, t, i| (t * 32 + (i & 31) + if i < 32 { 0 } else { 128 }, g),
        c: c16,
    },
];

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
