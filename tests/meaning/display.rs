//! Tensors as text, as PyTorch 2 prints them (copied from a session of it), and what makes them.

use half::f16;
use warpsmith::{Device, Generator, Result, Tensor};

const CPU: &Device = &Device::Cpu;

#[test]
fn as_pytorch_prints() -> Result<()> {
    let matrix = Tensor::new([[1.0_f32, 2.5], [-3.0, 4.0]], CPU)?;
    assert_eq!(
        matrix.to_string(),
        "tensor([[ 1.0000,  2.5000],\n        [-3.0000,  4.0000]])"
    );
    let whole = Tensor::new([1.0_f32, 20.0], CPU)?;
    assert_eq!(whole.to_string(), "tensor([ 1., 20.])");
    assert_eq!(Tensor::new(3_i64, CPU)?.to_string(), "tensor(3)");
    assert_eq!(
        Tensor::new([1_i32, -20], CPU)?.to_string(),
        "tensor([  1, -20], dtype=torch.int32)"
    );
    assert_eq!(
        Tensor::new([true, false], CPU)?.to_string(),
        "tensor([ True, False])"
    );
    let special = Tensor::new([f32::NAN, f32::INFINITY, -1.5], CPU)?;
    assert_eq!(special.to_string(), "tensor([    nan,     inf, -1.5000])");
    let far = Tensor::new([1e-5_f32, 1.0], CPU)?;
    assert_eq!(far.to_string(), "tensor([1.0000e-05, 1.0000e+00])");
    let half = Tensor::new([f16::from_f32(0.5)], CPU)?;
    assert_eq!(half.to_string(), "tensor([0.5000], dtype=torch.float16)");
    let cube = Tensor::<f32>::ones(&[2, 1, 2], CPU)?;
    assert_eq!(
        cube.to_string(),
        "tensor([[[1., 1.]],\n\n        [[1., 1.]]])"
    );
    assert_eq!(Tensor::<f32>::zeros(&[0], CPU)?.to_string(), "tensor([])");
    assert_eq!(
        Tensor::<f32>::zeros(&[2, 0], CPU)?.to_string(),
        "tensor([], size=[2, 0])"
    );
    let line = Tensor::arange(0_i64, 30, 1, CPU)?;
    let text = "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])";
    assert_eq!(line.to_string(), text);
    let long = Tensor::arange(0_i64, 1001, 1, CPU)?;
    assert_eq!(
        long.to_string(),
        "tensor([   0,    1,    2,  ...,  998,  999, 1000])"
    );
    let square = Tensor::<f32>::zeros(&[40, 40], CPU)?.to_string();
    let row = "[0., 0., 0.,  ..., 0., 0., 0.]";
    let rows = format!(
        "tensor([{row},\n        {row},\n        {row},\n        ...,\n        {row},\n        {row},\n        {row}])"
    );
    assert_eq!(square, rows);
    Ok(())
}

#[test]
fn sequences_and_constants() -> Result<()> {
    assert_eq!(Tensor::arange(1.0_f32, 2.0, 0.3, CPU)?.numel(), 4);
    assert_eq!(Tensor::arange(5_i32, 0, -2, CPU)?.to_vec()?, [5, 3, 1]);
    assert_eq!(
        Tensor::linspace(0.0_f32, 1.0, 5, CPU)?.to_vec()?,
        [0.0, 0.25, 0.5, 0.75, 1.0]
    );
    assert_eq!(Tensor::linspace(3.0_f32, 9.0, 1, CPU)?.to_vec()?, [3.0]);
    assert_eq!(Tensor::<i64>::eye(2, CPU)?.to_vec()?, [1, 0, 0, 1]);
    assert_eq!(Tensor::<f32>::eye(0, CPU)?.shape(), [0, 0]);
    let drawn =
        Tensor::<i32>::randint(-2, 3, &[1000], &mut Generator::manual_seed(1), CPU)?.to_vec()?;
    let like = Tensor::<i32>::zeros(&[2, 500], CPU)?.randint_like(
        -2,
        3,
        &mut Generator::manual_seed(1),
    )?;
    assert_eq!(
        (like.shape(), like.to_vec()?),
        (&[2, 500][..], drawn.clone())
    );
    assert!((-2..3).all(|v| drawn.contains(&v)) && drawn.iter().all(|v| (-2..3).contains(v)));
    assert_eq!(Tensor::new([[[1_u8; 3]; 2]; 4], CPU)?.shape(), [4, 2, 3]);
    assert_eq!(
        drawn.len(),
        Tensor::<f32>::ones(&[1000], CPU)?.zeros_like()?.numel()
    );
    for error in [
        Tensor::arange(0.0_f32, 1.0, 0.0, CPU),
        Tensor::arange(0.0_f32, 1.0, -1.0, CPU),
    ] {
        assert!(error.unwrap_err().to_string().contains("step"));
    }
    for error in [
        Tensor::arange(0_i64, 1 << 59, 1, CPU),
        Tensor::<i64>::eye(1 << 29, CPU),
        Tensor::linspace(0_i64, 1, 1 << 59, CPU),
    ] {
        assert!(error.unwrap_err().to_string().contains("memory"));
    }
    assert!(Tensor::<i32>::randint(3, 3, &[1], &mut Generator::manual_seed(1), CPU).is_err());
    Ok(())
}

/// Of a large tensor the edges alone are read, wherever they lie.
#[test]
fn edges_of_large_tensors() -> Result<()> {
    let cube = Tensor::arange(0_i32, 120_000, 1, CPU)?.reshape(&[3, 200, 200])?;
    let text = cube.to_string();
    let corners: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(",  ...,"))
        .collect();
    assert_eq!(corners.len(), 18, "{text}");
    assert!(
        corners[0].starts_with("tensor([[[     0,      1,      2,  ...,    197,    198,    199],")
    );
    assert!(
        corners[17].ends_with(
            "[119800, 119801, 119802,  ..., 119997, 119998, 119999]]], dtype=torch.int32)"
        )
    );
    let truth = cube.gt(119_998)?.to_string();
    assert!(
        truth.ends_with("[False, False, False,  ..., False, False,  True]]])"),
        "{truth}"
    );
    Ok(())
}
