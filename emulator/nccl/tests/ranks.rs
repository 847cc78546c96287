//! Threads as ranks of a hub, without a driver.

use nccl_emulator::call::{Call, Kind};
use nccl_emulator::hub::{self, Address};
use nccl_emulator::link::Link;
use nccl_emulator::settings::Settings;
use nccl_emulator::types::{Code, DataType, Failure, Op};
use nccl_emulator::wire::Member;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(2);
/// Who comes, how many he says there are, and what is said to that.
type Comer = (fn(u32) -> Member, fn(u32) -> u32, &'static str);
type Outcome<T = Vec<u8>> = Result<T, Failure>;

fn hub(order: Option<u64>) -> Address {
    let limit = LIMIT;
    hub::start(Settings { limit, order }).unwrap()
}

fn member(rank: u32) -> Member {
    Member {
        rank,
        pid: 100 + rank,
        device: rank as i32,
        thread: 0,
    }
}

fn join(address: Address, ranks: u32, member: Member) -> Outcome<Arc<Link>> {
    Link::connect(address, ranks, member, LIMIT, Box::new(|_| {}))
}

fn ranks<T: Send>(n: u32, run: impl Fn(u32, &Link) -> T + Sync) -> Vec<T> {
    let address = hub(None);
    thread::scope(|scope| {
        let run = &run;
        let begin = |rank| scope.spawn(move || run(rank, &join(address, n, member(rank)).unwrap()));
        let threads: Vec<_> = (0..n).map(begin).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn call(kind: Kind, count: u64) -> Call {
    Call::new(kind, count, DataType::Uint8)
}

fn ask(link: &Link, call: Call, data: &[u8]) -> Outcome {
    let ticket = link.send(0, call, data.to_vec())?;
    link.wait(0, ticket)
}

fn told(outcome: &Outcome, code: Code, words: &[&str]) {
    let failure = outcome.as_ref().expect_err("this fails");
    assert_eq!(failure.code, code, "{}", failure.text);
    for word in words {
        assert!(
            failure.text.contains(word),
            "no {word:?} in: {}",
            failure.text
        );
    }
}

#[test]
fn every_collective() {
    for n in [1u32, 2, 4] {
        let all: Vec<u8> = (0..n as u8).flat_map(|k| [k, 10 + k]).collect();
        let sums = [
            (0..n).sum::<u32>() as u8,
            (0..n).map(|k| 10 + k).sum::<u32>() as u8,
        ];
        let last = n as i32 - 1;
        ranks(n, |rank, link| {
            let own = [rank as u8, 10 + rank as u8];
            let is_last = rank + 1 == n;
            assert_eq!(ask(link, call(Kind::AllReduce, 2), &own).unwrap(), sums);
            assert_eq!(ask(link, call(Kind::AllGather, 2), &own).unwrap(), all);
            let reduced = ask(link, call(Kind::Reduce, 2).root(last), &own).unwrap();
            assert_eq!(reduced, if is_last { &sums[..] } else { &[] });
            let given: &[u8] = if is_last { &own } else { &[] };
            let spread = ask(link, call(Kind::Broadcast, 2).root(last), given).unwrap();
            assert_eq!(spread, all[all.len() - 2..]);
            let each: Vec<u8> = (0..n as u8).map(|k| 10 * k + rank as u8).collect();
            let scattered = ask(link, call(Kind::ReduceScatter, 1).op(Op::Max), &each).unwrap();
            assert_eq!(scattered, [10 * rank as u8 + n as u8 - 1]);
            link.leave(0);
        });
    }
}

#[test]
fn sends_and_receives_go_by_pair_and_in_order() {
    ranks(3, |rank, link| {
        let (next, before) = ((rank + 1) % 3, (rank + 2) % 3);
        let mut tickets = vec![];
        for k in 0..2 {
            let send = call(Kind::Send, 1).root(next as i32);
            link.send(0, send, vec![10 * k + rank as u8]).unwrap();
            let receive = call(Kind::Recv, 1).root(before as i32);
            tickets.push(link.send(0, receive, vec![]).unwrap());
        }
        for (k, ticket) in tickets.into_iter().enumerate() {
            assert_eq!(link.wait(0, ticket).unwrap(), [10 * k as u8 + before as u8]);
        }
        // nobody may hang up before the others have all
        ask(link, call(Kind::AllReduce, 0), &[]).unwrap();
    });
}

#[test]
fn calls_that_differ_name_both_ranks_at_once() {
    let other = [
        call(Kind::AllGather, 2),
        call(Kind::AllReduce, 3),
        Call::new(Kind::AllReduce, 2, DataType::Int8),
        call(Kind::AllReduce, 2).op(Op::Max),
        call(Kind::Reduce, 2),
    ];
    for other in other {
        let begun = Instant::now();
        let outcomes = ranks(2, |rank, link| {
            let call = [call(Kind::AllReduce, 2), other][rank as usize];
            ask(link, call, &vec![0; call.sent(rank as usize, 2).unwrap()])
        });
        for outcome in outcomes {
            let (a, b) = (call(Kind::AllReduce, 2).to_string(), other.to_string());
            told(
                &outcome,
                Code::InvalidUsage,
                &["rank 0 (", "rank 1 (", &a, &b, "number 1"],
            );
        }
        assert!(begun.elapsed() < LIMIT);
    }
    let roots = ranks(2, |rank, link| {
        ask(link, call(Kind::Reduce, 1).root(rank as i32), &[0])
    });
    told(&roots[0], Code::InvalidUsage, &["root 0", "root 1"]);
    let pairs = ranks(2, |rank, link| match rank {
        0 => ask(link, call(Kind::Send, 2).root(1), &[0; 2]),
        _ => ask(link, call(Kind::Recv, 3).root(0), &[]),
    });
    told(
        &pairs[1],
        Code::InvalidUsage,
        &["ncclSend(count 2", "ncclRecv(count 3"],
    );
}

#[test]
fn a_rank_that_does_not_call_is_named_within_the_limit() {
    let begun = Instant::now();
    let outcomes = ranks(3, |rank, link| match rank {
        1 => link.wait(0, u64::MAX),
        _ => ask(link, call(Kind::AllReduce, 1), &[0]),
    });
    let waited = begun.elapsed();
    assert!(waited >= LIMIT && waited < 3 * LIMIT, "{waited:?}");
    let words = [
        "rank 0 (",
        "rank 2 (process 102",
        "ncclAllReduce",
        "rank 1 (process 101, device 1) has not",
    ];
    outcomes
        .iter()
        .for_each(|outcome| told(outcome, Code::RemoteError, &words));
    let receives = ranks(2, |rank, link| match rank {
        0 => ask(link, call(Kind::Recv, 1).root(1), &[]),
        _ => link.wait(0, u64::MAX),
    });
    told(
        &receives[1],
        Code::RemoteError,
        &["ncclRecv(count 1", "rank 1 (process 101"],
    );
}

#[test]
fn one_thread_that_waits_for_itself_misses_a_group() {
    let address = hub(None);
    let own = |rank| Member {
        pid: 7,
        ..member(rank)
    };
    let other = thread::spawn(move || join(address, 2, own(1)).unwrap());
    let links = [join(address, 2, own(0)).unwrap(), other.join().unwrap()];
    let tickets = links
        .each_ref()
        .map(|link| link.send(0, call(Kind::AllReduce, 1), vec![1]).unwrap());
    for (link, ticket) in links.iter().zip(tickets) {
        assert_eq!(link.wait(0, ticket).unwrap(), [2]);
    }
    told(
        &ask(&links[0], call(Kind::AllReduce, 1), &[1]),
        Code::RemoteError,
        &["ncclGroupStart"],
    );
}

#[test]
fn a_rank_that_ends_ends_the_others() {
    let begun = Instant::now();
    let dead = ranks(3, |rank, link| match rank {
        1 => Ok(vec![]),
        _ => ask(link, call(Kind::AllReduce, 1), &[0]),
    });
    told(
        &dead[0],
        Code::RemoteError,
        &["rank 1 (process 101", "connection closed"],
    );
    let left = ranks(2, |rank, link| {
        if rank == 1 {
            link.leave(0);
            return Ok(vec![]);
        }
        ask(link, call(Kind::AllGather, 1), &[0])
    });
    told(
        &left[0],
        Code::RemoteError,
        &["ncclAllGather", "rank 1 (process 101", "destroyed"],
    );
    let aborted = ranks(2, |rank, link| {
        if rank == 1 {
            link.abort(0);
        }
        ask(link, call(Kind::AllReduce, 1), &[0])
    });
    told(
        &aborted[0],
        Code::RemoteError,
        &["rank 1 (process 101", "aborted"],
    );
    told(&aborted[1], Code::RemoteError, &["this rank has aborted"]);
    assert!(begun.elapsed() < LIMIT);
}

#[test]
fn who_comes_wrongly_is_refused() {
    let same = |member: fn(u32) -> Member, size: fn(u32) -> u32| {
        let address = hub(None);
        let run = move |k| thread::spawn(move || join(address, size(k), member(k)).err());
        let threads = [run(0), run(1)];
        threads.map(|thread| thread.join().unwrap().expect("this is refused"))
    };
    let cases: [Comer; 3] = [
        (member, |k| 2 + k, "ranks"),
        (
            |k| Member {
                rank: 1,
                ..member(k)
            },
            |_| 2,
            "same rank",
        ),
        (
            |k| Member {
                device: 0,
                ..member(k)
            },
            |_| 2,
            "same device",
        ),
    ];
    for (member, size, word) in cases {
        for failure in same(member, size) {
            told(
                &Err(failure),
                Code::InvalidUsage,
                &[word, "process 100", "process 101"],
            );
        }
    }
    let alone = join(hub(None), 3, member(1)).err().unwrap();
    told(
        &Err(alone),
        Code::RemoteError,
        &["rank 1 (process 101", "no rank 0, 2"],
    );
    let stranger = Address {
        key: [0; 16],
        ..hub(None)
    };
    let refused = join(stranger, 1, member(0)).err().unwrap();
    assert_eq!(refused.code, Code::RemoteError);
}

#[test]
fn splits_go_by_colour_and_key() {
    ranks(4, |rank, link| {
        let colour = [0, 1, 0, -1][rank as usize];
        let split = Call {
            key: -(rank as i32),
            ..call(Kind::CommSplit, 0).root(colour)
        };
        let answer = ask(link, split, &[]).unwrap();
        if colour < 0 {
            assert_eq!(answer, []);
        } else {
            let words: Vec<u32> = answer
                .chunks(4)
                .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
                .collect();
            let size = [2, 1][colour as usize];
            // the key turns the order round
            assert_eq!(words[1..], [u32::from(colour == 0 && rank == 0), size]);
            let ticket = link.send(words[0], call(Kind::AllGather, 1), vec![rank as u8]);
            let all = link.wait(words[0], ticket.unwrap()).unwrap();
            assert_eq!(all, [&[2, 0][..], &[1]][colour as usize]);
        }
        ask(link, call(Kind::AllReduce, 0), &[]).unwrap();
    });
}

#[test]
fn whoever_is_waited_for_hears_of_it() {
    // a collective, a receive without its send, and a send without its receive
    let calls = [
        (call(Kind::AllReduce, 1), call(Kind::AllReduce, 1)),
        (call(Kind::Recv, 1).root(1), call(Kind::Send, 1)),
        (call(Kind::Send, 1).root(1), call(Kind::Recv, 1)),
    ];
    for (first, second) in calls {
        let address = hub(None);
        let heard = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&heard);
        let other = thread::spawn(move || {
            let wanted = move |_| _ = count.fetch_add(1, Ordering::SeqCst);
            Link::connect(address, 2, member(1), LIMIT, Box::new(wanted)).unwrap()
        });
        let link = join(address, 2, member(0)).unwrap();
        let other = other.join().unwrap();
        let given = |call: &Call, rank| vec![1; call.sent(rank, 2).unwrap()];
        let ticket = link.send(0, first, given(&first, 0)).unwrap();
        let begun = Instant::now();
        while heard.load(Ordering::SeqCst) == 0 {
            assert!(begun.elapsed() < LIMIT, "nobody wants rank 1: {first}");
            thread::yield_now();
        }
        let sum = u8::from(first.kind == Kind::AllReduce) + 1;
        let got = |call: &Call, rank| vec![sum; call.received(rank, 2).unwrap()];
        assert_eq!(
            ask(&other, second, &given(&second, 1)).unwrap(),
            got(&second, 1)
        );
        assert_eq!(link.wait(0, ticket).unwrap(), got(&first, 0));
    }
}

/// Others may still have something to say to each other, and the hub goes with its process.
#[test]
fn the_hubs_process_leaves_last() {
    let address = hub(None);
    let own = Member {
        pid: std::process::id(),
        ..member(0)
    };
    let others = [1, 2].map(|rank| thread::spawn(move || join(address, 3, member(rank)).unwrap()));
    let link = join(address, 3, own).unwrap();
    let others = others.map(|thread| thread.join().unwrap());
    let leaves = thread::spawn(move || link.leave(0));
    let [one, two] = &others;
    for _ in 0..20 {
        let send = call(Kind::Send, 1).root(2);
        let ticket = one.send(0, send, vec![7]).unwrap();
        assert_eq!(ask(two, call(Kind::Recv, 1).root(1), &[]).unwrap(), [7]);
        one.wait(0, ticket).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    one.leave(0);
    assert!(!leaves.is_finished(), "rank 2 is still there");
    two.leave(0);
    leaves.join().unwrap();
}
