//! Broken PTX: cut short, bytes changed, words exchanged, lines doubled or dropped. The driver must answer, and what
//! it accepts must run to an end or fail as a launch does; the process must live. Seeded, so every run tries the same.

use cudarc::driver::sys::{self, CUresult};
use std::ffi::{CString, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

const FIXTURES: [&str; 4] = [
    include_str!("fixtures/vector.ptx"),
    include_str!("ptx/extended/mad_cc_madc_mul128.ptx"),
    include_str!("ptx/warp/vote_mixed.ptx"),
    include_str!("ptx/half/fma_rn_f16x2.ptx"),
];
const MUTANTS: usize = 2000;
const OK: CUresult = CUresult::CUDA_SUCCESS;

/// xorshift64*: enough to choose places.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }
}

/// A fixture without its comments, which would take most of the changes and show nothing.
fn code(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Changes that keep the look of PTX, so that they get past the parser: lines dropped, doubled or exchanged, an operand
/// or a modifier replaced by another of the text.
fn rearrange(text: &str, random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let body: Vec<usize> = (0..lines.len())
        .filter(|&i| lines[i].trim_end().ends_with(';'))
        .collect();
    for _ in 0..=random.below(2) {
        let (one, two) = (
            body[random.below(body.len())],
            body[random.below(body.len())],
        );
        match random.below(4) {
            0 => lines[one].clear(),
            1 => lines[one] = lines[two].clone(),
            2 => lines.swap(one, two),
            _ => {
                let pieces = |line: &str| -> Vec<String> {
                    line.split_inclusive([' ', ',', '.', ';'])
                        .map(str::to_owned)
                        .collect()
                };
                let (mut own, others) = (pieces(&lines[one]), pieces(&lines[two]));
                let ending = |piece: &str| piece.chars().last();
                let at = random.below(own.len());
                let fitting: Vec<_> = others
                    .iter()
                    .filter(|p| ending(p) == ending(&own[at]))
                    .collect();
                if !fitting.is_empty() {
                    own[at] = fitting[random.below(fitting.len())].clone();
                }
                lines[one] = own.concat();
            }
        }
    }
    lines.join("\n").into_bytes()
}

fn mutate(text: &str, random: &mut Random) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let (at, other) = (random.below(bytes.len()), random.below(bytes.len()));
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => bytes[at] = 1 + random.below(255) as u8,
            2 => bytes[at] ^= 1 << random.below(7),
            3 => drop(bytes.remove(at)),
            4 => {
                let end = (other + random.below(40)).min(bytes.len());
                let piece = bytes[other.min(end)..end].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => bytes
                .splice(at..at, b"99999999999999999999".iter().copied())
                .for_each(drop),
            _ => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut words: Vec<&str> = text
                    .split_inclusive(|c: char| c.is_whitespace() || ",.;[]{}".contains(c))
                    .collect();
                let (one, two) = (random.below(words.len()), random.below(words.len()));
                words.swap(one, two);
                bytes = words.concat().into_bytes();
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes.retain(|&byte| byte != 0);
    bytes
}

/// Loads the text in a context of its own; where that works, launches every kernel with buffers for arguments.
fn try_out(text: Vec<u8>) -> bool {
    let text = CString::new(text).unwrap();
    let (mut context, mut module) = (null_mut(), null_mut());
    // SAFETY: results have room; the text ends in NUL; the arguments are more than any of the fixtures' kernels take,
    // and each has the eight bytes that the widest parameter needs.
    unsafe {
        assert_eq!(sys::cuCtxCreate_v2(&raw mut context, 0, 0), OK);
        let loaded = sys::cuModuleLoadData(&raw mut module, text.as_ptr().cast()) == OK;
        if loaded {
            let mut buffers = [0u64; 16];
            for buffer in &mut buffers {
                assert_eq!(sys::cuMemAlloc_v2(buffer, 4096), OK);
                assert_eq!(sys::cuMemsetD8_v2(*buffer, 0, 4096), OK);
            }
            let mut count = 0;
            assert_eq!(sys::cuModuleGetFunctionCount(&raw mut count, module), OK);
            let mut functions = vec![null_mut(); count as usize];
            assert_eq!(
                sys::cuModuleEnumerateFunctions(functions.as_mut_ptr(), count, module),
                OK
            );
            for function in functions {
                let (mut at, mut offset, mut size) = (0, 0, 0);
                while sys::cuFuncGetParamInfo(function, at, &raw mut offset, &raw mut size) == OK {
                    at += 1;
                }
                if at > buffers.len() || size > 8 {
                    continue;
                }
                let mut arguments: Vec<*mut c_void> = buffers
                    .iter_mut()
                    .map(|buffer| (&raw mut *buffer).cast())
                    .collect();
                let none = null_mut();
                sys::cuLaunchKernel(
                    function,
                    1,
                    1,
                    1,
                    32,
                    1,
                    1,
                    128,
                    none,
                    arguments.as_mut_ptr(),
                    none.cast(),
                );
                if sys::cuCtxSynchronize() != OK {
                    break;
                }
            }
        }
        assert_eq!(sys::cuCtxDestroy_v2(context), OK);
        loaded
    }
}

fn ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        // A mutant may loop for ever.
        // SAFETY: the first thing that any test of this file does; nobody reads the environment meanwhile but the
        // emulator, which is loaded below.
        unsafe { std::env::set_var("CUDA_EMULATOR_TIME_LIMIT", "1") };
        // A real driver is not ours to break.
        let emulated = cuda_emulator_testing::emulated();
        // SAFETY: takes a number.
        emulated && unsafe { sys::cuInit(0) } == OK
    })
}

#[test]
fn the_fixtures_themselves_load() {
    if ready() {
        for fixture in FIXTURES {
            assert!(try_out(code(fixture).into_bytes()));
        }
    }
}

#[test]
fn ptx_cut_short_anywhere_is_refused_or_harmless() {
    if !ready() {
        return;
    }
    for fixture in FIXTURES {
        let text = code(fixture);
        for at in (0..text.len()).step_by(37) {
            try_out(text.as_bytes()[..at].to_vec());
        }
    }
}

#[test]
fn mutated_ptx_is_refused_or_harmless() {
    if !ready() {
        return;
    }
    let mut random = Random(0x5eed_cafe_f00d_0001);
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..MUTANTS {
        let text = code(FIXTURES[round % FIXTURES.len()]);
        let mutant = if round % 8 < 4 {
            rearrange(&text, &mut random)
        } else {
            mutate(&text, &mut random)
        };
        if try_out(mutant) {
            loaded += 1
        } else {
            refused += 1
        }
    }
    println!("{loaded} mutants loaded, {refused} refused");
    assert!(
        loaded > MUTANTS / 20 && refused > MUTANTS / 20,
        "the mutations reach neither or only one of the two outcomes"
    );
}
