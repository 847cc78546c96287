//! Where undefined values come from, for the reports of what was done with them: the loads that read what nobody had
//! written, and the stores that left what came of it in device memory. Both have numbers, small enough for marks.

use super::Fault;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The mark of the first store; below it is what marks say otherwise (`memory::mark`).
const FIRST: u8 = crate::memory::mark::UNDEFINED;

/// A load of what nobody had written, as it would be reported; of the last launch in which there was one.
struct Load {
    kernel: String,
    launch: u64,
    fault: Fault,
}

/// A store of what came of it.
struct Store {
    kernel: String,
    launch: u64,
    line: u32,
    load: u16,
    /// Where, what, by whom.
    told: Vec<String>,
}

static LOADS: Mutex<Vec<Load>> = Mutex::new(Vec::new());
static STORES: Mutex<Vec<Store>> = Mutex::new(Vec::new());

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a place into its list, in place of what an earlier launch did there; its number. The last number is that of all
/// for which there is no other.
fn enter<T>(
    list: &mut Vec<T>,
    most: usize,
    same: impl Fn(&T) -> bool,
    known: impl Fn(&T) -> bool,
    make: impl FnOnce() -> T,
) -> usize {
    match list.iter().position(same) {
        Some(at) if known(&list[at]) => at,
        Some(at) => {
            list[at] = make();
            at
        }
        None if list.len() < most => {
            list.push(make());
            list.len() - 1
        }
        None => {
            list[most - 1] = make();
            most - 1
        }
    }
}

/// The number of a load in a launch of a kernel.
#[cold]
pub fn load(kernel: &str, launch: u64, line: u32, report: impl FnOnce() -> Fault) -> u16 {
    let make = || Load {
        kernel: kernel.to_owned(),
        launch,
        fault: report(),
    };
    let same = |l: &Load| l.fault.line == line && l.kernel == kernel;
    let most = usize::from(u16::MAX);
    enter(&mut lock(&LOADS), most, same, |l| l.launch == launch, make) as u16
}

/// The mark of a store of what comes from a load.
#[cold]
pub fn store(
    kernel: &str,
    launch: u64,
    (line, load): (u32, u16),
    tell: impl FnOnce() -> Vec<String>,
) -> u8 {
    let make = || Store {
        kernel: kernel.to_owned(),
        launch,
        line,
        load,
        told: tell(),
    };
    let same = |s: &Store| s.line == line && s.load == load && s.kernel == kernel;
    let most = usize::from(u8::MAX - FIRST) + 1;
    let at = enter(&mut lock(&STORES), most, same, |s| s.launch == launch, make);
    FIRST + at as u8
}

/// The load that a mark of device memory goes back to.
pub fn load_of(mark: u8) -> Option<u16> {
    let at = usize::from(mark.checked_sub(FIRST)?);
    lock(&STORES).get(at).map(|store| store.load)
}

/// The report of a load whose value was used, and the kernel that has loaded: what it would be at the load, and how it was
/// used.
pub fn used(load: u16, how: &[String]) -> Option<(String, Fault)> {
    let loads = lock(&LOADS);
    let load = loads.get(usize::from(load))?;
    let mut fault = load.fault.clone();
    for line in how {
        fault.report.push_str(&format!("=========     {line}\n"));
    }
    Some((load.kernel.clone(), fault))
}

/// The same of what the host reads where a store has left a mark.
pub fn read_by_host(mark: u8, address: u64, bytes: usize) -> Option<(String, Fault)> {
    let (load, mut how) = {
        let stores = lock(&STORES);
        let store = stores.get(usize::from(mark.checked_sub(FIRST)?))?;
        (store.load, store.told.clone())
    };
    how.push(format!(
        "where the host reads it: {bytes} bytes from 0x{address:x} on"
    ));
    used(load, &how)
}
