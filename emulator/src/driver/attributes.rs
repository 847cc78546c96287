//! What the emulated device says about itself: the limits of one chip of each compute capability.

/// The figures that differ between chips.
pub struct Profile {
    pub capability: (i32, i32),
    pub multiprocessors: i32,
    pub clock_khz: i32,
    pub memory_clock_khz: i32,
    pub memory_bus_bits: i32,
    pub l2_bytes: i32,
    pub threads_per_multiprocessor: i32,
    pub blocks_per_multiprocessor: i32,
    pub shared_per_multiprocessor: i32,
    pub shared_per_block_optin: i32,
    pub shared_reserved_per_block: i32,
    pub persisting_l2_bytes: i32,
    pub double_ratio: i32,
    pub clusters: bool,
}

pub const SHARED_PER_BLOCK: i32 = 48 * 1024;
pub const MAX_THREADS_PER_BLOCK: i32 = 1024;
pub const MAX_BLOCK: [u32; 3] = [1024, 1024, 64];
pub const MAX_GRID: [u32; 3] = [i32::MAX as u32, 65535, 65535];
pub const REGISTERS: i32 = 65536;
pub const MAX_CLUSTER: u32 = 8;

static PROFILES: [Profile; 7] = [
    // a T4
    Profile {
        capability: (7, 5),
        multiprocessors: 40,
        clock_khz: 1_590_000,
        memory_clock_khz: 5_001_000,
        memory_bus_bits: 256,
        l2_bytes: 4 << 20,
        threads_per_multiprocessor: 1024,
        blocks_per_multiprocessor: 16,
        shared_per_multiprocessor: 64 << 10,
        shared_per_block_optin: 64 << 10,
        shared_reserved_per_block: 0,
        persisting_l2_bytes: 0,
        double_ratio: 32,
        clusters: false,
    },
    // an A100
    Profile {
        capability: (8, 0),
        multiprocessors: 108,
        clock_khz: 1_410_000,
        memory_clock_khz: 1_215_000,
        memory_bus_bits: 5120,
        l2_bytes: 40 << 20,
        threads_per_multiprocessor: 2048,
        blocks_per_multiprocessor: 32,
        shared_per_multiprocessor: 164 << 10,
        shared_per_block_optin: 163 << 10,
        shared_reserved_per_block: 1 << 10,
        persisting_l2_bytes: 25 << 20,
        double_ratio: 2,
        clusters: false,
    },
    // an RTX 3090
    Profile {
        capability: (8, 6),
        multiprocessors: 82,
        clock_khz: 1_695_000,
        memory_clock_khz: 9_751_000,
        memory_bus_bits: 384,
        l2_bytes: 6 << 20,
        threads_per_multiprocessor: 1536,
        blocks_per_multiprocessor: 16,
        shared_per_multiprocessor: 100 << 10,
        shared_per_block_optin: 99 << 10,
        shared_reserved_per_block: 1 << 10,
        persisting_l2_bytes: (6 << 20) / 16 * 11,
        double_ratio: 64,
        clusters: false,
    },
    // an RTX 4090
    Profile {
        capability: (8, 9),
        multiprocessors: 128,
        clock_khz: 2_520_000,
        memory_clock_khz: 10_501_000,
        memory_bus_bits: 384,
        l2_bytes: 72 << 20,
        threads_per_multiprocessor: 1536,
        blocks_per_multiprocessor: 24,
        shared_per_multiprocessor: 100 << 10,
        shared_per_block_optin: 99 << 10,
        shared_reserved_per_block: 1 << 10,
        persisting_l2_bytes: (72 << 20) / 16 * 11,
        double_ratio: 64,
        clusters: false,
    },
    // an H100
    Profile {
        capability: (9, 0),
        multiprocessors: 132,
        clock_khz: 1_980_000,
        memory_clock_khz: 2_619_000,
        memory_bus_bits: 5120,
        l2_bytes: 50 << 20,
        threads_per_multiprocessor: 2048,
        blocks_per_multiprocessor: 32,
        shared_per_multiprocessor: 228 << 10,
        shared_per_block_optin: 227 << 10,
        shared_reserved_per_block: 1 << 10,
        persisting_l2_bytes: 32 << 20,
        double_ratio: 2,
        clusters: true,
    },
    // a B200
    Profile {
        capability: (10, 0),
        multiprocessors: 148,
        clock_khz: 1_965_000,
        memory_clock_khz: 3_996_000,
        memory_bus_bits: 8192,
        l2_bytes: 126 << 20,
        threads_per_multiprocessor: 2048,
        blocks_per_multiprocessor: 32,
        shared_per_multiprocessor: 228 << 10,
        shared_per_block_optin: 227 << 10,
        shared_reserved_per_block: 1 << 10,
        persisting_l2_bytes: (126 << 20) / 16 * 11,
        double_ratio: 2,
        clusters: true,
    },
    // an RTX 5090
    Profile {
        capability: (12, 0),
        multiprocessors: 170,
        clock_khz: 2_407_000,
        memory_clock_khz: 14_001_000,
        memory_bus_bits: 512,
        l2_bytes: 96 << 20,
        threads_per_multiprocessor: 1536,
        blocks_per_multiprocessor: 24,
        shared_per_multiprocessor: 100 << 10,
        shared_per_block_optin: 99 << 10,
        shared_reserved_per_block: 1 << 10,
        persisting_l2_bytes: (96 << 20) / 16 * 11,
        double_ratio: 64,
        clusters: true,
    },
];

