//! What the environment asks for: this program runs itself again with a variable set.

use std::process::{Command, Output};

use cuda_emulator_testing::counts::{Class, Kernels, from_json};
use cudarc::driver::{CudaContext, DeviceRepr, LaunchConfig, PushKernelArg, ValidAsZeroBits, sys};
use cudarc::nvrtc::Ptx;

const PTX: &str = ".version 8.7\n.target sm_80\n.address_size 64\n\
    .visible .entry powers(.param .u64 y)\n{\n.reg .b64 %a; .reg .u32 %t; .reg .f32 %x; .reg .b64 %i;\n\
    ld.param.u64 %a, [y]; mov.u32 %t, %tid.x; mul.wide.u32 %i, %t, 4; add.u64 %a, %a, %i;\n\
    cvt.rn.f32.u32 %x, %t; mul.f32 %x, %x, 0f3DCCCCCD; ex2.approx.f32 %x, %x; st.global.f32 [%a], %x; ret;\n}\n\
    .global .u32 drawn;\n.visible .entry tickets(.param .u64 y)\n{\n.reg .b64 %a, %i; .reg .u32 %t, %n; .reg .pred %p;\n\
    ld.param.u64 %a, [y]; mov.u32 %t, %tid.x; and.b32 %n, %t, 31; setp.ne.u32 %p, %n, 0; @%p ret;\n\
    shr.u32 %t, %t, 5; mul.wide.u32 %i, %t, 4; add.u64 %a, %a, %i;\n\
    atom.global.add.u32 %n, [drawn], 1; st.global.u32 [%a], %n; ret;\n}\n";

/// What a kernel leaves of zeros, with so many threads.
fn left<T: DeviceRepr + ValidAsZeroBits>(kernel: &str, threads: u32, count: usize) -> Vec<T> {
    let context = CudaContext::new(0).unwrap();
    let stream = context.default_stream();
    let kernel = context
        .load_module(Ptx::from_src(PTX))
        .and_then(|module| module.load_function(kernel))
        .unwrap();
    let mut y = stream.alloc_zeros::<T>(count).unwrap();
    let shape = LaunchConfig {
        grid_dim: (1, 1, 1),
        block_dim: (threads, 1, 1),
        shared_mem_bytes: 0,
    };
    // SAFETY: the kernels write a number for each of their threads, or warps: no more than the callers ask for.
    unsafe { stream.launch_builder(&kernel).arg(&mut y).launch(shape) }.unwrap();
    stream.clone_dtoh(&y).unwrap()
}

/// 64 powers of two, by `ex2.approx`.
fn powers() -> Vec<f32> {
    left("powers", 64, 64)
}

/// What `child` prints with a variable set.
fn with(name: &str, value: &str) -> String {
    run("child", name, value)
}

fn child_with(child: &str, name: &str, value: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture"])
        .env("WARPSMITH_DEVICE", "emulator")
        .env(name, value)
        .output()
        .unwrap()
}

fn run(child: &str, name: &str, value: &str) -> String {
    let output = child_with(child, name, value);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    text + &String::from_utf8_lossy(&output.stderr)
}

/// The powers among it.
fn printed(text: &str) -> Vec<f32> {
    let line = text.lines().find_map(|line| line.split("powers:").nth(1));
    let numbers = line.expect("powers are printed").split_whitespace();
    numbers
        .map(|n| f32::from_bits(n.parse().unwrap()))
        .collect()
}

/// What the others run again.
#[test]
fn child() {
    cuda_emulator_testing::install();
    let bits: Vec<String> = powers().iter().map(|y| y.to_bits().to_string()).collect();
    println!("powers: {}", bits.join(" "));
}

/// Likewise.
#[test]
fn drawing_child() {
    cuda_emulator_testing::install();
    println!("drawn: {:?}", left::<u32>("tickets", 1024, 32));
}

