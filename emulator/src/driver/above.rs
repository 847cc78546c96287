//! What the emulator's own libraries above the driver, such as its NCCL, ask of it and no program does.

use super::deferred;
use super::entry::{HostCall, Text, api};
use super::findings;
use super::handles::{Handle, lock};
use super::host::Kept;
use super::queue::{find, submit};
use super::work::Work;
use crate::check::{Fault, FaultKind, record};
use std::sync::Arc;

api! {
    // As `cuLaunchHostFunc`. `release` is called with the same argument, once and in any case, when nothing can call
    // `function` any more.
    fn cuda_emulator_host(
        stream: Handle, function: Option<extern "C" fn(usize)>, argument: usize, release: Option<extern "C" fn(usize)>,
    ) {
        let kept = Arc::new(Kept(HostCall { function: release, argument }));
        let call = HostCall { function, argument }.check()?;
        let stream = find(stream)?;
        submit(&stream, Work::Host(call, Some(kept)))
    }

    // Runs what waits in a stream, as hardware would by itself, and waits for it: also where the stream is being captured, which
    // a program may not wait for.
    fn cuda_emulator_run(stream: Handle) {
        let stream = find(stream)?;
        deferred::settle(&stream);
        let _order = lock(&stream.order);
        Ok(())
    }

    // A finding of the library's: who did it, and what is wrong.
    fn cuda_emulator_found(library: Text, whose: Text, what: Text) {
        let (library, whose, what) = (library.get()?, whose.get()?, what.get()?);
        let fault = Fault {
            kind: FaultKind::Elsewhere,
            report: format!("{library}: {whose}: {what}"),
            what,
            line: 0,
            quote: String::new(),
        };
        record(&whose, &fault);
        findings::tell();
        Ok(())
    }
}
