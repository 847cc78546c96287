//! Shadows by themselves, without a kernel.

use super::*;

const ALL: Wanted = Wanted {
    races: true,
    uninitialised: true,
    in_flight: true,
    proxy_fences: true,
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
