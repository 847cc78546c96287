//! What compares has tests of its own: it must fail what is wrong.

#[path = "../common/mod.rs"]
mod common;

mod tensors;

use common::compare::{Tolerance, compare};

const TIGHT: Tolerance = Tolerance {
    abs: 0.01,
    rel: 0.1,
};

#[test]
fn passes_what_is_within_tolerance() {
    assert_eq!(
        compare(&[1.0, 10.9, 0.0], &[1.0, 10.0, 0.005], TIGHT),
        Ok(())
    );
    assert_eq!(compare(&[], &[], TIGHT), Ok(()));
    assert_eq!(
        compare(
            &[f64::NAN, f64::INFINITY],
            &[f64::NAN, f64::INFINITY],
            TIGHT
        ),
        Ok(())
    );
    assert_eq!(compare(&[0.0], &[-0.0], Tolerance::EXACT), Ok(()));
}

#[test]
fn fails_what_is_not() {
    for (got, want) in [
        (vec![1.0], vec![1.2]),
        (vec![f64::NAN], vec![1.0]),
        (vec![1.0], vec![f64::NAN]),
        (vec![f64::INFINITY], vec![1e308]),
        (vec![1e308], vec![f64::INFINITY]),
        (vec![f64::INFINITY], vec![f64::NEG_INFINITY]),
        (vec![f64::INFINITY], vec![f64::NAN]),
        (vec![1.0], vec![]),
        (vec![1.0], vec![1.0, 1.0]),
    ] {
        assert!(
            compare(&got, &want, TIGHT).is_err(),
            "{got:?} passed for {want:?}"
        );
    }
    assert!(compare(&[1.0 + f64::EPSILON], &[1.0], Tolerance::EXACT).is_err());
}

#[test]
fn names_the_worst_place() {
    let message = compare(&[1.0, 2.0, 9.0, 4.2], &[1.0, 2.0, 3.0, 4.0], TIGHT).unwrap_err();
    assert!(
        message.starts_with("at 2: got 9e0, want 3e0: 1935 %"),
        "{message}"
    );
}

#[test]
fn what_is_not_finite_is_the_worst() {
    for odd in [f64::NAN, f64::INFINITY] {
        let message = compare(&[9.0, odd, 1e300], &[3.0; 3], TIGHT).unwrap_err();
        assert!(message.starts_with("at 1: "), "{message}");
        assert!(message.contains("inf % of the tolerance"), "{message}");
    }
    let message = compare(&[1.0, 2.0], &[1.0, 2.5], Tolerance::EXACT).unwrap_err();
    assert!(message.starts_with("at 1: got 2e0"), "{message}");
}

#[test]
fn tolerances_grow_with_the_sum_and_shrink_with_the_type() {
    let f32_1 = Tolerance::of::<f32>(1, 1.0);
    assert!(Tolerance::of::<f32>(1024, 1.0).rel > 30.0 * f32_1.rel);
    assert!(Tolerance::of::<half::f16>(1, 1.0).rel > 1000.0 * f32_1.rel);
    assert!(Tolerance::of::<half::bf16>(1, 1.0).rel > Tolerance::of::<half::f16>(1, 1.0).rel);
}
