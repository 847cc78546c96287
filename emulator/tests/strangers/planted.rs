//! Faults planted in the kernels, as their authors might have made them, to see that the checks find them.

use crate::modes::{again, text};
use std::path::PathBuf;

/// A test, the kernel of it that is changed (see the emulator's `plant.rs`), how, and what the checker must say.
type Fault = (&'static str, &'static str, &'static str, &'static str);

const READ: &str = "Invalid __global__ read";
const WRITE: &str = "Invalid __global__ write";
const UNWRITTEN: &str = "Uninitialized __shared__";
const RACE: &str = "Race: __shared__";
const COPY: &str = "Asynchronous copy not waited for";

#[rustfmt::skip] // a fault a line
const FAULTS: &[Fault] = &[
    ("scans::block", "block_scan", "drop bar.sync 0", RACE),
    ("scans::block", "block_scan", "drop bar.sync 1", RACE),
    ("scans::block", "block_scan", "drop bar.sync 2", RACE),
    ("scans::lookback", "lookback_scan", "drop bar.sync 4", RACE),
    ("scans::chain", "chained_scan", "shift st.shared 0 4", "Invalid __shared__ write"),
    ("sorts::bitonic", "bitonic", "drop bar.sync 0", RACE),
    ("sorts::bitonic", "bitonic", "drop bar.sync 7", RACE),
    ("sorts::odd_even", "odd_even", "drop bar.warp.sync 0", RACE),
    ("sorts::odd_even", "odd_even", "drop bar.warp.sync 1", RACE),
    ("sorts::radix_match", "radix_match", "drop bar.warp.sync 0", RACE),
    ("sorts::radix_ballot", "radix_ballot", "drop bar.sync 2", RACE),
    ("counting::positive_ones", "compact", "drop bra 0", READ),
    ("counting::private_bins", "histogram_private", "shift st.shared.u8 0 1", RACE),
    ("counting::private_bins", "histogram_private", "drop bar.sync 1", RACE),
    ("counting::matched_bins", "histogram_matched", "drop bra 1", READ),
    ("stencils::heat", "heat", "drop bar.sync 0", RACE),
    ("stencils::laplace", "laplace", "drop bar.sync 1", RACE),
    ("stencils::blur", "blur", "drop bra 0", WRITE),
    ("attention::whole", "attention_16", "drop bar.sync 0", RACE),
    ("attention::causal", "attention_causal_8", "drop bar.sync 1", RACE),
    ("tensor::gemm", "gemm_mma", "drop cp.async.wait_group 0", COPY),
    ("tensor::gemm", "gemm_mma", "drop bar.sync 1", RACE),
    ("tensor::attention", "attention_mma", "drop cp.async.wait_group 1", COPY),
    ("tensor::attention", "attention_mma", "drop bar.sync 3", RACE),
    ("hopper::ring", "gemm_ring", "drop wgmma.wait_group 0", "Asynchronous operation not waited for"),
    ("hopper::ring", "gemm_ring", "drop wgmma.fence 0", "no wgmma.fence before"),
    ("hopper::ring", "gemm_ring", "drop fence.proxy.async.shared::cta 0", "Missing proxy fence"),
    ("hopper::ring", "gemm_ring", "drop mbarrier.arrive.release 0", "Deadlock"),
    ("hopper::padded", "padded_store", "drop st.shared.u16 0", UNWRITTEN),
    ("clusters::histogram", "cluster_histogram", "drop barrier.cluster.wait 0", UNWRITTEN),
    ("clusters::ring", "cluster_ring", "drop barrier.cluster.arrive 5; cluster_ring drop barrier.cluster.wait 5", "which has ended"),
    ("clusters::ring", "cluster_ring", "drop barrier.cluster.arrive 4", "barrier.cluster.wait"),
    ("clusters::sent", "cluster_send", "drop mbarrier.arrive.expect_tx 0", "Deadlock"),
    ("clusters::multicast", "multicast", "drop mbarrier.arrive.release 0", "Deadlock"),
    ("calls::tree", "plant_tree", "drop bra 0", READ),
    ("chance::words", "philox_words", "drop bra 0", READ),
    ("chance::pi", "pi", "drop bar.sync 0", RACE),
    ("undefined::rows", "clamped_rows", "drop bra 0", UNWRITTEN),
    ("undefined::mma", "clamped_mma", "drop bra 10", UNWRITTEN),
    ("undefined::asynchronous", "clamped_async", "drop bra 2", "Uninitialized __global__"),
    ("undefined::wmma", "clamped_wmma", "drop bra 10", UNWRITTEN),
    ("odds::carve", "carve", "drop bar.sync 0", RACE),
    ("odds::early_return", "early_return", "drop bar.sync 0", RACE),
    ("odds::ping_pong", "ping_pong", "drop membar.cta 0", RACE),
    ("odds::ping_pong", "ping_pong", "drop membar.cta 2", RACE),
    ("odds::shared_lock", "shared_lock", "drop membar.cta 0", RACE),
];

