//! Runs that go on behind what is found: this program runs itself again with variables set.

use cudarc::driver::{CudaContext, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;
use std::path::PathBuf;
use std::process::Command;

/// `past(unsigned*, unsigned)` adds to each of its threads' words, of which there may be too few; half a warp of `meet`'s
/// first block waits at a barrier for the others, who have ended, and its second block is right.
const PTX: &str = ".version 8.7\n.target sm_75\n.address_size 64\n\
    .visible .entry _Z4pastPjj(.param .u64 y, .param .u32 n)\n{\n.reg .b64 %a, %i; .reg .u32 %t, %v, %n; .reg .pred %p;\n\
    ld.param.u64 %a, [y]; mov.u32 %t, %tid.x; mul.wide.u32 %i, %t, 4; add.u64 %a, %a, %i;\n\
    ld.param.u32 %n, [n]; setp.ge.u32 %p, %t, %n; @%p ret;\n\
    mov.u32 %v, 77;\n\
    ld.global.u32 %v, [%a];\n\
    add.u32 %v, %v, %t;\n\
    st.global.u32 [%a], %v;\n\
    ret;\n}\n\
    .visible .entry meet(.param .u64 y, .param .u32 n)\n{\n.reg .b64 %y, %i; .reg .u32 %t, %b; .reg .pred %p;\n\
    mov.u32 %t, %tid.x; mov.u32 %b, %ctaid.x; setp.ne.u32 %p, %b, 0; @%p bra F;\n\
    setp.ge.u32 %p, %t, 16; @%p bra F; bar.sync 0;\n\
    F: setp.ne.u32 %p, %t, 0; @%p ret; mul.wide.u32 %i, %b, 4; ld.param.u64 %y, [y]; add.u64 %y, %y, %i;\n\
    st.global.u32 [%y], 5; ret;\n}\n";

const WORDS: usize = 40;

/// What the tests run again: launches that are wrong, then one that is right, in one context.
#[test]
fn child() {
    cuda_emulator_testing::install();
    if std::env::var_os("CHILD").is_none() {
        return;
    }
    let context = CudaContext::new(0).unwrap();
    let stream = context.default_stream();
    let module = context.load_module(Ptx::from_src(PTX)).unwrap();
    let mut y = stream.clone_htod(&[100u32; WORDS]).unwrap();
    let past = module.load_function("_Z4pastPjj").unwrap();
    let meet = module.load_function("meet").unwrap();
    for (function, blocks, n) in [
        (&past, 1, 64u32),
        (&past, 1, 64),
        (&meet, 2, 0),
        (&past, 1, WORDS as u32),
    ] {
        let shape = LaunchConfig {
            grid_dim: (blocks, 1, 1),
            block_dim: (64, 1, 1),
            shared_mem_bytes: 0,
        };
        let mut launch = stream.launch_builder(function);
        // SAFETY: the kernels take these arguments; what they do wrong is what is tested.
        let launched = unsafe { launch.arg(&mut y).arg(&n).launch(shape) };
        println!(
            "launched: {}",
            launched.is_ok() && stream.synchronize().is_ok()
        );
    }
    match stream.clone_dtoh(&y) {
        Ok(words) => println!("words: {words:?}"),
        Err(error) => println!("words: {error}"),
    }
}

struct Run {
    out: String,
    told: String,
}

fn run(variables: &[(&str, &str)]) -> Run {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env("WARPSMITH_DEVICE", "emulator")
        .env("CHILD", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let [out, told] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
    assert!(output.status.success(), "{out}\n{told}");
    Run { out, told }
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("cuda-emulator-{name}-{}", std::process::id()))
}

#[test]
fn a_fault_ends_all_unless_runs_go_on() {
    let stopped = run(&[]);
    assert_eq!(stopped.out.matches("launched: true").count(), 0);
    assert!(!stopped.told.contains("places"), "{}", stopped.told);

    let on = run(&[("CUDA_EMULATOR_ON_FAULT", "report")]);
    assert_eq!(on.out.matches("launched: true").count(), 4, "{}", on.out);
    // each good lane did its part three times; of `meet` the second block did, the first was ended
    let mut words: Vec<u32> = (0..WORDS as u32).map(|t| 100 + 3 * t).collect();
    words[1] = 5 + 1;
    let first = on.out.split("words: ").nth(1).unwrap();
    let given: Vec<u32> = first[1..first.find(']').unwrap()]
        .split(", ")
        .map(|n| n.parse().unwrap())
        .collect();
    assert_eq!(given, words);
    // one report for each place, with the names that people write and the line itself
    let told = &on.told;
    assert_eq!(
        told.matches("========= Invalid __global__ read").count(),
        1,
        "{told}"
    );
    assert_eq!(
        told.matches("========= Invalid __global__ write").count(),
        1,
        "{told}"
    );
    assert!(
        told.contains("at past(unsigned int*, unsigned int), PTX line 10"),
        "{told}"
    );
    assert!(told.contains("> ld.global.u32 %v, [%a];"), "{told}");
    assert!(
        told.contains("places") && told.contains("48 x past(unsigned int*"),
        "{told}"
    );
}

#[test]
fn findings_go_to_a_file_whether_runs_go_on_or_not() {
    for (mode, places) in [("report", 3), ("stop", 1)] {
        let file = temporary(mode);
        let path = file.to_str().unwrap();
        run(&[
            ("CUDA_EMULATOR_ON_FAULT", mode),
            ("CUDA_EMULATOR_REPORT", path),
        ]);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let all: serde_json::Value = serde_json::from_str(&text).unwrap();
        let found = all["findings"].as_array().unwrap();
        assert_eq!(found.len(), places, "{text}");
        assert_eq!(found[0]["kernel"], "past(unsigned int*, unsigned int)");
        assert_eq!(found[0]["symbol"], "_Z4pastPjj");
        assert_eq!(found[0]["line"], 10);
        assert_eq!(found[0]["ptx"], "ld.global.u32 %v, [%a];");
        assert_eq!(found[0]["code"], 700);
        assert_eq!(found[0]["times"], if mode == "report" { 48 } else { 1 });
    }
}

#[test]
fn every_module_is_kept() {
    let folder = temporary("dump");
    run(&[("CUDA_EMULATOR_DUMP", folder.to_str().unwrap())]);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(files.len(), 1);
    let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(text, PTX);
}
