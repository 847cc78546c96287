//! Shadows by themselves, without a kernel.

use super::*;

const ALL: Wanted = Wanted {
    races: true,
    uninitialised: true,
    in_flight: true,
    proxy_fences: true,
    wgmma: true,
};

fn by(thread: u32) -> Access {
    Access {
        thread,
        strong: false,
        line: thread,
    }
}

fn block_barrier(shadow: &mut SharedShadow, warps: std::ops::Range<usize>) {
    let mut joined = Knowledge::default();
    for w in warps.clone() {
        joined.join(&shadow.arrive(w));
    }
    for w in warps {
        shadow.pass(w, &joined);
    }
}

#[test]
fn a_barrier_orders_and_its_absence_is_a_race() {
    let mut s = SharedShadow::default();
    s.reset(64, 2, ALL);
    assert_eq!(s.read(by(0), 0, 4), Some(Finding::Uninitialised));
    s.reset(64, 2, ALL);
    assert_eq!(s.write(by(0), 0, 4), None);
    assert_eq!(s.read(by(0), 0, 4), None);
    assert_eq!(
        s.read(by(33), 0, 4),
        Some(Finding::Race {
            thread: Some(0),
            line: 0,
            write: true
        })
    );
    s.reset(64, 2, ALL);
    s.write(by(0), 0, 4);
    block_barrier(&mut s, 0..2);
    assert_eq!(s.read(by(33), 0, 4), None);
    assert_eq!(s.read(by(34), 0, 4), None);
    assert_eq!(
        s.write(by(33), 0, 4),
        Some(Finding::Race {
            thread: None,
            line: 34,
            write: false
        })
    );
    block_barrier(&mut s, 0..2);
    assert_eq!(s.write(by(1), 0, 4), None);
}

#[test]
fn lanes_of_a_warp_need_a_warp_barrier() {
    let mut s = SharedShadow::default();
    s.reset(64, 1, ALL);
    s.write(by(0), 8, 4);
    assert!(s.read(by(1), 8, 4).is_some());
    s.reset(64, 1, ALL);
    s.write(by(0), 8, 4);
    s.warp_barrier(0);
    assert_eq!(s.read(by(1), 8, 4), None);
}

#[test]
fn a_named_barrier_orders_only_its_warps() {
    let mut s = SharedShadow::default();
    s.reset(64, 3, ALL);
    s.write(by(0), 0, 4);
    block_barrier(&mut s, 0..2);
    assert_eq!(s.read(by(32), 0, 4), None);
    assert!(s.read(by(64), 0, 4).is_some());
}

#[test]
fn bytes_of_one_word_do_not_race() {
    let mut s = SharedShadow::default();
    s.reset(64, 1, ALL);
    assert_eq!(s.write(by(0), 0, 2), None);
    assert_eq!(s.write(by(1), 2, 2), None);
    assert!(s.write(by(2), 3, 1).is_some());
    assert_eq!(s.read(by(0), 4, 1), Some(Finding::Uninitialised));
}

#[test]
fn copies_are_in_flight_until_waited_for() {
    let mut s = SharedShadow::default();
    s.reset(64, 1, ALL);
    s.begin_copy(by(0), 0, 16);
    assert!(matches!(
        s.read(by(0), 4, 4),
        Some(Finding::InFlight { .. })
    ));
    s.end_copy(by(0), 0, 16);
    assert_eq!(s.read(by(0), 4, 4), None);
    assert!(s.read(by(1), 4, 4).is_some());
}

#[test]
fn strong_accesses_do_not_race_with_each_other() {
    let mut s = SharedShadow::default();
    s.reset(64, 2, ALL);
    let strong = |thread| Access {
        strong: true,
        ..by(thread)
    };
    s.write(strong(0), 0, 4);
    assert_eq!(s.update(strong(40), 0, 4), None);
    assert_eq!(s.read(strong(1), 0, 4), None);
    assert!(s.read(by(2), 0, 4).is_some());
}

/// Warp 0 writes a word, then a flag; warp 1 sees the flag, then reads the word. `adds` is another write of the flag
/// between: atomic, plain, or none.
fn by_flag(releases: bool, acquires: bool, adds: Option<bool>) -> Option<Finding> {
    const FLAG: u64 = 1 << 40;
    let mut s = SharedShadow::default();
    s.reset(64, 3, ALL);
    assert_eq!(s.write(by(0), 8, 4), None);
    if releases {
        s.fence(0, 1);
    }
    s.tell(0, FLAG, false);
    if let Some(adds) = adds {
        s.tell(64, FLAG, adds);
    }
    s.see(32, FLAG);
    if acquires {
        s.fence(1, 1);
    }
    s.read(by(32), 8, 4)
}

