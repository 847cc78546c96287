//! What may be asked for: each option is a variable of the emulator's.

use std::collections::BTreeMap;

/// An option: its name, what its value is (nothing for one that is there or not), the variable, and a line of help.
pub struct Spec {
    pub name: &'static str,
    value: &'static str,
    pub variable: &'static str,
    help: &'static str,
}

const fn spec(
    name: &'static str,
    value: &'static str,
    variable: &'static str,
    help: &'static str,
) -> Spec {
    Spec {
        name,
        value,
        variable,
        help,
    }
}

/// The variable that this program sets for itself as well, to hear of what was found.
pub const REPORT: &str = "CUDA_EMULATOR_REPORT";

pub const SPECS: [Spec; 18] = [
    spec(
        "cc",
        "X.Y",
        "CUDA_EMULATOR_CC",
        "compute capability: 7.5, 8.0, 8.6, 8.9, 9.0 (default), 10.0, 12.0",
    ),
    spec(
        "driver",
        "X.Y",
        "CUDA_EMULATOR_DRIVER",
        "the driver's CUDA version, 10.2 to 12.8 (default)",
    ),
    spec(
        "devices",
        "N",
        "CUDA_EMULATOR_DEVICES",
        "how many devices (default 1)",
    ),
    spec(
        "memory",
        "BYTES",
        "CUDA_EMULATOR_MEMORY",
        "memory of each device (default 4 GiB)",
    ),
    spec(
        "checks",
        "LIST",
        "CUDA_EMULATOR_CHECKS",
        "all (default), none, bounds,barriers or -shared_races",
    ),
    spec(
        "on-fault",
        "WHAT",
        "CUDA_EMULATOR_ON_FAULT",
        "stop (default): a fault ends its launch; report: the run goes on",
    ),
    spec(
        "report",
        "FILE",
        REPORT,
        "all findings as JSON, of all processes; %p is this one's number",
    ),
    spec(
        "dump",
        "FOLDER",
        "CUDA_EMULATOR_DUMP",
        "keeps the PTX of every module",
    ),
    spec(
        "count",
        "FILE",
        "CUDA_EMULATOR_COUNT",
        "what each kernel did, as JSON; 1 for a table on stderr",
    ),
    spec(
        "sample",
        "N",
        "CUDA_EMULATOR_SAMPLE",
        "of each launch at most N blocks run, and count for all; results are wrong",
    ),
    spec(
        "streams",
        "WHEN",
        "CUDA_EMULATOR_STREAMS",
        "eager (default), or deferred: work runs when somebody waits for it",
    ),
    spec(
        "order",
        "SEED",
        "CUDA_EMULATOR_ORDER",
        "blocks and warps in another order",
    ),
    spec(
        "approximate",
        "SEED",
        "CUDA_EMULATOR_APPROXIMATE",
        "approximations err as much as they may",
    ),
    spec(
        "accumulate",
        "WAY",
        "CUDA_EMULATOR_ACCUMULATE",
        "forward (default) or backward: sums of Tensor Cores",
    ),
    spec(
        "time-limit",
        "SECONDS",
        "CUDA_EMULATOR_TIME_LIMIT",
        "ends a kernel after so long (default none)",
    ),
    spec(
        "nccl-time-limit",
        "SECONDS",
        "CUDA_EMULATOR_NCCL_TIME_LIMIT",
        "how long a call of NCCL waits for the other ranks (default 30)",
    ),
    spec(
        "plant",
        "FAULTS",
        "CUDA_EMULATOR_PLANT",
        "faults to plant, such as 'softmax_f32 drop bar.sync 0'",
    ),
    spec(
        "trace",
        "",
        "CUDA_EMULATOR_TRACE",
        "every driver call, with its arguments and its answer",
    ),
];

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    Help,
    Version,
    Run {
        variables: BTreeMap<&'static str, String>,
        command: Vec<String>,
    },
}

/// Options up to the first word that is none, or `--`; the rest is the command.
///
/// # Errors
/// What is wrong with them.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut words = words.into_iter().peekable();
    let mut variables = BTreeMap::new();
    while let Some(option) = words.next_if(|word| word.starts_with('-')) {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option.as_str(), None),
        };
        match name {
            "--" => break,
            "-h" | "--help" => return Ok(Asked::Help),
            "-V" | "--version" => return Ok(Asked::Version),
            _ => {}
        }
        let spec = name
            .strip_prefix("--")
            .and_then(|name| SPECS.iter().find(|spec| spec.name == name))
            .ok_or_else(|| format!("there is no option {name}; --help lists them"))?;
        let value = match (spec.value, value) {
            ("", None) => "1".to_owned(),
            ("", Some(_)) => return Err(format!("{name} takes no value")),
            (_, Some(value)) => value,
            (kind, None) => words
                .next()
                .ok_or_else(|| format!("{name} needs a value: {kind}"))?,
        };
        variables.insert(spec.variable, value);
    }
    let command: Vec<String> = words.collect();
    if command.is_empty() {
        return Err("there is no command to run; --help says how".to_owned());
    }
    Ok(Asked::Run { variables, command })
}

pub fn help() -> String {
    let mut text = String::from(
        "cuda-emulate [OPTIONS] [--] CMD [ARG...]

Runs CMD with an emulated CUDA driver as its libcuda.so and an NCCL between emulated devices as its libnccl.so, and says
what its kernels and its collectives did wrong. The exit status is 86 if something was found, else CMD's own.

Each option sets the variable beside it, and a variable that is set already serves as well.
",
    );
    for spec in &SPECS {
        let option = format!("--{} {}", spec.name, spec.value);
        let (variable, help) = (spec.variable, spec.help);
        text.push_str(&format!("\n  {option:<25} {variable:<29} {help}"));
    }
    text.push_str("\n  --help, --version\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Asked, String> {
        parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let asked = words("--cc 8.0 --trace --checks=-shared_races prog --cc 9.0");
        let variables = BTreeMap::from([
            ("CUDA_EMULATOR_CC", "8.0".to_owned()),
            ("CUDA_EMULATOR_TRACE", "1".to_owned()),
            ("CUDA_EMULATOR_CHECKS", "-shared_races".to_owned()),
        ]);
        let command = ["prog", "--cc", "9.0"].map(str::to_owned).to_vec();
        assert_eq!(asked, Ok(Asked::Run { variables, command }));
        let asked = words("-- -odd");
        let (variables, command) = (BTreeMap::new(), vec!["-odd".to_owned()]);
        assert_eq!(asked, Ok(Asked::Run { variables, command }));
        assert_eq!(words("--cc 8.0 --help prog"), Ok(Asked::Help));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, says) in [
            ("", "no command"),
            ("--cc 8.0", "no command"),
            ("--", "no command"),
            ("--colour red prog", "no option --colour"),
            ("-c prog", "no option -c"),
            ("--cc", "needs a value: X.Y"),
            ("--trace=1 prog", "--trace takes no value"),
        ] {
            let error = words(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
