//! What is checked while a kernel runs, and how a finding is reported.

mod fault;
mod findings;
mod notes;
pub mod shared;
pub mod undefined;

pub use fault::{Fault, FaultKind};
pub use findings::{Finding, findings, fresh, record};
pub use notes::{note, take_notes};

/// The numbers of the bits that are set.
pub fn bits(mask: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |b| mask >> b & 1 != 0)
}

/// The switches of `CUDA_EMULATOR_CHECKS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Out-of-bounds, misaligned and use-after-free accesses to every memory.
    pub bounds: bool,
    /// Two threads, one shared-memory location, no barrier between.
    pub shared_races: bool,
    /// Reads of shared or global memory that nothing has written.
    pub uninitialised: bool,
    /// Barriers that only a part of the block or of a warp reaches.
    pub barriers: bool,
    /// Threads that wait for each other, at barriers or spinning.
    pub deadlock: bool,
    /// Destinations of asynchronous copies touched before their wait, sources overwritten before theirs.
    pub async_copies: bool,
    /// `mbarrier` objects that are none, and byte counts that do not come out.
    pub mbarriers: bool,
    /// What ordinary stores wrote read by the copy engine or the Tensor Cores with no proxy fence between.
    pub proxy_fences: bool,
    /// Registers and shared memory of a running `wgmma` touched before its wait.
    pub wgmma: bool,
    /// Shared memory of a block of the cluster that has ended.
    pub clusters: bool,
}

impl Checks {
    /// Everything on: the default.
    pub const ALL: Checks = Checks {
        bounds: true,
        shared_races: true,
        uninitialised: true,
        barriers: true,
        deadlock: true,
        async_copies: true,
        mbarriers: true,
        proxy_fences: true,
        wgmma: true,
        clusters: true,
    };

    /// Everything off.
    pub const NONE: Checks = Checks {
        bounds: false,
        shared_races: false,
        uninitialised: false,
        barriers: false,
        deadlock: false,
        async_copies: false,
        mbarriers: false,
        proxy_fences: false,
        wgmma: false,
        clusters: false,
    };

    /// Parses `all`, `none` or a comma list; `-name` switches one off, and a list that starts so starts from all.
    ///
    /// # Errors
    /// The word that is no check.
    pub fn parse(text: &str) -> Result<Checks, String> {
        let words = || text.split(',').map(str::trim).filter(|w| !w.is_empty());
        let mut checks = match words().next() {
            None => return Ok(Checks::ALL),
            Some(first) if first.starts_with('-') => Checks::ALL,
            Some(_) => Checks::NONE,
        };
        for word in words() {
            let (name, on) = match word.strip_prefix('-') {
                Some(name) => (name, false),
                None => (word, true),
            };
            match name {
                "all" if on => checks = Checks::ALL,
                "none" if on => checks = Checks::NONE,
                "bounds" => checks.bounds = on,
                "shared_races" => checks.shared_races = on,
                "uninitialised" => checks.uninitialised = on,
                "barriers" => checks.barriers = on,
                "deadlock" => checks.deadlock = on,
                "async_copies" => checks.async_copies = on,
                "mbarriers" => checks.mbarriers = on,
                "proxy_fences" => checks.proxy_fences = on,
                "wgmma" => checks.wgmma = on,
                "clusters" => checks.clusters = on,
                _ => return Err(word.to_owned()),
            }
        }
        Ok(checks)
    }
}

#[cfg(test)]
mod tests {
    use super::Checks;

    #[test]
    fn lists_start_from_what_they_imply() {
        assert_eq!(Checks::parse(""), Ok(Checks::ALL));
        assert_eq!(Checks::parse("none"), Ok(Checks::NONE));
        let only = Checks::parse("bounds, barriers").unwrap();
        assert_eq!(
            only,
            Checks {
                bounds: true,
                barriers: true,
                ..Checks::NONE
            }
        );
        let but = Checks::parse("-shared_races").unwrap();
        assert_eq!(
            but,
            Checks {
                shared_races: false,
                ..Checks::ALL
            }
        );
        assert_eq!(Checks::parse("all,bogus"), Err("bogus".to_owned()));
    }
}
