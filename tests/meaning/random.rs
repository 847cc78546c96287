//! Ranges of random numbers: [low, high), whatever rounding does.

use half::{bf16, f16};
use warpsmith::{Device, Float, Generator, Tensor};

const CPU: Device = Device::Cpu;

fn numbers<T: Float>(n: usize, low: f32, high: f32) -> Vec<f32> {
    let mut generator = Generator::manual_seed(3);
    let x = Tensor::<T>::uniform(&[n], low, high, &mut generator, &CPU).unwrap();
    x.to_vec().unwrap().iter().map(|x| x.to_f32()).collect()
}

#[test]
fn the_upper_end_is_never_reached() {
    fn check<T: Float>() {
        for (low, high) in [
            (0.0, 1.0),
            (-1.0, 1.0),
            (-1.0, -0.5),
            (0.1, 0.3),
            (1000.0, 1024.0),
            (-65504.0, 65504.0),
            // ends that f16 and bf16 do not have, and little between
            (1.0, 1.01),
            (0.999, 1.0001),
            (-1.0001, -0.999),
            (0.0, 1e-6),
        ] {
            let x = numbers::<T>(300_000, low, high);
            let name = T::NAME;
            assert!(
                x.iter().all(|x| (low..high).contains(x)),
                "{name} [{low}, {high})"
            );
        }
        let mut generator = Generator::manual_seed(1);
        let x = Tensor::<T>::rand(&[1_000_000], &mut generator, &CPU).unwrap();
        assert!(x.to_vec().unwrap().iter().all(|x| x.to_f32() < 1.0));
    }
    check::<f32>();
    check::<f16>();
    check::<bf16>();
    let high = 1024.001;
    let x = numbers::<f32>(100_000, 1024.0, high);
    assert!(x.iter().all(|x| (1024.0..high).contains(x)));
    let mut generator = Generator::manual_seed(1);
    assert!((0..100_000).all(|_| generator.uniform(1024.0, high) < high));
    assert!(generator.uniform(f32::MIN, f32::MAX).is_finite());
}

/// Every number in the range has the share that rounds to it: the first one half a step, the others a whole one.
#[test]
fn no_number_is_drawn_more_often_than_others() {
    let n = 400_000;
    for (low, high) in [(1024.0, 1024.001), (-1024.001, -1024.0)] {
        let mut counts = std::collections::BTreeMap::new();
        for x in numbers::<f32>(n, low, high) {
            *counts.entry(x.to_bits()).or_insert(0) += 1;
        }
        let mut counts: Vec<f64> = counts.into_values().map(f64::from).collect();
        // by bits the numbers below 0 come from the upper end
        if low < 0.0 {
            counts.reverse();
        }
        let each = n as f64 / (counts.len() as f64 - 0.5);
        for (i, count) in counts.iter().enumerate() {
            let want = if i == 0 { each / 2.0 } else { each };
            assert!((count - want).abs() < 6.0 * want.sqrt(), "{i}: {count}");
        }
    }
    let x = numbers::<bf16>(n, 0.0, 1.0);
    let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / n as f64;
    // 6 / sqrt(12 n) of chance, and what the missing half step at 1 takes
    assert!((mean - 0.5).abs() < 0.0028 + 0.001, "{mean}");
    // numbers that round to the one number of the range come from either side of it
    assert!(
        numbers::<f16>(1000, 0.9999, 1.0001)
            .iter()
            .all(|x| *x == 1.0)
    );
}

#[test]
fn an_empty_range_is_its_end() {
    assert_eq!(numbers::<f32>(3, 0.3, 0.3), [0.3; 3]);
    assert_eq!(
        numbers::<f16>(2, 0.1, 0.1),
        [f16::from_f32(0.1).to_f32(); 2]
    );
}
