//! `calls.cu`

use crate::device::{Device, arguments, line};
use crate::numbers::Random;
use crate::ptx;

pub const PTX: &str = ptx!("calls");

#[test]
fn quicksort() {
    let Some(d) = Device::new(PTX) else { return };
    let data: Vec<i32> = Random(22)
        .whole(2 * 48 * 24, 30)
        .iter()
        .map(|x| *x as i32)
        .collect();
    let rows = d.upload(&data);
    d.run("quicksorts", line(2, 48), arguments![rows]);
    for (got, data) in d
        .download::<i32>(rows, data.len())
        .chunks(24)
        .zip(data.chunks(24))
    {
        let mut right = data.to_vec();
        right.sort();
        assert_eq!(got, right);
    }
}

fn ackermann(m: u32, n: u32) -> u32 {
    match (m, n) {
        (0, n) => n + 1,
        (m, 0) => ackermann(m - 1, 1),
        (m, n) => ackermann(m - 1, ackermann(m, n - 1)),
    }
}

#[test]
fn recursion() {
    let Some(d) = Device::new(PTX) else { return };
    let out = d.room::<u32>(36);
    d.run("ackermanns", line(1, 36), arguments![out]);
    assert_eq!(
        d.download::<u32>(out, 36),
        (0..36).map(|t| ackermann(t % 3, t / 3)).collect::<Vec<_>>()
    );

    let (mut female, mut male) = (vec![1usize], vec![0usize]);
    for n in 1..32 {
        male.push(n - female[male[n - 1]]);
        female.push(n - male[female[n - 1]]);
    }
    let out = d.room::<i32>(64);
    d.run("hofstadter", line(1, 64), arguments![out]);
    let right = (0..64).map(|t| if t % 2 == 1 { male[t / 2] } else { female[t / 2] } as i32);
    assert_eq!(d.download::<i32>(out, 64), right.collect::<Vec<i32>>());
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Node {
    key: i32,
    left: i32,
    right: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Found {
    depth: i32,
    sum: i64,
}

fn walk(nodes: &[Node], at: i32, level: i32, weight: i64, keys: &mut Vec<i32>) -> Found {
    let Some(node) = usize::try_from(at).ok().map(|at| nodes[at]) else {
        return Found {
            depth: level,
            sum: 0,
        };
    };
    let left = walk(nodes, node.left, level + 1, weight, keys);
    keys.push(node.key);
    let right = walk(nodes, node.right, level + 1, weight + 1, keys);
    let sum = left.sum + right.sum + i64::from(node.key) * weight;
    Found {
        depth: left.depth.max(right.depth),
        sum,
    }
}

#[test]
fn tree() {
    let Some(d) = Device::new(PTX) else { return };
    let mut data: Vec<i32> = Random(23)
        .whole(200, 1000)
        .iter()
        .map(|x| *x as i32)
        .collect();
    let (nodes, keys) = (d.room::<Node>(200), d.upload(&data));
    d.write(
        nodes,
        &[Node {
            key: data[0],
            left: -1,
            right: -1,
        }],
    );
    d.run("plant_tree", line(4, 64), arguments![nodes, keys, 200]);
    let out = d.room::<Found>(40);
    d.run("walk_tree", line(1, 64), arguments![nodes, out, 40]);

    // the tree's shape is the threads' race; that it is one is not
    let tree = d.download::<Node>(nodes, 200);
    let mut in_order = vec![];
    walk(&tree, 0, 0, 1, &mut in_order);
    data.sort();
    assert_eq!(in_order, data);
    for (root, got) in d.download::<Found>(out, 40).into_iter().enumerate() {
        let right = walk(&tree, root as i32, 0, 1 + root as i64, &mut vec![]);
        assert_eq!((got.depth, got.sum), (right.depth, right.sum));
    }
}

#[test]
fn tables() {
    let Some(d) = Device::new(PTX) else { return };
    let mut random = Random(24);
    let code: Vec<u8> = (0..14).map(|_| random.below(16) as u8).collect();
    let out = d.room::<f64>(50);
    d.run(
        "programs",
        line(1, 50),
        arguments![d.upload(&code), 14, out],
    );
    let right = |t: usize| {
        let step = |(a, b): (f64, f64), c: &u8| {
            let k = i32::from(c >> 2);
            let next = match (usize::from(c & 3) + t) % 4 {
                0 => a + b,
                1 => a * f64::from(k),
                2 => (0..k).fold(b, |b, _| a * b),
                _ => a.max(b),
            };
            (b, next)
        };
        code.iter().fold((t as f64, 1.5), step).1
    };
    let right: Vec<f64> = (0..50).map(right).collect();
    assert!(
        right.iter().all(|x| x.is_finite()) && right.iter().any(|x| *x > 100.0),
        "{right:?}"
    );
    assert_eq!(d.download::<f64>(out, 50), right);
}

#[test]
fn virtual_functions() {
    let Some(d) = Device::new(PTX) else { return };
    let (areas, corners) = (d.room::<f32>(64), d.room::<i32>(64));
    d.run("shapes", line(1, 64), arguments![areas, corners]);
    let right = |t: usize| {
        let x = t as f32;
        let shapes = [
            (x * 2.0, 4),
            (3.0 * (x * 0.5) * (x * 0.5), 0),
            ((t % 4 * (t % 4)) as f32, 40),
        ];
        (0..1 + t % 3)
            .map(|i| shapes[(i + t) % 3])
            .fold((0.0, 0), |s, a| (s.0 + a.0, s.1 + a.1))
    };
    let got: Vec<(f32, i32)> = d
        .download(areas, 64)
        .into_iter()
        .zip(d.download(corners, 64))
        .collect();
    assert_eq!(got, (0..64).map(right).collect::<Vec<_>>());
}

#[test]
fn lists() {
    let Some(d) = Device::new(PTX) else { return };
    let values: Vec<i32> = Random(35)
        .whole(96 + 7, 100)
        .iter()
        .map(|x| *x as i32)
        .collect();
    let (heads, sums) = (d.room::<u64>(96), d.room::<i64>(96));
    let right = |t: usize| {
        let list = values[t..t + t % 7].iter().rev();
        list.fold(0i64, |sum, x| sum * 31 + i64::from(*x))
    };
    let right: Vec<i64> = (0..96).map(right).collect();
    for _ in 0..2 {
        d.run(
            "build_lists",
            line(3, 32),
            arguments![heads, d.upload(&values)],
        );
        d.run("drain_lists", line(2, 48), arguments![heads, sums]);
        assert_eq!(d.download::<i64>(sums, 96), right);
    }
}
