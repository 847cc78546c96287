//! Runs a program on the emulated CUDA driver and its NCCL: `cuda-emulate [OPTIONS] CMD...`. See `--help`.

mod library;
mod options;
mod report;

use options::{Asked, REPORT};
use report::Report;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{SystemTime, UNIX_EPOCH};

/// The status of a run in which something was found.
const FOUND: u8 = 86;
/// As of a shell: wrong usage, and a command that could not be run or found.
const USAGE: u8 = 2;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)) {
        Ok(Asked::Help) => print!("{}", options::help()),
        Ok(Asked::Version) => println!("cuda-emulate {}", env!("CARGO_PKG_VERSION")),
        Ok(Asked::Run { variables, command }) => return run(&variables, &command).into(),
        Err(wrong) => {
            eprintln!("cuda-emulate: {wrong}");
            return USAGE.into();
        }
    }
    ExitCode::SUCCESS
}

/// A folder of this run's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Folder> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        let name = format!("cuda-emulate-{}-{now}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // nobody else's: it fails where something of that name is there
        std::fs::create_dir(&path)?;
        Ok(Folder(path))
    }

    fn part(&self, name: &str) -> std::io::Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(variables: &BTreeMap<&'static str, String>, command: &[String]) -> u8 {
    let prepared = Folder::new().and_then(|folder| {
        let (driver, reports) = (folder.part("driver")?, folder.part("reports")?);
        library::put_into(&driver)?;
        Ok((folder, driver, reports))
    });
    let (_folder, driver, reports) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            eprintln!("cuda-emulate: {error}");
            return CANNOT_RUN;
        }
    };
    let status = Command::new(&command[0])
        .args(&command[1..])
        .envs(variables)
        .env("LD_LIBRARY_PATH", before_others(&driver))
        .env(REPORT, reports.join("%p.json"))
        .status();
    let status = match status {
        Ok(status) => status,
        Err(error) => {
            eprintln!("cuda-emulate: {}: {error}", command[0]);
            return match error.kind() {
                std::io::ErrorKind::NotFound => NOT_FOUND,
                _ => CANNOT_RUN,
            };
        }
    };
    let report = Report::of(&reports);
    eprint!("{}", report.summary());
    let wanted = variables.get(REPORT).cloned();
    if let Some(file) = wanted.or_else(|| std::env::var(REPORT).ok()) {
        let file = file.replace("%p", &std::process::id().to_string());
        if let Err(error) = report.write(&file) {
            eprintln!("cuda-emulate: {file}: {error}");
            return CANNOT_RUN;
        }
    }
    match report.errors() {
        0 => own(status),
        _ => FOUND,
    }
}

fn before_others(folder: &Path) -> OsString {
    let mut path = folder.as_os_str().to_owned();
    if let Some(others) = std::env::var_os("LD_LIBRARY_PATH").filter(|path| !path.is_empty()) {
        path.push(":");
        path.push(others);
    }
    path
}

/// The command's own status, as a shell has it where a signal ended it.
fn own(status: ExitStatus) -> u8 {
    let signal = || status.signal().map_or(1, |signal| 128 + signal);
    status.code().unwrap_or_else(signal) as u8
}
