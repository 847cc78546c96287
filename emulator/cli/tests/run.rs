//! The program as it is used: commands run, statuses, and what is found although nobody looks at stderr.

use cudarc::driver::{CudaContext, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Every thread writes its word, of which there may be too few.
const PTX: &str = ".version 8.0\n.target sm_75\n.address_size 64\n\
    .visible .entry fill(.param .u64 y)\n{\n.reg .b64 %a, %i; .reg .u32 %t;\n\
    ld.param.u64 %a, [y]; mov.u32 %t, %tid.x; mul.wide.u32 %i, %t, 4; add.u64 %a, %a, %i;\n\
    st.global.u32 [%a], %t;\n\
    ret;\n}\n";

/// What commands run: `THREADS` threads on 32 words, and an end without a farewell if `LEAVE` says so.
#[test]
fn child() {
    let Some(threads) = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()) else {
        return;
    };
    let context = CudaContext::new(0).unwrap();
    println!(
        "on {} of {}",
        context.name().unwrap(),
        CudaContext::device_count().unwrap()
    );
    let stream = context.default_stream();
    let module = context.load_module(Ptx::from_src(PTX)).unwrap();
    let fill = module.load_function("fill").unwrap();
    let mut y = stream.alloc_zeros::<u32>(32).unwrap();
    let shape = LaunchConfig {
        grid_dim: (1, 1, 1),
        block_dim: (threads, 1, 1),
        shared_mem_bytes: 0,
    };
    // SAFETY: the kernel's parameter; that it may write too far is what is tried.
    unsafe { stream.launch_builder(&fill).arg(&mut y).launch(shape) }.unwrap();
    println!("then {:?}", stream.synchronize().is_ok());
    if std::env::var_os("LEAVE").is_some() {
        std::process::abort();
    }
}

/// What asks for NCCL by its names, and ends a group that nobody began, which is wrong.
#[test]
fn nccl_child() {
    let Some(name) = std::env::var_os("NCCL") else {
        return;
    };
    type Version = unsafe extern "C" fn(*mut i32) -> u32;
    type End = unsafe extern "C" fn() -> u32;
    let mut version = 0;
    // SAFETY: the library's constructors ask for nothing, the signatures are those of nccl.h, the result has room.
    unsafe {
        let library = libloading::Library::new(name).unwrap();
        let get = library.get::<Version>(b"ncclGetVersion").unwrap();
        assert_eq!(get(&raw mut version), 0);
        let end = library.get::<End>(b"ncclGroupEnd").unwrap();
        println!("version {version}, then {}", end());
        std::mem::forget(library);
    }
}

