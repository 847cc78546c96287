use warpsmith::{Device, Tensor};

fn check(batch: &[usize], rows: usize, cols: usize) {
    let n = batch.iter().product::<usize>() * rows * cols;
    let x: Vec<i32> = (0..n as i32).collect();
    let shape = [batch, &[rows, cols]].concat();
    let y = Tensor::from_vec(x.clone(), &shape, &Device::Cpu).unwrap();
    let y = y.transpose(-1, -2).unwrap();
    assert_eq!(y.shape(), [batch, &[cols, rows]].concat());
    let y = y.to_vec().unwrap();
    for b in 0..n / (rows * cols) {
        for r in 0..rows {
            for c in 0..cols {
                let (from, to) = ((b * rows + r) * cols + c, b * rows * cols + c * rows + r);
                assert_eq!(y[to], x[from], "{shape:?} at {b} {r} {c}");
            }
        }
    }
}

#[test]
fn rows_become_columns() {
    check(&[], 1, 1);
    check(&[], 3, 5);
    check(&[], 64, 64);
    check(&[], 65, 130);
    check(&[], 500, 333);
    check(&[], 1, 100_000);
    check(&[], 100_000, 1);
    check(&[2, 3], 7, 2);
    check(&[200], 30, 40);
    check(&[2], 300, 200);
}

#[test]
fn axes_are_pytorchs() {
    let x = Tensor::<f32>::zeros(&[2, 3, 4], &Device::Cpu).unwrap();
    for (dim0, dim1) in [(1, 2), (2, 1), (-2, -1), (1, -1)] {
        assert_eq!(x.transpose(dim0, dim1).unwrap().shape(), [2, 4, 3]);
    }
    assert_eq!(x.transpose(2, -1).unwrap().shape(), [2, 3, 4]);
    let row = Tensor::<f32>::zeros(&[3], &Device::Cpu).unwrap();
    assert_eq!(row.t().unwrap().shape(), [3]);
    let none = Tensor::<f32>::zeros(&[0, 3], &Device::Cpu).unwrap();
    assert_eq!(none.t().unwrap().shape(), [3, 0]);
}
