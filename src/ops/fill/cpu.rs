//! Filling on the CPU.

use crate::cpu;
use crate::element::Element;

pub(crate) fn fill<T: Element>(y: &mut [T], value: T) {
    cpu::tasks(y, |_, y| y.fill(value));
}
