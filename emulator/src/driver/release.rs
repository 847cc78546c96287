//! Which driver this is: CUDA 12.8's, or an older one that `CUDA_EMULATOR_DRIVER` asks for.

use std::env;
use std::sync::OnceLock;

/// A driver: the CUDA version that it answers, major and minor, and the newest version of PTX that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub cuda: (u32, u32),
    pub ptx: (u32, u32),
}

/// "Release Notes" of the PTX ISA; CUDA 12.6 brought none, and there was no toolkit 12.7.
const RELEASES: [Release; 19] = [
    Release::new((10, 2), (6, 5)),
    Release::new((11, 0), (7, 0)),
    Release::new((11, 1), (7, 1)),
    Release::new((11, 2), (7, 2)),
    Release::new((11, 3), (7, 3)),
    Release::new((11, 4), (7, 4)),
    Release::new((11, 5), (7, 5)),
    Release::new((11, 6), (7, 6)),
    Release::new((11, 7), (7, 7)),
    Release::new((11, 8), (7, 8)),
    Release::new((12, 0), (8, 0)),
    Release::new((12, 1), (8, 1)),
    Release::new((12, 2), (8, 2)),
    Release::new((12, 3), (8, 3)),
    Release::new((12, 4), (8, 4)),
    Release::new((12, 5), (8, 5)),
    Release::new((12, 6), (8, 5)),
    Release::new((12, 7), (8, 6)),
    NEWEST,
];

/// The one whose functions and numbers these are.
const NEWEST: Release = Release::new((12, 8), (8, 7));

impl Release {
    const fn new(cuda: (u32, u32), ptx: (u32, u32)) -> Release {
        Release { cuda, ptx }
    }

    /// As `cuDriverGetVersion` has it.
    pub fn number(self) -> i32 {
        (self.cuda.0 * 1000 + self.cuda.1 * 10) as i32
    }

    /// By its CUDA version, such as 12.0.
    fn parse(text: &str) -> Option<Release> {
        let mut releases = RELEASES.into_iter();
        releases.find(|r| text == format!("{}.{}", r.cuda.0, r.cuda.1))
    }
}

/// The driver that the environment asks for; it is asked once.
pub fn release() -> Result<Release, String> {
    static ASKED: OnceLock<Result<Release, String>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| match env::var("CUDA_EMULATOR_DRIVER") {
        Err(_) => Ok(NEWEST),
        Ok(text) => Release::parse(text.trim()).ok_or_else(|| {
            format!(
                "CUDA_EMULATOR_DRIVER is {text:?}; it can be 10.2, 11.0 to 11.8, or 12.0 to 12.8"
            )
        }),
    });
    asked.clone()
}