#[test]
fn warps_come_in_the_order_of_the_seed() {
    let drawn = |name: &str, value: &str| {
        let text = run("drawing_child", name, value);
        let line = text.lines().find_map(|line| line.split("drawn: ").nth(1));
        line.expect("numbers are printed").to_owned()
    };
    let plain = drawn("UNUSED", "");
    assert_eq!(plain, format!("{:?}", (0..32).collect::<Vec<_>>()));
    let [one, two] = ["1", "2"].map(|seed| drawn("CUDA_EMULATOR_ORDER", seed));
    assert!(one != plain && two != plain && one != two, "{one} {two}");
    assert_eq!(drawn("CUDA_EMULATOR_ORDER", "1"), one);
}

#[test]
fn approximations_err_by_the_seed() {
    let [exact, one, two] = [
        ("", ""),
        ("CUDA_EMULATOR_APPROXIMATE", "1"),
        ("CUDA_EMULATOR_APPROXIMATE", "2"),
    ]
    .map(|(name, value)| printed(&with(if name.is_empty() { "UNUSED" } else { name }, value)));
    assert_eq!(exact.len(), 64);
    assert!(one != exact && two != exact && one != two);
    for blurred in [one, two] {
        for (y, exact) in blurred.iter().zip(&exact) {
            let units = (y.to_bits() as i32 - exact.to_bits() as i32).abs();
            assert!(units <= 2, "{y} {exact}");
        }
    }
}

/// Likewise.
#[test]
fn loading_child() {
    cuda_emulator_testing::install();
    let mut version = 0;
    // SAFETY: the result has room.
    let code = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    println!("driver: {code:?} {version}");
    let context = CudaContext::new(0).unwrap();
    for version in [
        "6.5", "7.0", "7.8", "8.0", "8.4", "8.5", "8.6", "8.7", "8.8", "9.0",
    ] {
        let text = PTX.replace(".version 8.7", &format!(".version {version}"));
        match context.load_module(Ptx::from_src(text)) {
            Ok(_) => println!("{version} is taken"),
            Err(error) => println!("{version} is refused: {:?}", error.0),
        }
    }
}

#[test]
fn an_older_driver_refuses_newer_ptx() {
    for (driver, number, taken, refused) in [
        ("10.2", 10020, "6.5", "7.0"),
        ("11.0", 11000, "7.0", "7.8"),
        ("11.8", 11080, "7.8", "8.0"),
        ("12.0", 12000, "8.0", "8.4"),
        ("12.6", 12060, "8.5", "8.6"),
        (" 12.8 ", 12080, "8.7", "8.8"),
    ] {
        let text = run("loading_child", "CUDA_EMULATOR_DRIVER", driver);
        for line in [
            format!("driver: CUDA_SUCCESS {number}\n"),
            format!("{taken} is taken\n"),
            format!("{refused} is refused: CUDA_ERROR_UNSUPPORTED_PTX_VERSION\n"),
            "9.0 is refused: CUDA_ERROR_UNSUPPORTED_PTX_VERSION\n".to_owned(),
            format!("PTX line 1: it is PTX {refused}, and this driver takes {taken} or older"),
        ] {
            assert!(
                text.contains(&line),
                "{driver}: {line:?} is not in:\n{text}"
            );
        }
    }
}

#[test]
fn a_driver_that_never_was_is_refused() {
    for wrong in ["", "12", "12.0.1", "8.0", "12.9", "12.00", "newest"] {
        let output = child_with("child", "CUDA_EMULATOR_DRIVER", wrong);
        let text = String::from_utf8_lossy(&output.stderr);
        let says = format!("CUDA_EMULATOR_DRIVER is {wrong:?}; it can be 10.2, 11.0 to 11.8");
        assert!(!output.status.success() && text.contains(&says), "{text}");
    }
}

#[test]
fn counts_go_to_a_file_or_to_stderr() {
    let file =
        std::env::temp_dir().join(format!("cuda-emulator-counts-{}.json", std::process::id()));
    with("CUDA_EMULATOR_COUNT", file.to_str().unwrap());
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let kernels: Kernels = from_json(&text).unwrap();
    let counts = &kernels["powers"];
    assert_eq!(
        (kernels.len(), counts.launches, counts.block_threads),
        (1, 1, 64)
    );
    assert_eq!(counts.instructions[&Class::Special], 2);
    assert_eq!(
        (counts.global_written.sectors, counts.global_written.unique),
        (8, 256)
    );
    let table = with("CUDA_EMULATOR_COUNT", "1");
    assert!(table.contains("powers: 1 launches"), "{table}");
    assert!(!with("CUDA_EMULATOR_COUNT", "0").contains("launches"));
}