/// The profile for a compute capability, or None where there is none to imitate.
pub fn profile(capability: (i32, i32)) -> Option<&'static Profile> {
    PROFILES.iter().find(|p| p.capability == capability)
}

/// The compute capabilities that there is a profile for.
pub fn capabilities() -> String {
    let name = |p: &Profile| format!("{}.{}", p.capability.0, p.capability.1);
    PROFILES.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// `cuDeviceGetAttribute`: by number as in cuda.h. None for a number that CUDA 12.8 does not have.
pub fn value(p: &Profile, attribute: i32) -> Option<i32> {
    let ampere = i32::from(p.capability >= (8, 0));
    let hopper = i32::from(p.clusters);
    Some(match attribute {
        1 => MAX_THREADS_PER_BLOCK,
        2..=4 => MAX_BLOCK[attribute as usize - 2] as i32,
        5..=7 => MAX_GRID[attribute as usize - 5] as i32,
        8 => SHARED_PER_BLOCK,
        9 => 64 << 10,
        10 => 32,
        11 => i32::MAX,
        12 | 82 => REGISTERS,
        13 => p.clock_khz,
        14 | 30 => 512,
        15 | 19 | 31 | 41 | 44 => 1,
        16 => p.multiprocessors,
        36 => p.memory_clock_khz,
        37 => p.memory_bus_bits,
        38 => p.l2_bytes,
        39 => p.threads_per_multiprocessor,
        40 => 3,
        // The sizes of textures and surfaces are those of every chip since Volta, for programs that only print
        // them: there are no textures here.
        21 | 22 | 23 | 55 | 56 => 131_072,
        24..=26 | 58..=60 => 16_384,
        27 | 28 | 42 | 45 | 46 | 52 | 53 | 61 | 63 | 64 | 66 | 67 | 73 | 74 | 77 => 32_768,
        29 | 43 | 62 | 65 => 2048,
        47 | 48 => 8192,
        49 => 32_768,
        51 => 32,
        54 | 68 => 2046,
        57 => 65_536,
        69 => 268_435_456,
        70 | 71 => 131_072,
        72 => 2_097_120,
        75 => p.capability.0,
        76 => p.capability.1,
        78..=80 => 1,
        81 => p.shared_per_multiprocessor,
        83 => 1,
        87 => p.double_ratio,
        // Managed memory is host memory here, so the host may touch it while a kernel runs.
        89..=91 => 1,
        95 => 1,
        97 => p.shared_per_block_optin,
        99 => 1,
        106 => p.blocks_per_multiprocessor,
        108 => p.persisting_l2_bytes,
        109 => 134_213_632 * ampere,
        111 => p.shared_reserved_per_block,
        113 => 1,
        115 => 1,
        120 => hopper,
        126 => 1 + 3 * hopper,
        127 => hopper,
        131 | 134 => 0,
        17
        | 18
        | 20
        | 32..=35
        | 50
        | 84..=86
        | 88
        | 92..=94
        | 96
        | 98
        | 100..=105
        | 107
        | 110
        | 112
        | 114 => 0,
        116..=119 | 121..=125 | 128..=130 | 132 | 133 | 135..=137 | 139 | 140 | 143 => 0,
        _ => return None,
    })
}
