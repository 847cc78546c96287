//! Scenarios in processes of their own.

use std::env;
use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cuda_emulator_testing::Installed;
use warpsmith::distributed::Communicator;
use warpsmith::{Device, Error};

const SCENARIO: &str = "WARPSMITH_TEST_SCENARIO";
/// What no run takes.
const LIMIT: Duration = Duration::from_secs(60);

/// A scenario and its surroundings.
#[derive(Clone, Copy)]
pub struct Run {
    name: &'static str,
    scenario: fn(),
    devices: usize,
    processes: usize,
    deferred: bool,
    emulated: bool,
    seed: Option<&'static str>,
    fails: Option<usize>,
    stage: &'static str,
}

/// Where in a step something happens.
pub const STAGE: &str = "WARPSMITH_TEST_STAGE";

impl Run {
    pub const fn new(name: &'static str, scenario: fn()) -> Self {
        Self {
            name,
            scenario,
            devices: 1,
            processes: 1,
            deferred: false,
            emulated: false,
            seed: None,
            fails: None,
            stage: "",
        }
    }

    /// One process with so many devices.
    pub const fn threads(mut self, devices: usize) -> Self {
        self.devices = devices;
        self
    }

    /// As many processes as devices.
    pub const fn processes(mut self, n: usize) -> Self {
        (self.devices, self.processes) = (n, n);
        self
    }

    /// One process, without a rank's variables.
    pub const fn alone(self) -> Self {
        self
    }

    /// It expects what the emulated NCCL alone says.
    pub const fn emulated(mut self) -> Self {
        self.emulated = true;
        self
    }

    /// Emulated streams that do nothing before somebody waits, as a GPU's may.
    pub const fn deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    /// Another order of blocks and ranks.
    pub const fn seed(mut self, seed: &'static str) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The process of this rank ends badly.
    pub const fn fails(mut self, rank: usize) -> Self {
        self.fails = Some(rank);
        self
    }

    /// It happens there.
    pub const fn stage(mut self, stage: &'static str) -> Self {
        self.stage = stage;
        self
    }

    fn told(&self) -> String {
        let kind = if self.processes > 1 {
            "processes"
        } else {
            "devices"
        };
        let deferred = if self.deferred { ", deferred" } else { "" };
        let stage = match self.stage {
            "" => String::new(),
            stage => format!(", {stage}"),
        };
        let seed = self.seed.map_or(String::new(), |s| format!(", seed {s}"));
        format!(
            "{} on {} {kind}{deferred}{seed}{stage}",
            self.name, self.devices
        )
    }

    /// Why it is left out where there are so many GPUs, if they are real.
    fn left_out(&self, gpus: usize) -> Option<String> {
        if self.emulated {
            return Some("it expects what the emulated NCCL says".into());
        }
        let wanted = self.devices;
        let is = if gpus == 1 { "is" } else { "are" };
        (gpus < wanted).then(|| format!("it wants {wanted} GPUs, and there {is} {gpus}"))
    }

    fn begin(&self, rank: usize, port: u16) -> Child {
        let program = env::current_exe().expect("a test knows its program");
        let mut command = Command::new(program);
        command
            .env(SCENARIO, self.name)
            .env(STAGE, self.stage)
            .env("CUDA_EMULATOR_DEVICES", self.devices.to_string())
            .env("CUDA_EMULATOR_NCCL_TIME_LIMIT", "10")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in [
            "RANK",
            "LOCAL_RANK",
            "WORLD_SIZE",
            "MASTER_ADDR",
            "MASTER_PORT",
            "WARPSMITH_MASTER_PORT",
            "TORCHELASTIC_USE_AGENT_STORE",
        ] {
            command.env_remove(name);
        }
        if self.processes > 1 {
            command
                .env("RANK", rank.to_string())
                .env("LOCAL_RANK", rank.to_string())
                .env("WORLD_SIZE", self.processes.to_string())
                .env("MASTER_ADDR", "127.0.0.1")
                .env("MASTER_PORT", port.to_string());
        }
        if self.deferred {
            command.env("CUDA_EMULATOR_STREAMS", "deferred");
        }
        if let Some(seed) = self.seed {
            command.env("CUDA_EMULATOR_ORDER", seed);
        }
        command.spawn().expect("a process")
    }
}

/// Runs the scenario in its processes, and answers what they said where it did not go well.
pub fn run(run: &Run) -> Result<(), String> {
    let port = free_port();
    let since = Instant::now();
    let children: Vec<Child> = (0..run.processes)
        .map(|rank| run.begin(rank, port))
        .collect();
    // what they say is read while they run, or they would wait for it to be
    let waiting = children
        .into_iter()
        .map(|child| thread::spawn(move || wait(child, since)));
    let waiting: Vec<_> = waiting.collect();
    let mut said = String::new();
    let mut well = true;
    for (rank, waiting) in waiting.into_iter().enumerate() {
        let (ended, text) = waiting.join().expect("a thread that waits");
        well &= ended != (run.fails == Some(rank));
        said += &format!(
            "-- rank {rank}, {}\n{text}",
            if ended { "well" } else { "badly" }
        );
    }
    well.then_some(()).ok_or(said)
}

/// Whether it ended well, and what it said.
fn wait(mut child: Child, since: Instant) -> (bool, String) {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let read = thread::spawn(move || {
        let (mut said, mut more) = (String::new(), String::new());
        let _ = err.as_mut().map(|err| err.read_to_string(&mut said));
        let _ = out.as_mut().map(|out| out.read_to_string(&mut more));
        said + &more
    });
    let ended = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status.success(),
            None if since.elapsed() > LIMIT => {
                let _ = child.kill();
                break false;
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    (ended, read.join().expect("a thread that reads"))
}

/// The first device as a rank of its own, which needs NCCL and nobody.
fn first_alone() -> Option<Result<Vec<Communicator>, Error>> {
    let first = Device::cuda(0).ok()?;
    Some(Communicator::init_all(&[first]))
}

/// A port that nobody has at the moment, and that nobody is given who asks the system for any: those begin at 32768.
pub fn free_port() -> u16 {
    free_before(0)
}

/// A free port which has so many free ones behind it.
fn free_before(others: u16) -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        // programs that run at once begin elsewhere
        let own = std::process::id() as u16;
        let tried = TRIED.fetch_add(2, Ordering::Relaxed);
        let port = 12_000 + own.wrapping_mul(97).wrapping_add(tried) % 20_000;
        if (port..=port + others).all(is_free) {
            return port;
        }
    }
}

