//! The Markdown report: device, and per op our time, the peer's, their ratio and the share of the ceiling.

use std::collections::HashMap;
use std::fs;

use warpsmith::Device;

use crate::line::Line;

type Failure = Box<dyn std::error::Error>;

/// Prints the report of one or two files of JSON lines, measured on this machine's GPU.
pub fn write(ours: &str, theirs: Option<&str>) -> Result<(), Failure> {
    let ours = read(ours)?;
    let theirs: HashMap<String, Line> = match theirs {
        Some(path) => read(path)?
            .into_iter()
            .map(|line| (line.key(), line))
            .collect(),
        None => HashMap::new(),
    };
    let ceilings = Ceilings::of(ours.iter().chain(theirs.values()));
    let device = Device::cuda(0)?;
    let (major, minor) = device
        .as_cuda()
        .ok_or("no CUDA device")?
        .compute_capability()?;
    println!("# {device}, compute capability {major}.{minor}\n");
    println!(
        "Medians of 30 samples of 10 launches each, timed with events, warm, inputs rotated past the L2 cache."
    );
    println!(
        "The ceiling is what this run's copy reached, {:.0} GB/s read and written, or for a matmul the",
        ceilings.copy
    );
    println!("fastest matmul of its type in this run, ours or PyTorch's.\n");
    println!(
        "| op | shape | type | ours, ms | PyTorch, ms | PyTorch / ours | rate | of the ceiling |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for line in &ours {
        let peer = theirs.get(&line.key());
        let (rate, share) = ceilings.rate(line);
        println!(
            "| {} | {} | {} | {:.4} | {} | {} | {rate} | {share} |",
            line.name,
            line.shape,
            line.dtype,
            line.ms,
            peer.map_or("-".into(), |p| format!("{:.4}", p.ms)),
            peer.map_or("-".into(), |p| format!("{:.2}", p.ms / line.ms)),
        );
    }
    Ok(())
}

/// The best rates that anything reached in this run.
struct Ceilings {
    copy: f64,
    matmul: HashMap<String, f64>,
}

impl Ceilings {
    fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Self {
        let mut ceilings = Self {
            copy: 0.0,
            matmul: HashMap::new(),
        };
        for line in lines {
            if line.name == "copy" {
                ceilings.copy = ceilings.copy.max(line.gbs.unwrap_or(0.0));
            }
            if let Some(rate) = line.gflops {
                let best = ceilings.matmul.entry(line.dtype.clone()).or_insert(0.0);
                *best = best.max(rate);
            }
        }
        ceilings
    }

    fn rate(&self, line: &Line) -> (String, String) {
        let (text, rate, ceiling) = match (line.gbs, line.gflops) {
            (_, Some(rate)) => (
                format!("{:.1} TFLOP/s", rate / 1e3),
                rate,
                self.matmul.get(&line.dtype).copied(),
            ),
            (Some(rate), None) => (format!("{rate:.0} GB/s"), rate, Some(self.copy)),
            (None, None) => return ("-".into(), "-".into()),
        };
        let share = ceiling
            .filter(|&c| c > 0.0)
            .map_or("-".into(), |c| format!("{:.0} %", 100.0 * rate / c));
        (text, share)
    }
}

fn read(path: &str) -> Result<Vec<Line>, Failure> {
    let text = fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let parse =
        |(i, line)| serde_json::from_str(line).map_err(|e| format!("{path}:{}: {e}", i + 1).into());
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(parse)
        .collect()
}
