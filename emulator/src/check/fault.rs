//! What a failed launch answers.

use std::fmt;

/// The driver's error codes that a kernel can cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// 0: no call of the driver's was wrong; a library above it has found something.
    Elsewhere,
    /// 1: the launch's own arguments are wrong.
    InvalidValue,
    /// 700: an access outside every live allocation, or to one that was freed.
    IllegalAddress,
    /// 702: the kernel makes no progress.
    LaunchTimeout,
    /// 710: a device-side assert.
    Assert,
    /// 716: an address that is no multiple of the access's size.
    MisalignedAddress,
    /// 718: a jump to no function.
    InvalidPc,
    /// 719: everything else, findings of the checks among them.
    LaunchFailed,
}

impl FaultKind {
    /// The number of the driver's `CUresult`.
    pub fn code(self) -> u32 {
        match self {
            FaultKind::Elsewhere => 0,
            FaultKind::InvalidValue => 1,
            FaultKind::IllegalAddress => 700,
            FaultKind::LaunchTimeout => 702,
            FaultKind::Assert => 710,
            FaultKind::MisalignedAddress => 716,
            FaultKind::InvalidPc => 718,
            FaultKind::LaunchFailed => 719,
        }
    }
}

/// Why a launch failed.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which error the driver answers.
    pub kind: FaultKind,
    /// What happened, without the address, the thread and the like.
    pub what: String,
    /// Line of the PTX; 0 where it is no line's fault.
    pub line: u32,
    /// That line.
    pub quote: String,
    /// What happened, where, to whom: several lines.
    pub report: String,
}

impl Fault {
    /// What is no line's fault.
    pub fn whole(kind: FaultKind, kernel: &str, what: &str) -> Fault {
        Fault {
            kind,
            what: what.to_owned(),
            line: 0,
            quote: String::new(),
            report: format!("========= {kernel}: {what}\n"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}