/// The program with options, and a line for a shell; `$CHILD` in it is this test.
fn emulate(options: &[&str], line: &str) -> Output {
    let this = std::env::current_exe().unwrap();
    Command::new(env!("CARGO_BIN_EXE_cuda-emulate"))
        .args(options)
        .args(["sh", "-c", line])
        .env(
            "CHILD",
            format!("{} --exact child --nocapture", this.display()),
        )
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn summary(output: &Output) -> String {
    let told = text(&output.stderr);
    told.lines().last().unwrap_or("").to_owned()
}

#[test]
fn a_program_that_is_right_keeps_its_status() {
    let output = emulate(&[], "THREADS=32 $CHILD && exit 7");
    let out = text(&output.stdout);
    assert!(
        out.contains("on CUDA emulator on the CPU (sm_90) of 1"),
        "{out}"
    );
    assert!(out.contains("then true"), "{out}");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(summary(&output), "========= ERROR SUMMARY: 0 errors");
    assert_eq!(emulate(&[], "exit 0").status.code(), Some(0));
    assert_eq!(emulate(&[], "kill -9 $$").status.code(), Some(128 + 9));
}

#[test]
fn a_finding_is_a_status_of_its_own() {
    let output = emulate(&[], "THREADS=33 $CHILD; exit 0");
    assert_eq!(output.status.code(), Some(86));
    let told = text(&output.stderr);
    assert!(
        told.contains("========= Invalid __global__ write of size 4 bytes"),
        "{told}"
    );
    assert!(
        told.contains("1 x fill, PTX line 8: Invalid __global__ write"),
        "{told}"
    );
    assert_eq!(summary(&output), "========= ERROR SUMMARY: 1 error");
}

/// Test runners hide what is said, and end their workers without ceremony.
#[test]
fn what_is_found_is_heard_of_although_it_is_hidden() {
    for end in ["", "LEAVE=1 "] {
        let line = format!("{end}THREADS=40 $CHILD >/dev/null 2>&1; exit 0");
        let output = emulate(&["--on-fault", "report"], &line);
        assert_eq!(output.status.code(), Some(86), "{end}");
        let told = text(&output.stderr);
        assert!(told.contains("fill, PTX line 8: "), "{told}");
        assert!(summary(&output).ends_with(" errors"), "{told}");
    }
}

#[test]
fn nccl_is_there_by_its_names_and_what_it_finds_counts() {
    let this = std::env::current_exe().unwrap();
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nccl.json");
    for name in ["libnccl.so", "libnccl.so.2"] {
        let line = format!(
            "NCCL={name} {} --exact nccl_child --nocapture 2>/dev/null",
            this.display()
        );
        let output = emulate(&["--report", file.to_str().unwrap()], &line);
        let out = text(&output.stdout);
        assert!(out.contains("version 222"), "{name}: {out}");
        assert!(out.contains("then 5"), "{name}: {out}");
        assert_eq!(output.status.code(), Some(86), "{name}");
        let told = text(&output.stderr);
        assert!(
            told.contains("========= 1 x ncclGroupEnd: no ncclGroupStart was before it\n"),
            "{told}"
        );
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        std::fs::remove_file(&file).unwrap();
        let finding = &report["findings"][0];
        assert_eq!(finding["kernel"], "ncclGroupEnd");
        assert_eq!((&finding["code"], &finding["line"]), (&0.into(), &0.into()));
        assert!(
            finding["report"]
                .as_str()
                .unwrap()
                .starts_with("NCCL: ncclGroupEnd: ")
        );
    }
}

#[test]
fn processes_share_one_report() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report-%p.json");
    let options = ["--on-fault=report", "--report", file.to_str().unwrap()];
    let this = std::env::current_exe().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_cuda-emulate"))
        .args(options)
        .args([
            "sh",
            "-c",
            "THREADS=40 $CHILD; THREADS=34 $CHILD; THREADS=32 $CHILD",
        ])
        .env("CHILD", format!("{} --exact child", this.display()))
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let file = file
        .to_str()
        .unwrap()
        .replace("%p", &child.id().to_string());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(86));
    assert_eq!(summary(&output), "========= ERROR SUMMARY: 10 errors");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let mut times: Vec<_> = findings
        .iter()
        .map(|f| f["times"].as_u64().unwrap())
        .collect();
    times.sort_unstable();
    assert_eq!(times, [2, 8]);
    assert!(
        findings
            .iter()
            .all(|f| f["kernel"] == "fill" && f["code"] == 700)
    );
    assert!(report["notes"].is_array());
}

#[test]
fn options_are_the_emulators_variables() {
    let options = ["--cc", "8.0", "--devices=2", "--trace"];
    let output = emulate(&options, "echo $CUDA_EMULATOR_TRACE; THREADS=32 $CHILD");
    let (out, told) = (text(&output.stdout), text(&output.stderr));
    assert!(out.contains("1\n") && out.contains("(sm_80) of 2"), "{out}");
    assert!(told.contains("cuInit(flags 0) -> 0"), "{told}");
}

/// The README's table of variables and the help are one list.
#[test]
fn every_variable_has_an_option() {
    let output = Command::new(env!("CARGO_BIN_EXE_cuda-emulate"))
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success());
    let help = text(&output.stdout);
    let readme = include_str!("../../README.md");
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `CUDA_EMULATOR_"));
    let variables: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert!(variables.len() > 12, "{variables:?}");
    for variable in &variables {
        assert!(
            help.contains(&format!(" CUDA_EMULATOR_{variable} ")),
            "{variable}\n{help}"
        );
    }
    assert_eq!(
        help.matches(" CUDA_EMULATOR_").count(),
        variables.len(),
        "{help}"
    );
}

#[test]
fn what_cannot_be_run_is_said() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_cuda-emulate"))
            .args(words)
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    for (words, status, says) in [
        (&[][..], 2, "no command"),
        (&["--colour", "red", "sh"], 2, "no option --colour"),
        (&["--cc"], 2, "needs a value"),
        (&["/no/such/program"], 127, "/no/such/program: "),
        (&["/etc/passwd"], 126, "/etc/passwd: "),
    ] {
        let (code, told) = run(words);
        assert_eq!(code, Some(status), "{words:?}: {told}");
        assert!(told.contains(says), "{words:?}: {told}");
    }
    assert_eq!(run(&["--version"]).0, Some(0));
}
