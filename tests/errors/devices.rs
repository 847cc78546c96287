//! More than one GPU, which the emulator plays: this program runs itself again.

use std::process::Command;

use warpsmith::{Device, Error, Generator, Result, Tensor};

/// What the other runs again, with two devices.
#[test]
fn child() -> Result<()> {
    if std::env::var_os("CUDA_EMULATOR_DEVICES").is_none() {
        return Ok(());
    }
    cuda_emulator_testing::install();
    let (first, second) = (Device::cuda(0)?, Device::cuda(1)?);
    assert_ne!(first, second);
    assert!(second.to_string().starts_with("cuda:1 ("), "{second}");
    assert_eq!("cuda:1".parse::<Device>()?, second);
    let text = Device::cuda(2).unwrap_err().to_string();
    assert!(text.contains("below 2"), "{text}");

    // the same on both, with weights that went from one to the other
    let mut generator = Generator::manual_seed(1);
    let x = Tensor::<f32>::randn(&[64, 100], &mut generator, &first)?;
    let w = Tensor::<f32>::randn(&[100, 30], &mut generator, &first)?;
    let here = x.matmul(&w)?.softmax()?.to_vec()?;
    let (x1, w1) = (x.to(&second)?, w.to(&second)?);
    assert_eq!(x1.device(), &second);
    assert_eq!(x1.to_vec()?, x.to_vec()?);
    assert_eq!(x1.matmul(&w1)?.softmax()?.to_vec()?, here);
    let mut back = Tensor::<f32>::zeros(&[100, 30], &first)?;
    back.copy_(&w1)?;
    assert_eq!(back.to_vec()?, w.to_vec()?);

    // one op's tensors are on one device, and both go on
    let mixed = x.matmul(&w1).map(drop).unwrap_err();
    assert!(matches!(mixed, Error::Device { .. }), "{mixed:?}");
    let text = mixed.to_string();
    assert!(text.contains("cuda:0") && text.contains("cuda:1"), "{text}");
    assert_eq!(x.matmul(&w)?.softmax()?.to_vec()?, here);
    assert_eq!(x1.matmul(&w1)?.softmax()?.to_vec()?, here);
    println!("two devices are right");
    Ok(())
}

#[test]
#[cfg_attr(
    not(warpsmith_kernels),
    ignore = "this build holds no kernels: NVRTC was not found"
)]
fn tensors_go_from_one_to_the_other() {
    for streams in ["eager", "deferred"] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "devices::child", "--nocapture"])
            .env("WARPSMITH_DEVICE", "emulator")
            .env("CUDA_EMULATOR_DEVICES", "2")
            .env("CUDA_EMULATOR_STREAMS", streams)
            .output()
            .unwrap();
        let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        let text = text.concat();
        let right = text.contains("two devices are right");
        assert!(output.status.success() && right, "{streams}: {text}");
    }
}
