//! The ISA's formulas, one case to a section: "Matrix Fragments for mma.m8n8k4 with .f64 floating point type" to "Matrix
//! Fragments for mma.m16n8k256". They are written as there, with `g` for groupID (%laneid >> 2), `t` for
//! threadID_in_group (%laneid % 4) and `i` for the element.

/// Row and column of element `i` in lane `4 g + t`.
pub type Formula = fn(g: usize, t: usize, i: usize) -> (usize, usize);

pub struct Case {
    pub name: &'static str,
    /// m, n, k
    pub shape: [usize; 3],
    pub bits: usize,
    pub a: Formula,
    pub b: Formula,
    pub c: Formula,
}

/// c0, c1 in row g, c2, c3 in row g + 8: "row = groupID for ci where i < 2, groupID + 8 for ci where i >= 2;
/// col = (threadID_in_group * 2) + (i & 0x1)".
pub fn c16(g: usize, t: usize, i: usize) -> (usize, usize) {
    (if i < 2 { g } else { g + 8 }, t * 2 + (i & 1))
}

/// "row = groupID; col = (threadID_in_group * 2) + i".
pub fn c8(g: usize, t: usize, i: usize) -> (usize, usize) {
    (g, t * 2 + i)
}

pub const CASES: &[Case] = &[
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
