//! What is refused, and ranks that fail, leave or hang.

use std::env;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use warpsmith::distributed::{Communicator, ReduceOp};
use warpsmith::{Device, Error, Result, Tensor};

use crate::meeting::CASE;
use crate::ranks::{devices, ranks, ranks_within, says};

const SUM: ReduceOp = ReduceOp::Sum;

/// Bad input is an error before any rank is kept waiting, and loses nothing.
pub fn refused() {
    says(
        Communicator::init_all(&[]),
        &["init_all", "at least one device"],
    );
    says(
        Communicator::init_all(&[Device::Cpu]),
        &["init_all", "CUDA devices", "cpu"],
    );
    let first = devices().remove(0);
    says(
        Communicator::init_all(&[first.clone(), first]),
        &["each device once", "twice"],
    );
    ranks(|own| {
        let n = own.world_size();
        let mut x = Tensor::full(&[3, 2], 1.0_f32, own.device())?;
        let mut host = Tensor::full(&[3, 2], 1.0_f32, &Device::Cpu)?;
        says(
            own.all_reduce(&mut host, SUM),
            &["all_reduce", "one device", "cpu"],
        );
        says(own.broadcast(&mut host, 0), &["broadcast", "cpu"]);
        says(
            own.broadcast(&mut x, n),
            &["broadcast", "a rank below 2", "got 2"],
        );
        says(
            own.reduce(&mut x, n, SUM),
            &["reduce", "a rank below 2", "got 2"],
        );
        says(own.send(&x, own.rank()), &["send", "another rank"]);
        says(own.recv(&mut x, n), &["recv", "a rank below 2"]);
        says(
            own.reduce_scatter(&x, SUM),
            &["reduce_scatter", "2 ranks divide", "[3, 2]"],
        );
        let scalar = x.sum()?.reshape(&[])?;
        says(own.all_gather(&scalar), &["all_gather", "dimension 0"]);
        says(
            own.all_gather_out(&x, &mut host),
            &["all_gather", "shape [6, 2]"],
        );
        let mut truth = x.gt(0.0)?;
        says(
            own.all_reduce(&mut truth, ReduceOp::Avg),
            &["all_reduce", "bool", "Avg"],
        );
        // and goes on
        own.all_reduce(&mut x, SUM)?;
        assert_eq!(x.to_vec()?, [n as f32; 6]);
        own.check()
    });
}

/// Ranks that do not make the same call.
pub fn mismatched() {
    ranks(|own| {
        let mut x = Tensor::full(&[4 + own.rank()], 1.0_f32, own.device())?;
        let called = own.all_reduce(&mut x, SUM);
        let read = called.and_then(|()| x.to_vec().map(drop));
        says(read, &["rank 0", "rank 1", "of 2", "count 4", "count 5"]);
        // and so does every call from now on
        says(own.barrier(), &["rank"]);
        Ok(())
    });
}

/// Ends this process without a word.
pub fn die() {
    let own = std::process::id().to_string();
    Command::new("kill").args(["-9", &own]).status().unwrap();
}

/// Calls until one fails: whoever fails may do so before another has seen the first call end.
fn until_it_fails(own: &Communicator) -> Error {
    let since = Instant::now();
    let failed = (0..200).find_map(|_| {
        thread::sleep(Duration::from_millis(10));
        sum(own).err()
    });
    assert!(
        since.elapsed() < Duration::from_secs(8),
        "{:?}",
        since.elapsed()
    );
    failed.expect("nobody goes on alone")
}

/// A sum over all ranks, waited for.
fn sum(own: &Communicator) -> Result<()> {
    let mut x = Tensor::full(&[10], 1.0_f32, own.device())?;
    own.all_reduce(&mut x, SUM)?;
    x.to_vec().map(drop)
}

/// A rank that is killed in the middle of a run; the others hear which, soon.
pub fn killed() {
    let rank: usize = env::var("RANK").unwrap().parse().unwrap();
    ranks(|own| {
        if rank == 2 {
            sum(own)?;
            die();
        }
        let failed = Err::<(), _>(until_it_fails(own));
        says(failed, &[&format!("rank {rank} of 4"), "rank 2 is gone"]);
        Ok(())
    });
}

