//! A table for people.

use super::{Counts, Global, Kernels, Shared, ratio};
use std::fmt::Write;

/// The counts of all kernels as text.
pub fn table(kernels: &Kernels) -> String {
    let mut out = String::new();
    for (name, counts) in kernels {
        // writing to a String cannot fail
        let _ = kernel(&mut out, name, counts);
    }
    out
}

fn kernel(out: &mut String, name: &str, c: &Counts) -> std::fmt::Result {
    writeln!(out, "{name}: {} launches", c.launches)?;
    for (class, count) in &c.instructions {
        writeln!(out, "    {:<18} {count:>14}", class.name())?;
    }
    let (active, split) = (100.0 * c.active_lanes(), ratio(c.diverged, c.branches));
    writeln!(
        out,
        "    {:<18} {:>14}  {active:.1} % of lanes active",
        "all",
        c.warp_instructions()
    )?;
    writeln!(
        out,
        "    branches: {} conditional, {} diverged ({:.1} %)",
        c.branches,
        c.diverged,
        100.0 * split
    )?;
    global(out, "read", &c.global_read)?;
    global(out, "written", &c.global_written)?;
    shared(out, "read", &c.shared_read)?;
    shared(out, "written", &c.shared_written)?;
    if c.tensor_flop > 0 {
        writeln!(out, "    tensor cores: {} FLOP", c.tensor_flop)?;
    }
    Ok(())
}

fn global(out: &mut String, verb: &str, g: &Global) -> std::fmt::Result {
    if g.requests == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "    global {verb}: {} bytes moved ({:.2} of the {} different ones; {:.2} with an L1), {:.2} sectors per request",
        g.moved(),
        ratio(g.moved(), g.unique),
        g.unique,
        ratio(g.moved_by_blocks(), g.unique),
        g.sectors_per_request()
    )
}

fn shared(out: &mut String, verb: &str, s: &Shared) -> std::fmt::Result {
    if s.accesses == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "    shared {verb}: {} accesses, {} bank conflicts ({:.2} of the ideal)",
        s.accesses,
        s.conflicts(),
        ratio(s.wavefronts, s.ideal)
    )
}
