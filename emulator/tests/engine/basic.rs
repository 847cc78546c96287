//! Whole kernels, as a compiler writes them.

use super::*;

const BASIC: &str = include_str!("basic_80.ptx");

#[test]
fn vector_add() {
    let d = Device::new(BASIC);
    let n = 1000;
    let (a, b) = (
        (0..n).map(|i| i as f32).collect::<Vec<_>>(),
        vec![0.5f32; n],
    );
    let (pa, pb, pc) = (d.upload(&a), d.upload(&b), d.memory.alloc(4 * n).unwrap());
    d.launch(
        "vadd",
        [8, 1, 1],
        [128, 1, 1],
        &params(&[pa, pb, pc], n as u32),
    )
    .unwrap();
    let c: Vec<f32> = d.download(pc, n);
    assert!(c.iter().enumerate().all(|(i, c)| *c == i as f32 + 0.5));
}

#[test]
fn one_element_too_many_is_reported_with_its_place() {
    let d = Device::new(BASIC);
    let n = 1000;
    let a = d.upload(&vec![1f32; n]);
    let c = d.memory.alloc(4 * n).unwrap();
    let fault = d
        .launch(
            "vadd",
            [8, 1, 1],
            [128, 1, 1],
            &params(&[a, a, c], n as u32 + 1),
        )
        .unwrap_err();
    assert_eq!(fault.kind, cuda_emulator::check::FaultKind::IllegalAddress);
    for part in [
        "read of size 4",
        "vadd",
        "basic.cu:4",
        "thread (104,0,0) in block (7,0,0)",
        "out of bounds",
    ] {
        assert!(fault.report.contains(part), "{part}: {}", fault.report);
    }
}

#[test]
fn tiled_matrix_product() {
    let d = Device::new(BASIC);
    let (m, n, k) = (37, 50, 41);
    let a: Vec<f32> = (0..m * k).map(|i| ((i * 7) % 13) as f32 - 6.0).collect();
    let b: Vec<f32> = (0..k * n).map(|i| ((i * 5) % 11) as f32 - 5.0).collect();
    let (pa, pb, pc) = (
        d.upload(&a),
        d.upload(&b),
        d.memory.alloc(4 * m * n).unwrap(),
    );
    let mut p = params(&[pa, pb, pc], m as u32);
    p.extend((n as u32).to_le_bytes());
    p.extend((k as u32).to_le_bytes());
    let grid = [n.div_ceil(16) as u32, m.div_ceil(16) as u32, 1];
    d.launch("tiled", grid, [16, 16, 1], &p)
        .unwrap_or_else(|e| panic!("{e}"));
    let c: Vec<f32> = d.download(pc, m * n);
    for i in 0..m * n {
        let want: f32 = (0..k).map(|x| a[i / n * k + x] * b[x * n + i % n]).sum();
        assert_eq!(c[i], want, "element {i}");
    }
}

#[test]
fn softmax_rows() {
    let d = Device::new(BASIC);
    let (rows, cols) = (3, 333);
    let x: Vec<f32> = (0..rows * cols)
        .map(|i| ((i * 37) % 101) as f32 * 0.1 - 4.0)
        .collect();
    let (px, py) = (d.upload(&x), d.memory.alloc(4 * rows * cols).unwrap());
    d.launch(
        "softmax",
        [rows as u32, 1, 1],
        [96, 1, 1],
        &params(&[px, py], cols as u32),
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let y: Vec<f32> = d.download(py, rows * cols);
    for r in 0..rows {
        let row = &x[r * cols..][..cols];
        let sum: f64 = row.iter().map(|v| f64::from(*v).exp()).sum();
        for (i, v) in row.iter().enumerate() {
            let want = f64::from(*v).exp() / sum;
            assert!(
                (f64::from(y[r * cols + i]) - want).abs() <= 1e-5 * want,
                "{r} {i}"
            );
        }
    }
}
