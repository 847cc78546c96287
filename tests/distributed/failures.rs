//! What is refused, and ranks that fail, leave or hang.

use std::env;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use warpsmith::distributed::{Communicator, ReduceOp};
use warpsmith::{Device, Error, Result, Tensor};

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

/// A rank that is killed in the middle of a run; the others hear which, soon.
pub fn killed() {
    let rank: usize = env::var("RANK").unwrap().parse().unwrap();
    ranks(|own| {
        let mut x = Tensor::full(&[1000], 1.0_f32, own.device())?;
        own.all_reduce(&mut x, SUM)?;
        x.to_vec()?;
        if rank == 2 {
            die();
        }
        let since = Instant::now();
        let failed = (0..100).find_map(|_| {
            thread::sleep(Duration::from_millis(10));
            let called = own.all_reduce(&mut x, SUM);
            called.and_then(|()| x.to_vec().map(drop)).err()
        });
        let failed = failed.expect("the others do not go on without rank 2");
        says(
            Err::<(), _>(failed),
            &[&format!("rank {rank} of 4"), "rank 2"],
        );
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "{:?}",
            since.elapsed()
        );
        Ok(())
    });
}

/// A rank that ends, without a failure, before a call that the other makes.
pub fn left() {
    ranks(|own| {
        let mut x = Tensor::full(&[10], 1.0_f32, own.device())?;
        own.all_reduce(&mut x, SUM)?;
        x.to_vec()?;
        if own.rank() == 1 {
            return Ok(());
        }
        let since = Instant::now();
        let called = own.all_reduce(&mut x, SUM);
        says(
            called.and_then(|()| x.to_vec().map(drop)),
            &["rank 0 of 2", "rank 1"],
        );
        assert!(
            since.elapsed() < Duration::from_secs(5),
            "{:?}",
            since.elapsed()
        );
        Ok(())
    });
}

/// A rank that hangs: the other says which after its time limit, not NCCL's.
pub fn late() {
    ranks_within(Duration::from_secs(1), |own| {
        let mut x = Tensor::full(&[10], 1.0_f32, own.device())?;
        own.all_reduce(&mut x, SUM)?;
        x.to_vec()?;
        let since = Instant::now();
        if own.rank() == 1 {
            // whoever hangs hears of it as well
            while own.check().is_ok() && since.elapsed() < Duration::from_secs(8) {
                thread::sleep(Duration::from_millis(20));
            }
            says(own.check(), &["rank 0 failed", "all_reduce (call 2)"]);
            return Ok(());
        }
        let why = [
            "all_reduce (call 2) has not ended within 1 s",
            "rank 1 is at call 1",
        ];
        let called = own.all_reduce(&mut x, SUM);
        says(called.and_then(|()| x.to_vec().map(drop)), &why);
        says(own.check(), &why);
        Ok(())
    });
}

/// A machine without NCCL.
pub fn no_library() {
    // the library is opened once in a process, so this is another
    const WHERE: &str = "WARPSMITH_NCCL";
    let without: Result<Vec<Communicator>> = match env::var_os(WHERE) {
        Some(_) => Communicator::init_all(&devices()),
        None => {
            let mut again = Command::new(env::current_exe().unwrap());
            let status = again.env(WHERE, "/nowhere/libnccl.so.2").status();
            assert!(status.unwrap().success());
            return;
        }
    };
    assert!(matches!(&without, Err(Error::NoNccl(_))), "{without:?}");
    says(without, &["libnccl", "install NCCL", "nvidia-nccl"]);
    let x = Tensor::full(&[3], 1.0_f32, &devices()[0]).unwrap();
    assert_eq!(x.relu().unwrap().to_vec().unwrap(), [1.0; 3]);
}