#[test]
fn planted_faults_are_found() {
    let mut missed = vec![];
    for (test, kernel, change, says) in FAULTS {
        let plant = format!("{kernel} {change}");
        let variables = [
            ("CUDA_EMULATOR_PLANT", plant.as_str()),
            ("RAYON_NUM_THREADS", "1"),
        ];
        let output = again(&["--exact", test], &variables);
        let text = text(&output);
        let reported = text.contains(&format!("at {kernel}, PTX line ")) && text.contains(says);
        if output.status.success() || !reported {
            missed.push(format!("{plant}: expected a report of {says:?} in\n{text}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// What a test of this program prints and whether it ends well, with `variables` and doing what is wrong.
fn wrong(test: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let all = [&[("WRONGLY", "1"), ("RAYON_NUM_THREADS", "1")], variables].concat();
    let output = again(&["--exact", test], &all);
    (output.status.success(), text(&output))
}

#[test]
fn what_the_host_reads_is_told_with_where_it_comes_from() {
    let (fine, told) = wrong("undefined::handed_on", &[]);
    assert!(!fine, "{told}");
    for said in [
        "kernel hand_on failed",
        "========= Uninitialized __global__ memory read of size 4 bytes\n=========     at hand_on, PTX line ",
        "> ld.global",
        "by thread (50,0,0) in block (0,0,0)",
        "What was computed from it is stored\n=========     at hand_on, PTX line ",
        "> st.global",
        "where the host reads it: 4 bytes from 0x",
    ] {
        assert!(told.contains(said), "{said:?} is not in\n{told}");
    }
    let (fine, told) = wrong("undefined::timed", &[]);
    assert!(!fine, "{told}");
    for said in ["at timed, PTX line ", "> atom.global.add.f32"] {
        assert!(told.contains(said), "{said:?} is not in\n{told}");
    }
    // without the check nobody minds
    let variables = [("CUDA_EMULATOR_CHECKS", "-uninitialised")];
    let (fine, told) = wrong("undefined::timed", &variables);
    assert!(fine, "{told}");
}

#[test]
fn runs_that_go_on_read_it_and_count_it() {
    let name = format!("cuda-emulator-undefined-{}", std::process::id());
    let file: PathBuf = std::env::temp_dir().join(name);
    let variables = [
        ("CUDA_EMULATOR_ON_FAULT", "report"),
        ("CUDA_EMULATOR_REPORT", file.to_str().expect("a path")),
    ];
    let (fine, told) = wrong("undefined::timed", &variables);
    assert!(fine && told.contains("Uninitialized __global__"), "{told}");
    let found = std::fs::read_to_string(&file).expect("a report");
    std::fs::remove_file(&file).expect("the report");
    for said in ["\"kernel\": \"timed\"", "\"times\": 1", "\"code\": 719"] {
        assert!(found.contains(said), "{said} is not in\n{found}");
    }
}
