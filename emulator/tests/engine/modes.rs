//! The ways in which hardware may differ: other orders, other sums.

use super::*;
use cuda_emulator::exec::order::Order;

fn run(text: &str, threads: u32, options: &Options) -> Vec<u32> {
    let device = Device::body(text);
    let kernel = device.module.kernel("k").expect("kernel");
    let config = LaunchConfig {
        grid: [1; 3],
        block: [threads, 1, 1],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let (a, b) = (device.upload(&[0u32]), device.upload(&[0u32; 32]));
    launch(
        &kernel,
        &config,
        &params(&[a, b, 0], 0),
        &device.memory,
        options,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    device.download(b, 32)
}

#[test]
fn warps_come_in_the_order_of_the_seed() {
    let ticket = "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x; and.b32 %r2, %r1, 31; \
         setp.ne.u32 %p1, %r2, 0; @%p1 bra E; atom.global.add.u32 %r3, [%rd1], 1; \
         shr.u32 %r4, %r1, 5; mul.wide.u32 %rd3, %r4, 4; add.u64 %rd2, %rd2, %rd3; st.global.u32 [%rd2], %r3; E: ret;";
    let came = |order: Option<Order>| {
        run(
            ticket,
            1024,
            &Options {
                order,
                ..Options::default()
            },
        )
    };
    let (first, other) = (came(None), came(Some(Order(7))));
    assert_eq!(first, (0..32).collect::<Vec<_>>());
    assert_ne!(other, first);
    let mut sorted = other.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, first);
    assert_eq!(came(Some(Order(7))), other);
}

/// What number thread 0 of each of 32 blocks drew, where one worker runs them.
fn blocks_came(order: Option<Order>) -> Vec<u32> {
    let device = Device::body(
        "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %ctaid.x; atom.global.add.u32 %r3, [%rd1], 1; \
         mul.wide.u32 %rd3, %r1, 4; add.u64 %rd2, %rd2, %rd3; st.global.u32 [%rd2], %r3; ret;",
    );
    let kernel = device.module.kernel("k").expect("kernel");
    let config = LaunchConfig {
        grid: [32, 1, 1],
        block: [1; 3],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let options = Options {
        order,
        ..Options::default()
    };
    let (a, b) = (device.upload(&[0u32]), device.upload(&[0u32; 32]));
    let params = params(&[a, b, 0], 0);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.expect("a thread")
        .install(|| launch(&kernel, &config, &params, &device.memory, &options))
        .unwrap_or_else(|e| panic!("{e}"));
    device.download(b, 32)
}

#[test]
fn blocks_come_in_the_order_of_the_seed() {
    let line: Vec<u32> = (0..32).collect();
    assert_eq!(blocks_came(None), line);
    let all = [1, 2, 3].map(|seed| blocks_came(Some(Order(seed))));
    for came in &all {
        let mut sorted = came.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, line);
    }
    assert!(
        all[0] != all[1] && all[1] != all[2] && all[0] != all[2],
        "{all:?}"
    );
    assert!(all.iter().any(|came| *came != line));
    assert_eq!(blocks_came(Some(Order(1))), all[0]);
}

#[test]
fn each_round_has_an_order_of_its_own() {
    // every warp draws a number, waits for all, and draws again
    let draw = "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x; and.b32 %r2, %r1, 31; setp.ne.u32 %p1, %r2, 0; \
         shr.u32 %r4, %r1, 5; mul.wide.u32 %rd3, %r4, 4; add.u64 %rd2, %rd2, %rd3;\n\
         @%p1 bra B; atom.global.add.u32 %r3, [%rd1], 1; st.global.u32 [%rd2], %r3; B: bar.sync 0;\n\
         @%p1 bra E; atom.global.add.u32 %r3, [%rd1], 1; st.global.u32 [%rd2+64], %r3; E: ret;";
    let same = (1..9).filter(|seed| {
        let options = Options {
            order: Some(Order(*seed)),
            ..Options::default()
        };
        let drawn = run(draw, 512, &options);
        let (first, second) = drawn.split_at(16);
        second.iter().zip(first).all(|(b, a)| *b == a + 16)
    });
    assert!(same.count() < 4);
}

#[test]
fn sums_against_k_are_truncated() {
    // 1 + 16 * 1.5 * 2^-24: to nearest each step is a unit more, truncated none is; f16 0x0E00 is 1.5 * 2^-12
    let sum = "ld.param.u64 %rd2, [b]; mov.b32 %r1, 0x0E000E00; mov.b32 %r2, 0x0C000C00; mov.f32 %f1, 0f3F800000;\n\
         mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f2, %f3, %f4, %f5}, {%r1, %r1, %r1, %r1}, {%r2, %r2}, {%f1, %f1, %f1, %f1};\n\
         mov.u32 %r3, %tid.x; mul.wide.u32 %rd3, %r3, 4; add.u64 %rd2, %rd2, %rd3; st.global.f32 [%rd2], %f2; ret;";
    let value = |sums_backward: bool| {
        run(
            sum,
            32,
            &Options {
                sums_backward,
                ..Options::default()
            },
        )
    };
    assert_eq!(value(false), vec![1f32.to_bits() + 16; 32]);
    assert_eq!(value(true), vec![1f32.to_bits(); 32]);
}
