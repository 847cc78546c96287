//! Captures that fail, and the device afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};

use warpsmith::cudarc::driver::CudaContext;
use warpsmith::cudarc::driver::sys::{
    CUgraphInstantiate_flags, CUstreamCaptureMode as Mode, CUstreamCaptureStatus as Status,
};
use warpsmith::nn::optim::{Adam, Optimizer};
use warpsmith::nn::{Linear, Module};
use warpsmith::{CudaGraph, Device, Error, Generator, Result, Tensor};

fn x(device: &Device) -> Tensor<f32> {
    Tensor::full(&[100], -1.5, device).unwrap()
}

/// Ops run, results are read, and the next capture is a good one.
#[track_caller]
fn works(device: &Device) {
    let stream = device.as_cuda().unwrap().stream();
    let status = stream.capture_status().unwrap();
    assert_eq!(status, Status::CU_STREAM_CAPTURE_STATUS_NONE);
    let x = x(device);
    assert_eq!(x.mul(2.0).unwrap().to_vec().unwrap(), [-3.0; 100]);
    let (mut graph, y) = CudaGraph::capture(device, || x.mul(4.0)).unwrap();
    graph.replay().unwrap();
    assert_eq!(y.to_vec().unwrap(), [-6.0; 100]);
    device.synchronize().unwrap();
}

/// The step is refused with a text that holds the words, and the device goes on working.
#[track_caller]
fn refused<R>(device: &Device, words: &[&str], step: impl FnOnce() -> Result<R>) {
    let error = CudaGraph::capture(device, step).map(drop).unwrap_err();
    assert!(matches!(error, Error::Capture { .. }), "{error:?}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
    works(device);
}

pub fn the_host_waits_for_nothing(device: &Device) -> Result<()> {
    let (x, cpu) = (x(device), x(&Device::Cpu));
    let mut own = x.copy()?;
    refused(device, &["to_vec"], || x.mul(2.0)?.to_vec());
    refused(device, &["to_vec"], || x.sum()?.item());
    refused(device, &["to_vec"], || x.to(&Device::Cpu));
    refused(device, &["synchronize"], || device.synchronize());
    refused(device, &["synchronize"], || device.empty_cache());
    refused(device, &["copy_from_slice"], || cpu.to(device));
    refused(device, &["copy_from_slice"], || own.copy_(&cpu));
    // an error that the step itself passes over is the graph's only where the graph is spoilt by it, which none is
    let (mut graph, y) = CudaGraph::capture(device, || {
        assert!(x.sum()?.item().is_err());
        x.mul(3.0)
    })?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [-4.5; 100]);
    Ok(())
}

pub fn a_step_that_fails(device: &Device) -> Result<()> {
    let (x, other) = (x(device), Tensor::<f32>::zeros(&[3], device)?);
    let mut kept = Vec::new();
    let failed = CudaGraph::capture(device, || {
        kept.push(x.mul(2.0)?);
        kept.push(x.copy()?);
        x.add(&other)
    });
    let text = failed.map(drop).unwrap_err().to_string();
    assert!(text.contains("add") && text.contains("[3]"), "{text}");
    works(device);
    // what it made is memory that nothing has written, and can be written
    for tensor in &mut kept {
        tensor.fill_(1.0)?;
        assert_eq!(tensor.to_vec()?, [1.0; 100]);
    }
    drop(kept);
    works(device);
    Ok(())
}

pub fn a_step_that_panics(device: &Device) -> Result<()> {
    let x = x(device);
    let step = || -> Result<()> {
        x.mul(2.0)?;
        panic!("the step gives up")
    };
    let caught = catch_unwind(AssertUnwindSafe(|| CudaGraph::capture(device, step)));
    assert!(caught.is_err());
    works(device);
    Ok(())
}

pub fn a_capture_in_a_capture(device: &Device) -> Result<()> {
    let x = x(device);
    refused(device, &["captured already"], || {
        CudaGraph::capture(device, || x.mul(2.0))
    });
    let (mut graph, _) = CudaGraph::capture(device, || x.mul(2.0))?;
    refused(device, &["replay", "another graph"], || graph.replay());
    // but another stream's device has its own
    let stream = device.as_cuda().unwrap().stream();
    let other = Device::from_stream(stream.context().new_stream().unwrap())?;
    let there = Tensor::<f32>::full(&[100], 2.0, &other)?;
    let (mut outer, (mut inner, y, z)) = CudaGraph::capture(device, || {
        let (inner, y) = CudaGraph::capture(&other, || there.mul(2.0))?;
        Ok((inner, y, x.mul(2.0)?))
    })?;
    outer.replay()?;
    inner.replay()?;
    assert_eq!(
        (y.to_vec()?, z.to_vec()?),
        (vec![4.0; 100], vec![-3.0; 100])
    );
    Ok(())
}