/// A rank that ends in a panic says so, to rank 0 and by that to others.
pub fn panicked() {
    ranks(|own| {
        if own.rank() == 1 {
            sum(own)?;
            std::panic::panic_any("as it is to");
        }
        let failed = Err::<(), _>(until_it_fails(own));
        says(failed, &["rank 1 failed: it ended in a panic"]);
        Ok(())
    });
}

/// A rank that ends, without a failure, before a call that the others make.
pub fn left() {
    ranks(|own| {
        sum(own)?;
        let last = own.world_size() - 1;
        if own.rank() == last {
            return Ok(());
        }
        let since = Instant::now();
        let who = format!("rank {last} has left at call 1 (all_reduce)");
        says(sum(own), &[&who]);
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "{:?}",
            since.elapsed()
        );
        Ok(())
    });
}

/// A rank that hangs, the last one: the others say which after their time limit, not NCCL's. The first to say so is rank 0 of
/// two, and rank 1 of three, which knows of rank 2 by rank 0 alone.
pub fn late() {
    // the thread that looks after ranks has ended with these, and looks after the next all the same
    if env::var_os("WORLD_SIZE").is_none() {
        ranks(sum);
        thread::sleep(Duration::from_millis(300));
    }
    let patient = env::var("WORLD_SIZE").is_ok_and(|n| n == "3")
        && env::var("RANK").is_ok_and(|rank| rank != "1");
    let limit = Duration::from_secs(if patient { 8 } else { 2 });
    ranks_within(limit, |own| {
        sum(own)?;
        // all know how far all are
        thread::sleep(Duration::from_secs(1));
        let since = Instant::now();
        let last = own.world_size() - 1;
        let who = format!("rank {last} is at call 1 (all_reduce)");
        let why = ["all_reduce (call 2) has not ended within 2 s", &who];
        if own.rank() == last {
            // whoever hangs hears of it as well
            while own.check().is_ok() && since.elapsed() < Duration::from_secs(8) {
                thread::sleep(Duration::from_millis(20));
            }
            says(own.check(), &[&format!("rank {} failed", last - 1), why[0]]);
            return Ok(());
        }
        says(sum(own), &why);
        // NCCL's own limit is longer: the stream goes on since its call is aborted
        assert!(
            since.elapsed() < Duration::from_secs(7),
            "{:?}",
            since.elapsed()
        );
        says(own.check(), &why);
        Ok(())
    });
}

/// A rank that hangs and does not end when it hears that the others have waited too long: what they have queued ends since it
/// is aborted, and by nothing else, as NCCL's own limit is longer.
pub fn stays() {
    let limit = Duration::from_secs(2);
    ranks_within(limit, |own| {
        sum(own)?;
        let since = Instant::now();
        if own.rank() == own.world_size() - 1 {
            thread::sleep(Duration::from_secs(7));
            says(own.check(), &["rank 0 failed"]);
            return Ok(());
        }
        let mut x = Tensor::full(&[10], 1.0_f32, own.device())?;
        let got = own.recv(&mut x, 1).and_then(|()| x.to_vec());
        says(got, &["recv from rank 1 (call 1) has not ended within 2 s"]);
        let took = since.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        Ok(())
    });
}

/// A machine without NCCL.
pub fn no_library() {
    // the library is opened once in a process, so this is another
    if env::var_os(CASE).is_none() {
        let mut again = Command::new(env::current_exe().unwrap());
        again
            .env(CASE, "1")
            .env("WARPSMITH_NCCL", "/nowhere/libnccl.so.2");
        assert!(again.status().unwrap().success());
        return;
    }
    let without = Communicator::init_all(&devices());
    assert!(matches!(&without, Err(Error::NoNccl(_))), "{without:?}");
    says(without, &["libnccl", "install NCCL", "nvidia-nccl"]);
    let x = Tensor::full(&[3], 1.0_f32, &devices()[0]).unwrap();
    assert_eq!(x.relu().unwrap().to_vec().unwrap(), [1.0; 3]);
}
