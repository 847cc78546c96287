use super::*;

#[test]
fn addresses_are_aligned_and_ranges_are_exact() {
    let memory = Memory::new(1 << 20);
    let a = memory.alloc(100).unwrap();
    assert_eq!(a % 512, 0);
    assert!(memory.contains(a, 100) && !memory.contains(a, 101) && !memory.contains(a + 100, 1));
    assert_eq!(
        memory.write(a + 99, &[1, 2]),
        Err(MemoryError::InvalidAddress)
    );
    assert_eq!(
        memory.find(a + 99),
        Some(Found {
            base: a,
            bytes: 100,
            freed: false
        })
    );
    memory.free(a).unwrap();
    assert_eq!(
        memory.find(a),
        Some(Found {
            base: a,
            bytes: 100,
            freed: true
        })
    );
    assert_eq!(memory.free(a), Err(MemoryError::InvalidAddress));
}

#[test]
fn the_limit_holds_and_free_gives_back() {
    let memory = Memory::new(1000);
    let a = memory.alloc(900).unwrap();
    assert_eq!(memory.alloc(200), Err(MemoryError::OutOfMemory));
    assert_eq!(memory.alloc(0), Err(MemoryError::ZeroSize));
    memory.free(a).unwrap();
    assert_eq!(memory.free_bytes(), 1000);
    memory.alloc(1000).unwrap();
}

#[test]
fn the_shadow_follows_writes_and_copies() {
    let memory = Memory::new(1 << 20);
    let (a, b) = (memory.alloc(64).unwrap(), memory.alloc(64).unwrap());
    memory.write(a + 4, &[7; 8]).unwrap();
    assert!(
        memory.is_written(a + 4, 8)
            && !memory.is_written(a + 3, 2)
            && !memory.is_written(a + 12, 1)
    );
    memory.copy(b, a, 16).unwrap();
    assert!(memory.is_written(b + 4, 8) && !memory.is_written(b, 1));
    memory.fill(b, &[1, 2], 32).unwrap();
    let mut out = [0; 4];
    memory.read(b + 60, &mut out).unwrap();
    assert_eq!(out, [1, 2, 1, 2]);
    assert!(memory.is_written(b, 64));
    let ranges = memory.ranges();
    let shadow = |base| ranges.iter().find(|r| r.base == base).unwrap().shadow();
    assert!(shadow(b).is_null() && !shadow(a).is_null());
}

#[test]
fn what_is_undefined_is_copied_with_its_mark() {
    let memory = Memory::new(1 << 20);
    let [a, b, c] = [(); 3].map(|()| memory.alloc(64).unwrap());
    for address in [a, b, c] {
        memory.write(address, &[0; 64]).unwrap();
    }
    let ranges = memory.ranges();
    let range = |base| ranges.iter().find(|r| r.base == base).unwrap();
    assert!(range(a).store_undefined(a + 8, 4, mark::UNDEFINED + 3));
    assert!(
        !range(a).shadow().is_null(),
        "a launch sees it that began before"
    );
    memory.copy(b + 2, a, 32).unwrap();
    assert_eq!(
        memory.undefined(b, 64),
        Some((b + 10, mark::UNDEFINED + 3, 4))
    );
    assert!(memory.is_written(b, 10) && !memory.is_written(b, 11));
    // what the host reads without asking keeps no marks
    memory.share_with_host(c).unwrap();
    memory.copy(c, a, 32).unwrap();
    assert!(memory.undefined(c, 64).is_none() && memory.is_on_host(c + 63));
    assert!(!range(c).store_undefined(c, 4, mark::UNDEFINED));
    memory.write(b + 10, &[1; 4]).unwrap();
    assert_eq!(memory.undefined(b, 64), None);
    memory.write(a, &[0; 64]).unwrap();
    assert!(range(a).shadow().is_null());
}
