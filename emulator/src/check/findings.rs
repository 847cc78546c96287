//! What was found, by kernel, line and kind, for those who want it when the process ends.

use super::Fault;
use std::sync::{Mutex, PoisonError};

/// One place where something is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    pub kernel: String,
    /// The first time.
    pub fault: Fault,
    pub times: u64,
    told: bool,
}

static FOUND: Mutex<Vec<Finding>> = Mutex::new(Vec::new());

/// Counts a fault; it is a finding of its own unless the kernel, the line and the kind are those of another.
#[cold]
pub fn record(kernel: &str, fault: &Fault) {
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |f: &&mut Finding| {
        (f.kernel.as_str(), f.fault.line, f.fault.what.as_str())
            == (kernel, fault.line, fault.what.as_str())
    };
    if let Some(known) = found.iter_mut().find(same) {
        known.times += 1;
        return;
    }
    found.push(Finding {
        kernel: kernel.to_owned(),
        fault: fault.clone(),
        times: 1,
        told: false,
    });
}

/// All so far.
pub fn findings() -> Vec<Finding> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Those that were not asked for before.
pub fn fresh() -> Vec<Finding> {
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = vec![];
    for finding in found.iter_mut().filter(|f| !f.told) {
        finding.told = true;
        out.push(finding.clone());
    }
    out
}
