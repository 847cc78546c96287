//! smoke
use cudarc::driver::*;
#[test]
fn memory_round_trip() {
    cuda_emulator_testing::install();
    let ctx = CudaContext::new(0).unwrap();
    let stream = ctx.new_stream().unwrap();
    let a = stream.clone_htod(&[1f32, 2.0, 3.0]).unwrap();
    let b = stream.clone_dtod(&a).unwrap();
    assert_eq!(stream.clone_dtoh(&b).unwrap(), [1.0, 2.0, 3.0]);
    let z = stream.alloc_zeros::<u32>(7).unwrap();
    assert_eq!(stream.clone_dtoh(&z).unwrap(), [0; 7]);
    println!("{}", ctx.name().unwrap());
}
