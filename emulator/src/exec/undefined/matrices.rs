//! Matrices that are spread over the lanes of a warp.

use super::step::Step;
use crate::exec::state::{Mark, Spot, spaces};
use crate::exec::tensor::marks;

/// What `ldmatrix` and `wmma.load` look at, of so many bytes.
const ROW: u32 = 16;

impl Step<'_, '_> {
    fn marks_of(&self, rows: &[u32]) -> Vec<Mark> {
        rows.iter().map(|row| self.row(*row)).collect()
    }

    fn results_of(&mut self, rows: &[u32], marks: Vec<Mark>) {
        for (row, mark) in rows.iter().zip(marks) {
            self.result(*row, mark);
        }
    }

    pub(super) fn load_matrix(&mut self) -> bool {
        if !self.is_complete() {
            return true;
        }
        if !self.defined(self.inst.r[0], "the address of a load") {
            return false;
        }
        let marks = marks::load_matrices(self.inst, |j| {
            let places = marks::word_places(self.c, self.inst, j);
            places.map(|at| [at, at + 2].map(|at| self.look(Spot::Shared(at), 2, 0, ROW)))
        });
        self.results_of(&self.rows(true), marks);
        true
    }

    pub(super) fn store_matrix(&mut self) -> bool {
        if !self.is_complete() {
            return true;
        }
        if !self.defined(self.inst.r[0], "the address of a store") {
            return false;
        }
        // the first row is the address
        let marks = self.marks_of(&self.rows(false)[1..]);
        let mut puts = vec![];
        marks::store_matrices(self.c, self.inst, &marks, |lane, at, load| {
            puts.push((lane, at, load));
        });
        let all = |(lane, at, load)| self.put(Spot::Shared(at), 2, lane, load);
        puts.into_iter().all(all)
    }

    pub(super) fn load_fragment(&mut self) -> bool {
        if !self.is_complete() {
            return true;
        }
        let [address, stride, ..] = self.inst.r;
        if !(self.defined(address, "the address of a load")
            && self.defined(stride, "the address of a load"))
        {
            return false;
        }
        let (rows, space) = (self.rows(true), self.inst.m[spaces::SAID]);
        let mut dense = marks::Fragment::new(self.inst);
        for (at, bytes, place) in dense.places(self.c, self.inst) {
            let spot = self.spot(space, at, 0);
            if let Some(load) = spot.and_then(|spot| self.look(spot, bytes, 0, ROW)) {
                dense.fill(place, bytes, load);
            }
        }
        let marks = dense.to_rows(self.c, self.inst, &rows);
        self.results_of(&rows, marks);
        true
    }

    pub(super) fn store_fragment(&mut self) -> bool {
        if !self.is_complete() {
            return true;
        }
        let [address, stride, ..] = self.inst.r;
        if !(self.defined(address, "the address of a store")
            && self.defined(stride, "the address of a store"))
        {
            return false;
        }
        // behind the address and the stride
        let rows = self.rows(false).split_off(2);
        let marks = self.marks_of(&rows);
        let dense = marks::Fragment::of_rows(self.c, self.inst, &rows, &marks);
        for (at, bytes, place) in dense.places(self.c, self.inst) {
            let load = dense.get(place);
            match self.spot(self.inst.m[spaces::SAID], at, 0) {
                Some(Spot::Global(_)) if load.is_none() => {}
                Some(spot) if !self.put(spot, bytes, 0, load) => return false,
                _ => {}
            }
        }
        true
    }

    pub(super) fn multiply(&mut self) {
        let (d, factors) = (self.rows(true), self.rows(false));
        let marks = self.marks_of(&factors);
        if self.is_complete() {
            let of_d = marks::multiplied(self.inst, &marks, d.len());
            self.results_of(&d, of_d);
        }
    }
}
