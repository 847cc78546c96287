//! The leading comments of a conformance file.

use crate::value::{Kind, Tolerance, Value};

pub struct Buffer {
    pub kind: Kind,
    pub tolerance: Tolerance,
    pub values: Vec<Value>,
}

pub struct Case {
    pub blocks: u32,
    pub threads: u32,
    pub shared: u32,
    /// 90 for `.target sm_90`.
    pub target: i32,
    /// `sm_90a`: for devices of this capability alone.
    pub exact: bool,
    pub inputs: Vec<Buffer>,
    pub outputs: Vec<Buffer>,
}

impl Case {
    pub fn parse(text: &str) -> Result<Case, String> {
        let mut case = Case {
            blocks: 0,
            threads: 0,
            shared: 0,
            target: 0,
            exact: false,
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let mut has_section = false;
        for line in text.lines() {
            if let Some(target) = line.trim().strip_prefix(".target sm_") {
                let digits: String = target.chars().take_while(char::is_ascii_digit).collect();
                case.exact = target[digits.len()..].starts_with('a');
                case.target = digits
                    .parse()
                    .map_err(|_| format!("wrong target: {line}"))?;
            }
            let Some((key, rest)) = line
                .strip_prefix("// ")
                .and_then(|line| line.split_once(": "))
            else {
                continue;
            };
            match key {
                "section" => has_section = true,
                "launch" => {
                    let figures: Result<Vec<u32>, _> =
                        rest.split_whitespace().map(str::parse).collect();
                    let figures = figures.map_err(|_| format!("wrong launch: {rest}"))?;
                    case.blocks = *figures.first().ok_or("launch lacks blocks")?;
                    case.threads = *figures.get(1).ok_or("launch lacks threads")?;
                    case.shared = figures.get(2).copied().unwrap_or(0);
                }
                _ if key == format!("in{}", case.inputs.len()) => case.inputs.push(buffer(rest)?),
                _ if key == format!("out{}", case.outputs.len()) => {
                    case.outputs.push(buffer(rest)?)
                }
                _ if key.starts_with("in") || key.starts_with("out") => {
                    return Err(format!("{key} is out of order"));
                }
                _ => {}
            }
        }
        if !has_section
            || case.blocks == 0
            || case.threads == 0
            || case.target == 0
            || case.outputs.is_empty()
        {
            return Err("a file needs a section, a launch, a target and an output".into());
        }
        Ok(case)
    }
}

impl Case {
    /// Whether a device of a compute capability, times ten, can run it.
    pub fn runs_on(&self, capability: i32) -> bool {
        if self.exact {
            self.target == capability
        } else {
            self.target <= capability
        }
    }
}

fn buffer(text: &str) -> Result<Buffer, String> {
    let mut words = text.split_whitespace().peekable();
    let kind = words
        .next()
        .and_then(Kind::parse)
        .ok_or_else(|| format!("no type in {text:?}"))?;
    let tolerance = match words.peek().and_then(|word| Tolerance::parse(word)) {
        Some(tolerance) => {
            words.next();
            tolerance
        }
        None => Tolerance::Exact,
    };
    let values: Result<Vec<Value>, String> = words
        .map(|word| {
            kind.value(word)
                .ok_or_else(|| format!("no value: {word:?}"))
        })
        .collect();
    let values = values?;
    if values.is_empty() {
        return Err("a buffer has no elements".into());
    }
    Ok(Buffer {
        kind,
        tolerance,
        values,
    })
}

#[test]
fn a_file_without_an_output_or_section_is_refused() {
    let whole = "// section: 1\n// launch: 1 2\n// out0: u32 1 2\n.target sm_75\n";
    assert!(Case::parse(whole).is_ok());
    for cut in [
        "// section: 1\n",
        "// launch: 1 2\n",
        "// out0: u32 1 2\n",
        ".target sm_75\n",
    ] {
        assert!(
            Case::parse(&whole.replace(cut, "")).is_err(),
            "without {cut:?}"
        );
    }
    assert!(Case::parse(&whole.replace("out0", "out1")).is_err());
    assert!(Case::parse(&whole.replace("1 2\n.", "1 x\n.")).is_err());
}

#[test]
fn an_a_target_is_for_its_own_capability_alone() {
    let case = |target: &str| {
        let text = format!("// section: 1\n// launch: 1 2\n// out0: u32 1 2\n.target {target}\n");
        Case::parse(&text).unwrap()
    };
    let runs = |target: &str| [80, 90, 100, 120].map(|cc| case(target).runs_on(cc));
    assert_eq!(runs("sm_90"), [false, true, true, true]);
    assert_eq!(runs("sm_90a"), [false, true, false, false]);
    assert_eq!(runs("sm_80, debug"), [true; 4]);
}
