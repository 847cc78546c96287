use half::bf16;
use warpsmith::ops::{DropoutOptions, dropout_backward};
use warpsmith::{Device, Tensor};

const CPU: Device = Device::Cpu;
const N: usize = 200_003;

fn options(p: f64, seed: u64, call: u64) -> DropoutOptions {
    DropoutOptions { p, seed, call }
}

fn mask(options: &DropoutOptions) -> Vec<f32> {
    let ones = Tensor::from_vec(vec![1.0_f32; N], &[N], &CPU).unwrap();
    ones.dropout(options).unwrap().to_vec().unwrap()
}

#[test]
fn as_many_are_dropped_as_the_probability_says() {
    for p in [0.5, 0.1, 0.9, 0.03] {
        let mask = mask(&options(p, 11, 0));
        let kept = (1.0 / (1.0 - p)) as f32;
        assert!(mask.iter().all(|&m| m == 0.0 || m == kept), "p {p}");
        let n = N as f64;
        let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64;
        // five standard deviations of a binomial count
        let allowed = 5.0 * (n * p * (1.0 - p)).sqrt();
        assert!((dropped - n * p).abs() < allowed, "{dropped} of {n} at {p}");
        // neighbours, also those that share a counter, are dropped together as often as chance has it
        for distance in 1..=8 {
            let pairs = mask.iter().zip(&mask[distance..]);
            let both = pairs.filter(|&(&a, &b)| a == 0.0 && b == 0.0).count() as f64;
            let chance = p * p;
            let allowed = 8.0 * (n * chance * (1.0 - chance)).sqrt();
            assert!(
                (both - n * chance).abs() < allowed,
                "{both} pairs {distance} apart at {p}"
            );
        }
    }
}

#[test]
fn the_ends_of_the_probability() {
    assert!(mask(&options(0.0, 3, 0)).iter().all(|&m| m == 1.0));
    assert!(mask(&options(1.0, 3, 0)).iter().all(|&m| m == 0.0));
}

#[test]
fn masks_repeat_with_seed_and_call_alone() {
    let first = mask(&options(0.5, 1, 0));
    assert_eq!(first, mask(&options(0.5, 1, 0)));
    for other in [
        options(0.5, 2, 0),
        options(0.5, 1, 1),
        options(0.5, 1 << 40, 0),
    ] {
        let same = first.iter().zip(mask(&other)).filter(|(a, b)| **a == *b);
        let share = same.count() as f64 / N as f64;
        assert!((share - 0.5).abs() < 0.01, "{share} of the masks agree");
    }
}

#[test]
fn a_mask_is_one_for_every_element_type_and_backward() {
    let options = options(0.3, 5, 9);
    let expected: Vec<bool> = mask(&options).iter().map(|&m| m == 0.0).collect();
    let ones = Tensor::from_vec(vec![bf16::ONE; N], &[N], &CPU).unwrap();
    let halves = ones.dropout(&options).unwrap().to_vec().unwrap();
    assert!(
        halves
            .iter()
            .map(|&m| m == bf16::ZERO)
            .eq(expected.iter().copied())
    );
    let dy = Tensor::from_vec(vec![2.0_f32; N], &[N], &CPU).unwrap();
    let dx = dropout_backward(&dy, &options).unwrap().to_vec().unwrap();
    assert!(dx.iter().map(|&m| m == 0.0).eq(expected.iter().copied()));
    let kept = 2.0 / 0.7_f32;
    assert!(dx.iter().all(|&m| m == 0.0 || (m - kept).abs() < 1e-6));
}
