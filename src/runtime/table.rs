//! The table that `build.rs` writes: op, entry points, and where each one's PTX lies in the pack.

use std::io::Read;
use std::ops::Range;

use flate2::read::ZlibDecoder;

use crate::error::{Error, Result};

/// One `.cu` file, compiled.
pub(crate) struct Module {
    pub(crate) op: &'static str,
    /// Where its texts lie in the pack as one piece of zlib, for each of [`ARCHITECTURES`].
    packed: [Range<usize>; ARCHITECTURES.len()],
    pub(crate) entries: &'static [Entry],
}

/// One `__global__` function.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// Bytes of each parameter, as the PTX declares them.
    pub(crate) params: &'static [usize],
    /// Where its text lies in its op's, for each of [`ARCHITECTURES`] that has one of its own.
    texts: [Option<Range<usize>>; ARCHITECTURES.len()],
}

include!(concat!(env!("OUT_DIR"), "/kernels_table.rs"));

/// An architecture that PTX is embedded for, the devices that run it, and the CUDA version of the first driver that takes
/// what its PTX states, in thousands and tens.
pub(crate) struct Architecture {
    pub(crate) name: &'static str,
    pub(crate) runs_on: fn((i32, i32)) -> bool,
    pub(crate) driver: i32,
}

/// Oldest first, as in `build.rs`. PTX for `sm_90a` uses instructions that only 9.0 has.
pub(crate) const ARCHITECTURES: [Architecture; 3] = [
    Architecture {
        name: "sm_75",
        runs_on: |cc| cc >= (7, 5),
        driver: 11000,
    },
    Architecture {
        name: "sm_80",
        runs_on: |cc| cc >= (8, 0),
        driver: 11000,
    },
    Architecture {
        name: "sm_90a",
        runs_on: |cc| cc == (9, 0),
        driver: 12000,
    },
];

impl Entry {
    /// The newest of the architectures up to this one that has a text: what came out the same is not there twice.
    fn newest(&self, architecture: usize) -> Option<usize> {
        self.texts[..=architecture]
            .iter()
            .rposition(Option::is_some)
    }

    pub(crate) fn runs_on(&self, architecture: usize) -> bool {
        self.newest(architecture).is_some()
    }
}

/// The module and the entry point of this name.
pub(crate) fn find(op: &'static str, name: &str) -> Result<(&'static Module, &'static Entry)> {
    let module = MODULES.iter().find(|m| m.op == op);
    let entry = module.and_then(|m| m.entries.iter().find(|e| e.name == name).map(|e| (m, e)));
    entry.ok_or_else(|| match MODULES.is_empty() {
        true => Error::NoKernels(NO_KERNELS),
        false => Error::argument(op, "an entry point of this build", name),
    })
}

/// Every entry point with its module, in the table's order.
pub(crate) fn all() -> impl Iterator<Item = (&'static Module, &'static Entry)> {
    let of = |module: &'static Module| module.entries.iter().map(move |entry| (module, entry));
    MODULES.iter().flat_map(of)
}

/// The PTX of one entry point that the architecture takes; `None` where it takes none.
pub(crate) fn text(module: &Module, entry: &Entry, architecture: usize) -> Result<Option<String>> {
    let of = |newest: usize| Some((newest, entry.texts[newest].clone()?));
    let Some((architecture, place)) = entry.newest(architecture).and_then(of) else {
        return Ok(None);
    };
    let as_packed =
        |e: &dyn std::fmt::Display| Error::argument(module.op, "PTX as the build packed it", e);
    let packed = PACK.get(module.packed[architecture].clone());
    let packed = packed.ok_or_else(|| as_packed(&"a pack that ends early"))?;
    // what lies behind is another kernel's
    let mut upto = ZlibDecoder::new(packed).take(place.end as u64);
    let mut texts = String::new();
    let read = upto.read_to_string(&mut texts);
    read.map_err(|e| as_packed(&e))?;
    let text = texts
        .get(place)
        .ok_or_else(|| as_packed(&"a text that ends early"))?;
    Ok(Some(text.to_string()))
}
