//! Emulated devices of one process and of several, each scenario in processes of its own.

mod api;
mod behind;
mod graphs;
mod others;
mod scenarios;

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

type Scenario = (&'static str, fn(api::Api));

const SCENARIOS: [Scenario; 12] = [
    ("threads", scenarios::threads),
    ("alone", scenarios::alone),
    ("process", scenarios::process),
    ("killed", scenarios::killed),
    ("refused", scenarios::refused),
    ("mismatched", scenarios::mismatched),
    ("ungrouped", scenarios::ungrouped),
    ("captured", graphs::captured),
    ("replayed late", graphs::replayed_late),
    ("kept", graphs::kept),
    ("others", others::others),
    ("behind", behind::behind),
];

/// A run: a scenario, how many devices, how many processes, streams, a seed, and what is to be reported.
type Run = (
    &'static str,
    u32,
    u32,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const RUNS: [Run; 20] = [
    ("threads", 2, 1, "eager", "", &[]),
    ("threads", 4, 1, "eager", "3", &[]),
    ("threads", 4, 1, "deferred", "", &[]),
    ("alone", 2, 1, "eager", "", &[]),
    ("alone", 4, 1, "eager", "5", &[]),
    ("alone", 4, 1, "deferred", "", &[]),
    ("process", 2, 2, "eager", "", &[]),
    ("process", 4, 4, "eager", "7", &[]),
    ("process", 4, 4, "deferred", "", &[]),
    (
        "killed",
        4,
        4,
        "eager",
        "",
        &["rank 1 (process", "device 1)", "connection closed"],
    ),
    (
        "refused",
        2,
        1,
        "eager",
        "",
        &[
            "send buffer is of device 1",
            "has 8 bytes",
            "rank 0 is used after ncclCommAbort",
        ],
    ),
    (
        "mismatched",
        2,
        1,
        "eager",
        "",
        &[
            "rank 0 (process",
            "ncclAllReduce(count 2",
            "rank 1 (process",
            "ncclBroadcast(count 2",
        ],
    ),
    (
        "ungrouped",
        2,
        1,
        "eager",
        "",
        &["ncclAllReduce(count 2", "ncclGroupStart"],
    ),
    ("captured", 2, 1, "eager", "", &[]),
    ("captured", 2, 1, "deferred", "", &[]),
    (
        "replayed late",
        1,
        1,
        "eager",
        "",
        &[
            "rank 0: ncclAllReduce(count 1",
            "replayed after ncclCommDestroy",
        ],
    ),
    ("kept", 1, 1, "eager", "", &[]),
    ("kept", 1, 1, "deferred", "", &[]),
    (
        "others",
        2,
        1,
        "eager",
        "",
        &[
            "operator 5 is none",
            "ncclCommInitRankConfig: rank 2 of 2",
            "cuMemFree answers",
        ],
    ),
    (
        "behind",
        2,
        1,
        "eager",
        "",
        &[
            "before ncclCommGetAsyncError has said that it is made",
            "have the same device",
            "the place where the handle was to go",
        ],
    ),
];

fn begin(run: &Run, rank: u32, id: &str) -> Child {
    let (scenario, devices, processes, streams, seed, _) = run;
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command
        .env("NCCL_SCENARIO", scenario)
        .env("WARPSMITH_DEVICE", "emulator")
        .env("CUDA_EMULATOR_DEVICES", devices.to_string())
        .env("CUDA_EMULATOR_STREAMS", streams)
        .env("CUDA_EMULATOR_NCCL_TIME_LIMIT", "4")
        .env("WORLD_SIZE", processes.to_string())
        .env("RANK", rank.to_string())
        .env("ID_FILE", id)
        .stderr(Stdio::piped());
    if !seed.is_empty() {
        command.env("CUDA_EMULATOR_ORDER", seed);
    }
    command.spawn().unwrap()
}

fn check(run: &Run) -> bool {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let id = std::env::temp_dir().join(format!("nccl-id-{}-{number}", std::process::id()));
    let id = id.to_string_lossy().into_owned();
    let children: Vec<Child> = (0..run.2).map(|rank| begin(run, rank, &id)).collect();
    let outputs = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap());
    let outputs: Vec<_> = outputs.collect();
    let _ = std::fs::remove_file(&id);
    let is_expected =
        |(rank, status): (usize, ExitStatus)| status.success() || (run.0 == "killed" && rank == 1);
    let ended = outputs
        .iter()
        .map(|o| o.status)
        .enumerate()
        .all(is_expected);
    let said: String = outputs
        .iter()
        .map(|o| String::from_utf8_lossy(&o.stderr))
        .collect();
    let told = run.5.iter().all(|word| said.contains(word))
        && (!run.5.is_empty() || !said.contains("NCCL:"));
    let word = if ended && told { "ok" } else { "FAILED" };
    println!(
        "{} on {} devices, {} processes, {}, seed {:?} ... {word}",
        run.0, run.1, run.2, run.3, run.4
    );
    if word != "ok" {
        println!("expected {:?} in:\n{said}", run.5);
    }
    word == "ok"
}

fn main() {
    if let Ok(name) = std::env::var("NCCL_SCENARIO") {
        let scenario = SCENARIOS
            .iter()
            .find(|scenario| scenario.0 == name)
            .unwrap();
        scenario.1(api::Api::load());
        return;
    }
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let runs = RUNS
        .iter()
        .filter(|run| wanted.as_deref().is_none_or(|name| run.0.contains(name)));
    let failed = runs.filter(|run| !check(run)).count();
    assert_eq!(failed, 0, "scenarios that failed");
}
