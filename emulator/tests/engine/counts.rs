//! What is counted of kernels whose accesses are known.

use super::*;
use cuda_emulator::exec::launch_counted;
use cuda_emulator_counts::{Class, Counts, Global, Shared};

/// Counts one block of this body; `a` and `b` are 64 KiB each, `%r1` is the thread, `%rd1` and `%rd2` are `a` and `b`.
fn count(threads: u32, text: &str) -> Counts {
    let device = Device::body(&format!(
        ".shared .align 16 .b8 s[32768];\nld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x;\n{text}\nret;"
    ));
    let kernel = device.module.kernel("k").expect("kernel");
    let config = LaunchConfig {
        grid: [1; 3],
        block: [threads, 1, 1],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let room = || device.upload(&[0u8; 65536]);
    let params = params(&[room(), room(), 0], 0);
    let options = Options::default();
    launch_counted(&kernel, &config, &params, &device.memory, &options)
        .unwrap_or_else(|fault| panic!("{fault}"))
}

/// One load of a warp, each lane at `step` bytes behind the last.
fn global(load: &str, step: u32, plus: u32) -> Global {
    let text =
        format!("mul.wide.u32 %rd3, %r1, {step}; add.u64 %rd3, %rd1, %rd3; {load}, [%rd3+{plus}];");
    let counts = count(32, &text);
    assert_eq!(counts.global_written, Global::default());
    counts.global_read
}

/// Of which no sector is touched twice by a block.
fn traffic(requests: u64, sectors: u64, bytes: u64, unique: u64) -> Global {
    Global {
        requests,
        sectors,
        block_sectors: sectors,
        bytes,
        unique,
    }
}

#[test]
fn global_loads_move_whole_sectors() {
    assert_eq!(global("ld.global.f32 %f1", 4, 0), traffic(1, 4, 128, 128));
    assert_eq!(global("ld.global.f32 %f1", 4, 4), traffic(1, 5, 128, 128));
    assert_eq!(global("ld.global.f32 %f1", 32, 0), traffic(1, 32, 128, 128));
    assert_eq!(global("ld.global.f32 %f1", 8, 0), traffic(1, 8, 128, 128));
    assert_eq!(global("ld.global.f32 %f1", 0, 0), traffic(1, 1, 128, 4));
    assert_eq!(
        global("ld.global.v4.f32 {%f1, %f2, %f3, %f4}", 16, 0),
        traffic(1, 16, 512, 512)
    );
    assert_eq!(global("ld.global.u8 %rs1", 1, 0), traffic(1, 1, 32, 32));
}

#[test]
fn parameters_are_no_global_memory() {
    let counts = count(
        32,
        "mov.b64 %rd3, a; add.u64 %rd3, %rd3, 8; ld.param.u64 %rd4, [%rd3];\n\
         cvta.param.u64 %rd3, %rd3; ld.u64 %rd4, [%rd3];",
    );
    assert_eq!(counts.instructions[&Class::LoadParam], 3);
    assert_eq!(counts.global_read, Global::default());
}

#[test]
fn unique_bytes_count_once_in_a_launch() {
    // two warps read the same 128 bytes twice, and write 256
    let counts = count(
        64,
        "and.b32 %r2, %r1, 31; mul.wide.u32 %rd3, %r2, 4; add.u64 %rd3, %rd1, %rd3;\n\
         ld.global.f32 %f1, [%rd3]; ld.global.f32 %f2, [%rd3];\n\
         mul.wide.u32 %rd4, %r1, 4; add.u64 %rd4, %rd2, %rd4; st.global.f32 [%rd4], %f1;",
    );
    let again = Global {
        block_sectors: 4,
        ..traffic(4, 16, 512, 128)
    };
    assert_eq!(counts.global_read, again);
    assert_eq!(counts.global_written, traffic(2, 8, 256, 256));
    assert_eq!((counts.moved(), counts.unique()), (768, 384));
    assert_eq!(counts.moved_by_blocks(), 384);
    assert_eq!(counts.instructions[&Class::LoadGlobal], 4);
    assert_eq!(counts.instructions[&Class::StoreGlobal], 2);
    assert_eq!(counts.instructions[&Class::LoadParam], 4);
}

/// One store of a warp to shared memory, each lane `step` bytes behind the last.
fn shared(store: &str, step: u32) -> (u64, u64) {
    let text = format!("mov.u32 %r3, s; mad.lo.u32 %r3, %r1, {step}, %r3; st.shared{store};");
    let counts = count(32, &text);
    assert_eq!(counts.shared_read, Shared::default());
    assert_eq!(counts.shared_written.accesses, 1);
    (
        counts.shared_written.wavefronts,
        counts.shared_written.ideal,
    )
}

#[test]
fn banks_of_shared_memory_conflict() {
    let word = ".u32 [%r3], %r1";
    assert_eq!(shared(word, 4), (1, 1));
    assert_eq!(shared(word, 8), (2, 1));
    assert_eq!(shared(word, 128), (32, 1));
    assert_eq!(shared(word, 132), (1, 1));
    // four lanes in a word
    assert_eq!(shared(".u8 [%r3], %r1", 1), (1, 1));
    // by half-warps, and by quarters
    let two = ".v2.u32 [%r3], {%r1, %r1}";
    assert_eq!(shared(two, 8), (2, 2));
    assert_eq!(shared(two, 16), (4, 2));
    let four = ".v4.u32 [%r3], {%r1, %r1, %r1, %r1}";
    assert_eq!(shared(four, 16), (4, 4));
    assert_eq!(shared(four, 144), (4, 4));
    assert_eq!(shared(four, 128), (32, 4));
}

#[test]
fn all_lanes_may_read_one_word() {
    let counts = count(
        32,
        "mov.u32 %r3, s; setp.ne.u32 %p1, %r1, 0; @%p1 bra L; st.shared.u32 [%r3], %r1; L: bar.sync 0; ld.shared.u32 %r4, [%r3];",
    );
    let one = Shared {
        accesses: 1,
        wavefronts: 1,
        ideal: 1,
    };
    assert_eq!((counts.shared_read, counts.shared_written), (one, one));
    assert_eq!(counts.instructions[&Class::Barrier], 1);
}

#[test]
fn divergence_shows_in_branches_and_lanes() {
    let counts = count(
        64,
        "setp.lt.u32 %p1, %r1, 8; @%p1 bra L; add.u32 %r2, %r1, 1; L: setp.lt.u32 %p2, %r1, 64; @%p2 bra M; trap; M:",
    );
    // the first warp parts at the first branch and meets again; the second agrees on all
    assert_eq!((counts.branches, counts.diverged), (4, 1));
    // with `ret` 8 instructions outside the branch, and one inside
    let of = |class: Class| counts.instructions.get(&class).copied().unwrap_or(0);
    assert_eq!(of(Class::Integer), 2);
    assert_eq!(of(Class::Branch), 2 * 3);
    assert_eq!(counts.warp_instructions(), 2 * 9);
    assert_eq!(counts.lanes, 2 * 8 * 32 + 24 + 32);
}

#[test]
fn jumps_by_a_table_diverge_where_lanes_disagree() {
    let jump = |index: &str| {
        let text = format!(
            "{index} T: .branchtargets A, B; brx.idx %r2, T; A: mov.u32 %r3, 1; bra E; B: mov.u32 %r3, 2; E:"
        );
        let counts = count(32, &text);
        (counts.branches, counts.diverged)
    };
    assert_eq!(jump("mov.u32 %r2, 1;"), (1, 0));
    assert_eq!(jump("and.b32 %r2, %r1, 1;"), (1, 1));
}

#[test]
fn a_collective_counts_once_when_its_lanes_have_met() {
    // the lanes that are there first wait for those that go round by H
    let counts = count(
        32,
        "setp.lt.u32 %p1, %r1, 8; @%p1 bra H; L: shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1; bra E; H: mov.u32 %r3, 5; bra L; E:",
    );
    assert_eq!(counts.instructions[&Class::Shuffle], 1);
    assert_eq!(counts.lanes, 32 * counts.warp_instructions() - 2 * 24);
}

#[test]
fn guarded_instructions_count_where_the_guard_holds() {
    let counts = count(
        32,
        "setp.lt.u32 %p1, %r1, 8; mul.wide.u32 %rd3, %r1, 4; add.u64 %rd3, %rd1, %rd3; @%p1 ld.global.f32 %f1, [%rd3]; \
         setp.lt.u32 %p2, %r1, 0; @%p2 ld.global.f32 %f1, [%rd3];",
    );
    assert_eq!(counts.global_read, traffic(1, 1, 32, 32));
    assert_eq!(counts.branches, 0);
}

#[test]
fn asynchronous_copies_count_on_both_sides() {
    let counts = count(
        32,
        "mul.wide.u32 %rd3, %r1, 16; add.u64 %rd3, %rd1, %rd3; mov.u32 %r3, s; mad.lo.u32 %r3, %r1, 32, %r3;\n\
         cp.async.cg.shared.global [%r3], [%rd3], 16; cp.async.wait_all;",
    );
    assert_eq!(counts.global_read, traffic(1, 16, 512, 512));
    assert_eq!(counts.shared_written.conflicts(), 4);
    assert_eq!(counts.instructions[&Class::AsyncCopy], 2);
}

#[test]
fn matrices_count_their_rows_and_products() {
    // rows of 16 bytes, side by side or 128 bytes apart
    let load = |step: u32| {
        let text = format!(
            "mov.u32 %r3, s; shl.b32 %r4, %r1, 8; add.u32 %r4, %r4, %r3; \
             mov.u32 %r9, 0; Z: add.u32 %r8, %r4, %r9; st.shared.u32 [%r8], 0; add.u32 %r9, %r9, 4; setp.lt.u32 %p1, %r9, 256; @%p1 bra Z; \
             bar.sync 0; mad.lo.u32 %r3, %r1, {step}, %r3; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {{%r4, %r5, %r6, %r7}}, [%r3];\n\
             mov.f32 %f1, 0f00000000; mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {{%f1, %f2, %f3, %f4}}, {{%r4, %r5, %r6, %r7}}, {{%r4, %r5}}, {{%f1, %f1, %f1, %f1}};"
        );
        count(32, &text)
    };
    let (dense, apart) = (load(16), load(128));
    assert_eq!(
        (dense.shared_read.wavefronts, dense.shared_read.ideal),
        (4, 4)
    );
    assert_eq!(
        (apart.shared_read.wavefronts, apart.shared_read.ideal),
        (32, 4)
    );
    assert_eq!(dense.tensor_flop, 2 * 16 * 8 * 16);
    assert_eq!(dense.instructions[&Class::Matrix], 1);
    assert_eq!(dense.instructions[&Class::Tensor], 1);
}

#[test]
fn fragments_count_as_lines_of_their_blocks() {
    // 16 x 16 of f16 in rows of 16, 24 and 64 elements: 8 rows of 16 bytes a block
    let load = |stride: u32| {
        let text = format!(
            "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {{%r2, %r3, %r4, %r5, %r6, %r7, %r8, %r9}}, [%rd1], {stride};\n\
             mov.u32 %r20, s; mov.f32 %f1, 0f00000000;\n\
             wmma.store.d.sync.aligned.row.m16n16k16.shared.f32 [%r20], {{%f1, %f1, %f1, %f1, %f1, %f1, %f1, %f1}}, {stride};"
        );
        count(32, &text)
    };
    let counts = load(16);
    // neighbouring blocks have a half each of the same sectors
    let halves = Global {
        block_sectors: 16,
        ..traffic(4, 32, 512, 512)
    };
    assert_eq!(counts.global_read, halves);
    // rows of 64 bytes: of a half-warp's four, the first and third meet; padded to 96 bytes none do
    assert_eq!(
        (
            counts.shared_written.wavefronts,
            counts.shared_written.ideal
        ),
        (16, 8)
    );
    assert_eq!(load(24).shared_written.conflicts(), 0);
    assert_eq!(load(64).shared_written.wavefronts, 32);
}

/// Counts blocks that store a word for each thread and read 128 bytes that all share, of which a sample runs.
fn of_blocks(blocks: u32, sample: Option<u64>) -> Counts {
    let device = Device::body(
        "ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;\n\
         mul.wide.u32 %rd3, %r1, 4; add.u64 %rd1, %rd1, %rd3; ld.global.f32 %f1, [%rd1];\n\
         mad.lo.u32 %r3, %r2, 32, %r1; mul.wide.u32 %rd3, %r3, 4; add.u64 %rd2, %rd2, %rd3;\n\
         st.global.f32 [%rd2], %f1; ret;",
    );
    let kernel = device.module.kernel("k").expect("kernel");
    let config = LaunchConfig {
        grid: [blocks, 1, 1],
        block: [32, 1, 1],
        dynamic_shared: 0,
        cluster: None,
        cooperative: false,
    };
    let params = params(
        &[device.upload(&[0u8; 128]), device.upload(&[0u8; 65536]), 0],
        0,
    );
    let options = Options {
        sample,
        ..Options::default()
    };
    launch_counted(&kernel, &config, &params, &device.memory, &options)
        .unwrap_or_else(|fault| panic!("{fault}"))
}

#[test]
fn a_sample_counts_for_all() {
    for (blocks, sample) in [(100, 10), (512, 8), (5, 100)] {
        let all = of_blocks(blocks, None);
        assert_eq!(all.blocks, u64::from(blocks));
        assert_eq!(all.global_written.unique, 128 * u64::from(blocks));
        // what all share is no more than there is of it
        assert_eq!(all.global_read.unique, 128);
        assert_eq!(of_blocks(blocks, Some(sample)), all);
    }
    // of 8 blocks that are counted for 9, each stands for more than one
    let nine = of_blocks(9, Some(8)).global_written;
    assert_eq!([nine.requests, nine.unique], [9, 9 * 128]);
}
