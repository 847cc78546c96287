//! Choice on the CPU.

use crate::cpu::tasks;
use crate::element::Element;
use crate::ops::dispatch::Side;
use crate::ops::strides::Strides;

pub(crate) fn where_<T: Element>(
    condition: &[bool],
    a: &Side<&[T], T>,
    b: &Side<&[T], T>,
    y: &mut [T],
    strides: &Strides<3>,
) {
    let steps = strides.inner();
    tasks(y, |first, y| {
        let (end, mut done) = (first + y.len(), 0);
        strides.runs(first, end, |places, len| {
            let at = |k: usize, i: usize| (places[k] + i as isize * steps[k]) as usize;
            let of = |side: &Side<&[T], T>, k: usize, i: usize| match side {
                Side::Data(x) => x[at(k, i)],
                Side::Value(value) => *value,
            };
            for (i, y) in y[done..done + len].iter_mut().enumerate() {
                *y = if condition[at(0, i)] {
                    of(a, 1, i)
                } else {
                    of(b, 2, i)
                };
            }
            done += len;
        });
    });
}