#[test]
fn a_test_counts_around_what_it_launches() {
    if !cuda_emulator_testing::emulated() {
        return;
    }
    let kernels = cuda_emulator_testing::count(|| {
        powers();
        powers();
    });
    assert_eq!(kernels["powers"].launches, 2);
    assert_eq!(kernels["powers"].active_lanes(), 1.0);
    assert!(cuda_emulator_testing::count(|| {}).is_empty());
}

/// Likewise: what the device says of itself, and a module that is for one of its kind alone.
#[test]
fn limits_child() {
    use cudarc::driver::sys::CUdevice_attribute_enum as Attribute;
    cuda_emulator_testing::install();
    let context = CudaContext::new(0).unwrap();
    let limits = [
        Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
        Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR,
    ]
    .map(|a| context.attribute(a).unwrap());
    let loads = |target: &str| {
        let text = PTX.replace("sm_80", target);
        context.load_module(Ptx::from_src(text)).is_ok()
    };
    let targets = ["sm_80", "sm_89", "sm_90a", "sm_100a", "sm_100f", "sm_120"];
    println!("limits: {limits:?} {:?}", targets.map(loads));
}

#[test]
fn every_chip_has_its_limits() {
    for (chip, limits, loads) in [
        ("8.6", "8, 6, 101376, 1536", [1, 0, 0, 0, 0, 0]),
        ("8.9", "8, 9, 101376, 1536", [1, 1, 0, 0, 0, 0]),
        ("9.0", "9, 0, 232448, 2048", [1, 1, 1, 0, 0, 0]),
        ("10.0", "10, 0, 232448, 2048", [1, 1, 0, 1, 1, 0]),
        ("12.0", "12, 0, 101376, 1536", [1, 1, 0, 0, 0, 1]),
    ] {
        let text = run("limits_child", "CUDA_EMULATOR_CC", chip);
        let wanted = format!("limits: [{limits}] {:?}", loads.map(|n| n == 1));
        assert!(text.contains(&wanted), "{wanted} {text}");
    }
}

/// Likewise: some calls, and a look for what is not there.
#[test]
fn calling_child() {
    use cudarc::driver::sys;
    cuda_emulator_testing::install();
    let (mut address, mut found) = (0, std::ptr::null_mut());
    let mut status = sys::CUdriverProcAddressQueryResult::CU_GET_PROC_ADDRESS_SUCCESS;
    // SAFETY: results have room, names end in NUL.
    unsafe {
        sys::cuInit(0);
        sys::cuMemAlloc_v2(&raw mut address, 12345);
        for name in [c"cuNoSuchThing", c"cuNorThis", c"cuNoSuchThing"] {
            sys::cuGetProcAddress_v2(name.as_ptr(), &raw mut found, 12080, 0, &raw mut status);
        }
        sys::cuModuleLoad(std::ptr::null_mut(), c"/no/such/file".as_ptr());
    }
}

#[test]
fn a_trace_shows_arguments_and_what_was_not_found() {
    if !cuda_emulator_testing::emulated() {
        return;
    }
    let text = run("calling_child", "CUDA_EMULATOR_TRACE", "1");
    assert!(text.contains("cuInit(flags 0) -> 0"), "{text}");
    assert!(text.contains("bytes 12345) -> 201"), "{text}");
    assert!(
        text.contains("cuModuleLoad(result null, name \"/no/such/file\") -> "),
        "{text}"
    );
    let end = "cuGetProcAddress did not find: cuNoSuchThing, cuNorThis\n";
    assert_eq!(text.matches(end).count(), 1, "{text}");
    assert!(!run("calling_child", "CUDA_EMULATOR_TRACE", "0").contains("cuda-emulator: cu"));
}