/// It makes the state, and every replay would make it again.
pub fn an_optimizers_first_step(device: &Device) -> Result<()> {
    let mut layer = Linear::new(3, 2, &mut Generator::manual_seed(1), device)?;
    let mut adam = Adam::new(0.1);
    refused(device, &["Adam", "one step before"], || {
        adam.step(&mut layer)
    });
    assert_eq!(adam.steps().unwrap(), 0);
    adam.step(&mut layer)?;
    let (mut graph, ()) = CudaGraph::capture(device, || adam.step(&mut layer))?;
    assert_eq!(adam.steps().unwrap(), 1, "capturing is no step");
    graph.replay()?;
    assert_eq!(adam.steps().unwrap(), 2);
    Ok(())
}

pub fn a_clone_that_shares(device: &Device) -> Result<()> {
    let mut x = x(device);
    let snapshot = x.clone();
    refused(device, &["clone", "copy()"], || x.mul_(2.0));
    refused(device, &["clone", "copy()"], || x.fill_(2.0));
    let mut layer = Linear::new(3, 2, &mut Generator::manual_seed(1), device)?;
    let mut adam = Adam::new(0.1);
    adam.step(&mut layer)?;
    let state = warpsmith::nn::state_dict(&mut layer)?;
    refused(device, &["clone"], || adam.step(&mut layer));
    drop(state);
    CudaGraph::capture(device, || adam.step(&mut layer))?;
    assert_eq!(
        (x.to_vec()?, snapshot.to_vec()?),
        (vec![-1.5; 100], vec![-1.5; 100])
    );
    let _ = layer.forward(&Tensor::zeros(&[1, 3], device)?)?;
    Ok(())
}

/// Nobody gets into a graph by chance.
pub fn another_thread(device: &Device) -> Result<()> {
    let x = x(device);
    let (mut graph, y) = CudaGraph::capture(device, || {
        let elsewhere = || {
            let said = |error: Error| error.to_string().contains("another thread");
            assert!(x.mul(7.0).is_err_and(said));
            assert!(x.to_vec().is_err_and(said));
            assert!(Tensor::<f32>::zeros(&[3], device).is_err_and(said));
            assert!(device.synchronize().is_err_and(said));
            drop(x.clone());
        };
        std::thread::scope(|scope| scope.spawn(elsewhere).join().unwrap());
        x.mul(2.0)
    })?;
    graph.replay()?;
    assert_eq!(y.to_vec()?, [-3.0; 100]);
    Ok(())
}

/// A graph cannot wait for the events that cudarc records by default.
pub fn a_stream_with_events(_: &Device) -> Result<()> {
    let context = CudaContext::new(0).unwrap();
    // SAFETY: nothing is allocated in between. With events a first stream waits for the whole context, which no stream
    // of another test may be capturing then.
    let stream = unsafe {
        context.disable_event_tracking();
        let stream = context.new_stream().unwrap();
        context.enable_event_tracking();
        stream
    };
    let device = Device::from_stream(stream)?;
    let x = x(&device);
    let text = CudaGraph::capture(&device, || x.mul(2.0));
    let text = text.map(drop).unwrap_err().to_string();
    assert!(text.contains("disable_event_tracking"), "{text}");
    assert_eq!(x.mul(2.0)?.to_vec()?, [-3.0; 100]);
    Ok(())
}

/// A program may capture a stream with cudarc: the host does not get into that graph either.
pub fn the_programs_own_capture(device: &Device) -> Result<()> {
    let x = x(device);
    let mut y = Tensor::<f32>::zeros(&[100], device)?;
    device.synchronize()?;
    let stream = device.as_cuda().unwrap().stream();
    let mode = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    stream.begin_capture(mode).unwrap();
    x.mul_out(2.0, &mut y)?;
    assert!(matches!(y.to_vec(), Err(Error::Capture { .. })));
    assert!(matches!(
        y.copy_from_slice(&[0.0; 100]),
        Err(Error::Capture { .. })
    ));
    let graph = stream.end_capture(CUgraphInstantiate_flags(0)).unwrap();
    graph.unwrap().launch().unwrap();
    assert_eq!(y.to_vec()?, [-3.0; 100]);
    Ok(())
}

/// A replay tells of an index out of range as a launch does, and goes on being a graph.
pub fn an_index_out_of_range(device: &Device) -> Result<()> {
    let x = Tensor::from_slice(&[1.0_f32, 2.0, 3.0], &[3], device)?;
    let mut index = Tensor::from_slice(&[0_i64, 2], &[2], device)?;
    let (mut graph, y) = CudaGraph::capture(device, || x.index_select(0, &index))?;
    for wrong in [3, -1] {
        graph.replay()?;
        assert_eq!(y.to_vec()?, [1.0, 3.0]);
        index.copy_from_slice(&[1, wrong])?;
        graph.replay()?;
        graph.replay()?;
        let told = y.to_vec().unwrap_err().to_string();
        assert!(
            told.contains("index_select") && told.contains(&wrong.to_string()),
            "{told}"
        );
        assert_eq!(y.to_vec()?, [2.0, 0.0]);
        index.copy_from_slice(&[0, 2])?;
    }
    works(device);
    Ok(())
}