#[test]
fn a_flag_behind_a_fence_orders_who_sees_it_and_fences() {
    assert_eq!(by_flag(true, true, None), None);
    let race = Some(Finding::Race {
        thread: Some(0),
        line: 0,
        write: true,
    });
    assert_eq!(by_flag(false, true, None), race);
    assert_eq!(by_flag(true, false, None), race);
    assert_eq!(by_flag(true, true, Some(true)), None);
    assert_eq!(by_flag(true, true, Some(false)), race);
}

#[test]
fn what_comes_behind_the_fence_is_not_ordered_by_the_flag() {
    let mut s = SharedShadow::default();
    s.reset(64, 2, ALL);
    s.fence(0, 1);
    s.write(by(0), 8, 4);
    s.tell(0, 0, false);
    s.see(32, 0);
    s.fence(1, 1);
    assert!(s.read(by(32), 8, 4).is_some());
    // nor what another thread tells, which has not fenced
    s.reset(64, 2, ALL);
    s.write(by(0), 8, 4);
    s.fence(0, 1);
    s.tell(1, 0, false);
    s.see(32, 0);
    s.fence(1, 1);
    assert!(s.read(by(32), 8, 4).is_some());
}

#[test]
fn readers_whose_clocks_differ_are_ordered_each_by_its_own() {
    // warp 0 has met itself more often than warp 1 has
    let mut s = SharedShadow::default();
    for (size, readers) in [
        (4, [0, 1, 32, 33]),
        (4, [32, 33, 0, 1]),
        (1, [32, 0, 1, 33]),
    ] {
        s.reset(64, 3, ALL);
        s.write(by(0), 8, 4);
        for _ in 0..3 {
            s.warp_barrier(0);
        }
        block_barrier(&mut s, 0..3);
        for thread in readers {
            assert_eq!(s.read(by(thread), 8, 4), None);
        }
        s.warp_barrier(1);
        assert_eq!(s.read(by(34), 8, size), None);
        block_barrier(&mut s, 0..2);
        assert_eq!(s.write(by(40), 8, size), None, "all have met");
        // and a reader who has not come is still found
        block_barrier(&mut s, 0..3);
        for thread in readers {
            assert_eq!(s.read(by(thread), 8, 4), None);
        }
        block_barrier(&mut s, 1..3);
        assert!(s.write(by(40), 8, size).is_some(), "warp 0 has read too");
    }
}

#[test]
fn who_waits_for_tensor_cores_may_let_others_write() {
    let read = |s: &mut SharedShadow, thread: u32, group: u32| {
        assert_eq!(s.read_tensor(by(thread), group, 0, 16), None);
    };
    let in_use = |s: &mut SharedShadow, thread: u32| {
        matches!(s.write(by(thread), 0, 4), Some(Finding::InUse { .. }))
    };
    let mut s = SharedShadow::default();
    let fresh = |s: &mut SharedShadow| {
        s.reset(
            64,
            12,
            Wanted {
                uninitialised: false,
                ..ALL
            },
        );
        for warp in 0..4 {
            read(s, 32 * warp, 0);
        }
    };
    // nobody has waited; one has, and tells nobody; it tells warp 8
    fresh(&mut s);
    assert!(in_use(&mut s, 256));
    fresh(&mut s);
    s.wait_tensor(2, 1);
    assert!(in_use(&mut s, 256));
    fresh(&mut s);
    assert!(in_use(&mut s, 0), "warp 0 has not waited itself");
    fresh(&mut s);
    s.wait_tensor(2, 1);
    let told = s.arrive(2);
    s.pass(8, &told);
    assert_eq!(s.write(by(256), 0, 4), None);
    // a later group of theirs is not what was waited for, and another warpgroup's is neither
    fresh(&mut s);
    s.wait_tensor(2, 1);
    read(&mut s, 0, 1);
    assert!(in_use(&mut s, 64));
    fresh(&mut s);
    read(&mut s, 128, 0);
    s.wait_tensor(2, 1);
    assert!(in_use(&mut s, 64));
    fresh(&mut s);
    read(&mut s, 128, 0);
    s.wait_tensor(2, 1);
    s.wait_tensor(5, 1);
    let told = s.arrive(5);
    s.pass(2, &told);
    assert_eq!(s.write(by(64), 0, 4), None);
    // what another warp has read itself, the wait does not order: before the Tensor Cores, or behind
    for before in [true, false] {
        s.reset(
            64,
            12,
            Wanted {
                uninitialised: false,
                ..ALL
            },
        );
        let reads = |s: &mut SharedShadow| assert_eq!(s.read(by(96), 0, 4), None);
        if before {
            reads(&mut s);
        }
        read(&mut s, 64, 0);
        if !before {
            reads(&mut s);
        }
        s.wait_tensor(2, 1);
        let found = s.write(by(64), 0, 4);
        assert!(
            matches!(found, Some(Finding::Race { .. })),
            "{before}: {found:?}"
        );
    }
}
