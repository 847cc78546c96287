//! Times every op and prints one JSON line per case, to be put beside the same work in a peer (`benches/peers`).
//!
//! ```text
//! cargo bench --bench times -- cpu [OP..]   wall clock, medians of warm runs; of these ops or of all
//! cargo bench --bench times -- cuda [OP..]  events, inputs rotated past the L2 cache; refuses the emulated driver
//! cargo bench --bench times -- report OURS.jsonl [THEIRS.jsonl]
//! ```
//! `scripts/gpu-suite` runs the last two on a GPU machine.

mod case;
mod cases;
mod families;
mod line;
mod networks;
mod report;
mod timing;

use std::process::ExitCode;

use warpsmith::Device;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words[..] {
        // `cargo bench` without arguments runs every bench; this one answers questions that name a device
        [] => {
            println!("times: cpu [OP..] | cuda [OP..] | report OURS [THEIRS]");
            Ok(())
        }
        ["cpu", ref names @ ..] => times(&Device::Cpu, names),
        ["cuda", ref names @ ..] => Device::cuda(0)
            .map_err(Into::into)
            .and_then(|device| times(&device, names)),
        ["report", ours] => report::write(ours, None),
        ["report", ours, theirs] => report::write(ours, Some(theirs)),
        _ => Err("expected: cpu [OP..] | cuda [OP..] | report OURS [THEIRS]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn times(device: &Device, names: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    if device.is_emulated() {
        return Err("a time from the emulated driver is not a measurement".into());
    }
    let wanted = |case: &case::Case| names.is_empty() || names.contains(&case.op);
    let cases = cases::of(device);
    if let Some(name) = names.iter().find(|n| cases.iter().all(|c| c.op != **n)) {
        return Err(format!("no case of an op {name}").into());
    }
    for case in cases.into_iter().filter(wanted) {
        println!("{}", serde_json::to_string(&timing::time(&case, device)?)?);
    }
    Ok(())
}
