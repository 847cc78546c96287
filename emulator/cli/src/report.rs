//! What the processes of a run have found.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The reports of all processes, as one.
#[derive(Default)]
pub struct Report {
    findings: Vec<Value>,
    notes: Vec<Value>,
}

impl Report {
    /// Reads all reports in a folder. One that cannot be read is a finding: something was found, and is lost.
    pub fn of(folder: &Path) -> Report {
        let mut report = Report::default();
        let mut files: Vec<_> = fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let mut one: Value = serde_json::from_str(&text).unwrap_or_default();
            let mut take = |part| match one.get_mut(part).map(Value::take) {
                Some(Value::Array(list)) => Some(list),
                _ => None,
            };
            match (take("findings"), take("notes")) {
                (Some(findings), Some(notes)) => {
                    report.findings.extend(findings);
                    report.notes.extend(notes);
                }
                _ => report.findings.push(json!({
                    "kernel": "", "line": 0, "times": 1,
                    "kind": "a process that was ended while it wrote what it had found",
                })),
            }
        }
        report
    }

    /// How often something was wrong.
    pub fn errors(&self) -> u64 {
        let times = |finding: &Value| finding["times"].as_u64().unwrap_or(1);
        self.findings.iter().map(times).sum()
    }

    /// As compute-sanitizer ends: a line for each place, for who hid what was said when it was found, and the sum.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let [kernel, kind] = ["kernel", "kind"].map(|k| finding[k].as_str().unwrap_or(""));
            let [line, times] = ["line", "times"].map(|k| finding[k].as_u64().unwrap_or(0));
            // what is no line's fault has line 0
            let place = match line {
                0 => kernel.to_owned(),
                _ => format!("{kernel}, PTX line {line}"),
            };
            text.push_str(&format!("========= {times} x {place}: {kind}\n"));
        }
        let errors = self.errors();
        let s = if errors == 1 { "" } else { "s" };
        text.push_str(&format!("========= ERROR SUMMARY: {errors} error{s}\n"));
        text
    }

    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, file: &str) -> std::io::Result<()> {
        let all = json!({ "findings": self.findings, "notes": self.notes });
        fs::write(file, format!("{all:#}\n"))
    }
}
