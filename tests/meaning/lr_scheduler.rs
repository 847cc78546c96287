//! Learning rates over time, against the figures in PyTorch's own documentation and its formulas in closed form.

use warpsmith::nn::optim::{
    CosineAnnealingLr, LinearLr, LrSchedule, LrScheduler, Optimizer, SequentialLr, Sgd, StepLr,
};
use warpsmith::{Device, Tensor};

/// The rates of the first epochs.
fn rates(schedule: impl LrSchedule + 'static, lr: f64, epochs: usize) -> Vec<f64> {
    let mut sgd = Sgd::new(lr);
    let mut scheduler = LrScheduler::new(schedule, &mut sgd);
    let rate = |_| {
        let lr = sgd.lr();
        assert_eq!(lr, scheduler.last_lr());
        scheduler.step(&mut sgd);
        lr
    };
    (0..epochs).map(rate).collect()
}

#[track_caller]
fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!(
            (got - want).abs() <= 1e-12 * want.abs().max(1e-3),
            "{got} for {want}"
        );
    }
}

/// `StepLR(optimizer, step_size=30, gamma=0.1)` from 0.05, as PyTorch's page has it.
#[test]
fn step_lr() {
    let got = rates(StepLr::new(30, 0.1).unwrap(), 0.05, 90);
    let want: Vec<f64> = [0.05, 0.005, 0.0005]
        .iter()
        .flat_map(|lr| [*lr; 30])
        .collect();
    close(&got, &want);
}

/// `LinearLR(optimizer, start_factor=0.5, total_iters=4)` from 0.05, as PyTorch's page has it.
#[test]
fn linear_lr() {
    let got = rates(LinearLr::new(0.5, 1.0, 4).unwrap(), 0.05, 7);
    close(&got, &[0.025, 0.03125, 0.0375, 0.04375, 0.05, 0.05, 0.05]);
}

/// `T_max=4`, `eta_min=0.1` from 1.1: down in four epochs, up in four, down again.
#[test]
fn cosine_annealing_lr() {
    let got = rates(CosineAnnealingLr::new(4, 0.1).unwrap(), 1.1, 13);
    let r = std::f64::consts::FRAC_1_SQRT_2 / 2.0;
    let down = [1.1, 0.6 + r, 0.6, 0.6 - r];
    let up = [0.1, 0.6 - r, 0.6, 0.6 + r];
    close(&got, &[&down[..], &up, &down, &[0.1]].concat());
}

/// Each schedule counts from its milestone.
#[test]
fn sequential_lr() {
    let warm_up = LinearLr::new(0.25, 1.0, 3).unwrap();
    let rest = StepLr::new(2, 0.5).unwrap();
    let schedule = SequentialLr::new(vec![Box::new(warm_up), Box::new(rest)], vec![3]).unwrap();
    let got = rates(schedule, 0.8, 8);
    close(&got, &[0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.4, 0.2]);
}

#[test]
fn a_schedule_goes_on_where_it_was() {
    let schedule = || CosineAnnealingLr::new(10, 0.0).unwrap();
    let want = rates(schedule(), 0.3, 9);
    let mut sgd = Sgd::new(0.3);
    let mut scheduler = LrScheduler::new(schedule(), &mut sgd);
    scheduler.set_last_epoch(7, &mut sgd);
    assert_eq!(sgd.lr(), want[7]);
    scheduler.step(&mut sgd);
    assert_eq!((sgd.lr(), scheduler.last_epoch()), (want[8], 8));
}

/// Plain tensors, and the rate of each step.
#[test]
fn a_step_takes_the_rate_of_now() {
    let mut p = Tensor::full(&[2], 10.0_f32, &Device::Cpu).unwrap();
    let grad = Tensor::full(&[2], 1.0_f32, &Device::Cpu).unwrap();
    let mut sgd = Sgd::new(1.0);
    for (lr, want) in [(1.0, 9.0), (0.5, 8.5), (4.0, 4.5)] {
        sgd.set_lr(lr);
        sgd.step_tensors(&mut [(&mut p, &grad)]).unwrap();
        assert_eq!(p.to_vec().unwrap(), [want; 2]);
    }
}
