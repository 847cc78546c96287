//! Numbers that a script of another program's makes likewise (`benches/peers/ort_alexnet.py`), and what that program made of them.

/// The seed of inputs; those of parameters are 0 and on.
pub const INPUT_SEED: u32 = 100;

/// Numbers of [-1, 1] times `scale`: a hash of the place, as the script has it.
pub fn numbers(count: usize, seed: u32, scale: f64) -> Vec<f32> {
    let scale = scale as f32;
    let number = |i: u32| {
        let mut at = i.wrapping_add(seed * 1_000_003).wrapping_mul(2_654_435_761);
        at ^= at >> 15;
        at = at.wrapping_mul(0x85EB_CA6B);
        at ^= at >> 13;
        ((at % 2001) as i32 - 1000) as f32 * scale
    };
    (0..count as u32).map(number).collect()
}

/// The scale of weights with which values keep their size from layer to layer: uniform of deviation √(2 / terms).
pub fn scale_of_weights(shape: &[usize]) -> f64 {
    (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt() / 1000.0
}

/// Panics unless the logits are those of a file (f32, little-endian), within a ten-thousandth of the largest.
#[track_caller]
pub fn assert_logits(ours: &[f32], theirs: &[u8]) {
    let (theirs, _) = theirs.as_chunks::<4>();
    let theirs: Vec<f32> = theirs.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    for (class, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let difference = (ours - theirs).abs() / largest;
        assert!(difference <= 1e-4, "class {class}: {ours} for {theirs}");
    }
}