/// A port that nobody has at the moment, and who has the one before it.
pub fn free_behind_a_taken() -> (TcpListener, u16) {
    loop {
        let port = free_before(1);
        if let Ok(taken) = TcpListener::bind(("127.0.0.1", port)) {
            return (taken, port + 1);
        }
    }
}

/// The scenario of this process, or all that the arguments name.
pub fn main(runs: &[Run], run: fn(&Run) -> Result<(), String>) -> ExitCode {
    if !cfg!(warpsmith_kernels) {
        println!("ignored: this build holds no kernels, NVRTC was not found");
        return ExitCode::SUCCESS;
    }
    let emulated = cuda_emulator_testing::install_nccl() == Installed::Emulated;
    if let Ok(name) = env::var(SCENARIO) {
        let found = runs.iter().find(|run| run.name == name);
        (found.expect("a scenario").scenario)();
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted =
        |run: &&Run| words.is_empty() || words.iter().any(|word| run.told().contains(word));
    let gpus = Device::cuda_count().unwrap_or(0);
    let left_out = match first_alone() {
        Some(Err(Error::NoNccl(why))) => Some(why),
        _ => None,
    };
    // scripts/gpu-suite.run reads both lines
    println!("GPUs: {gpus}");
    println!("NCCL: {}", left_out.as_deref().unwrap_or("found"));
    let mut failed = 0;
    for one in runs.iter().filter(wanted) {
        // of emulated ones each scenario has as many as it wants
        let own = (!emulated).then(|| one.left_out(gpus)).flatten();
        if let Some(why) = left_out.as_ref().or(own.as_ref()) {
            println!("{} ... ignored, {why}", one.told());
            continue;
        }
        match run(one) {
            Ok(()) => println!("{} ... ok", one.told()),
            Err(said) => {
                failed += 1;
                println!("{} ... FAILED\n{said}", one.told());
            }
        }
    }
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
