//! Where findings go: stderr, `CUDA_EMULATOR_REPORT`, the summary of a run that goes on behind them.

use super::demangle::demangled;
use super::entry::say;
use super::handles::lock;
use crate::check::{FaultKind, Finding, findings, fresh, take_notes};
use std::sync::{Mutex, OnceLock};

/// Whether runs go on behind a finding, and the file that wants them all.
struct Wanted {
    goes_on: bool,
    file: Option<String>,
}

static WANTED: OnceLock<Wanted> = OnceLock::new();

/// Reads the environment; whether kernels go on behind a finding.
pub fn initialise() -> Result<bool, String> {
    let text = std::env::var("CUDA_EMULATOR_ON_FAULT").unwrap_or_default();
    let goes_on = match text.trim() {
        "" | "stop" => false,
        "report" => true,
        other => {
            return Err(format!(
                "CUDA_EMULATOR_ON_FAULT is {other:?}; it can be stop or report"
            ));
        }
    };
    // every process of a program that makes several can have a file of its own
    let file = std::env::var("CUDA_EMULATOR_REPORT")
        .ok()
        .filter(|file| !file.trim().is_empty())
        .map(|file| file.replace("%p", &std::process::id().to_string()));
    if WANTED.set(Wanted { goes_on, file }).is_ok() {
        // SAFETY: the function takes and gives nothing, and this library is never unloaded before the process ends.
        unsafe { libc::atexit(at_exit) };
    }
    Ok(goes_on)
}

/// Says what has been found since the last time, each place once.
pub fn tell() {
    let fresh = fresh();
    for finding in &fresh {
        let told = match finding.fault.kind {
            FaultKind::Elsewhere => finding.fault.report.clone(),
            _ => format!("kernel {} failed\n{}", finding.kernel, finding.fault.report),
        };
        say(demangled(told.trim_end()));
    }
    // also now: a process that is killed, or leaves by `_exit`, comes to no end
    if !fresh.is_empty() {
        write(&[]);
    }
}

/// Writes the report, if somebody wants one.
fn write(notes: &[String]) {
    static WRITING: Mutex<()> = Mutex::new(());
    let Some(file) = WANTED.get().and_then(|wanted| wanted.file.as_ref()) else {
        return;
    };
    let _turn = lock(&WRITING);
    let all: Vec<_> = findings().iter().map(json).collect();
    let text = serde_json::json!({ "findings": all, "notes": notes });
    if let Err(error) = std::fs::write(file, format!("{text:#}\n")) {
        say(format_args!("CUDA_EMULATOR_REPORT: {file}: {error}"));
    }
}

fn json(finding: &Finding) -> serde_json::Value {
    serde_json::json!({
        "kernel": demangled(&finding.kernel),
        "symbol": finding.kernel,
        "line": finding.fault.line,
        "ptx": finding.fault.quote,
        "kind": finding.fault.what,
        "code": finding.fault.kind.code(),
        "times": finding.times,
        "report": demangled(&finding.fault.report),
    })
}

extern "C" fn at_exit() {
    let Some(wanted) = WANTED.get() else { return };
    let (found, notes) = (findings(), take_notes());
    for note in &notes {
        say(demangled(note));
    }
    if wanted.goes_on {
        let times: u64 = found.iter().map(|f| f.times).sum();
        let mut text = format!("{times} faults at {} places", found.len());
        for f in &found {
            let line = match f.fault.line {
                0 => String::new(),
                line => format!(", PTX line {line}"),
            };
            text.push_str(&format!(
                "\n{:>9} x {}{line}: {}",
                f.times, f.kernel, f.fault.what
            ));
        }
        say(demangled(&text));
    }
    write(&notes);
}
