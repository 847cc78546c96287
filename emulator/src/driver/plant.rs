//! Faults planted in PTX on purpose, to see that the checks find them.
//!
//! `CUDA_EMULATOR_PLANT` holds faults as `KERNEL drop OPCODE N` or `KERNEL shift OPCODE N BYTES`, separated by `;`.
//! They change the N-th (from 0) instruction of that kernel whose opcode starts with OPCODE: `drop` takes it out (a
//! barrier, a wait, the branch that guards an access), `shift` moves its address. Every module that holds the kernel
//! is changed as it is loaded; a fault that fits no instruction of it refuses the module, so that a test which plants
//! one cannot pass by accident.

use std::env;

/// One change.
struct Fault<'a> {
    kernel: &'a str,
    opcode: &'a str,
    nth: usize,
    /// Bytes to shift the address by, or nothing for an instruction that is dropped.
    shift: Option<i64>,
}

/// The text with the faults that the environment asks for, or why they cannot be planted.
pub fn planted(ptx: &[u8]) -> Result<Option<Vec<u8>>, String> {
    match (env::var("CUDA_EMULATOR_PLANT"), std::str::from_utf8(ptx)) {
        (Ok(faults), Ok(text)) if !faults.trim().is_empty() => {
            plant(text, &faults).map(|text| Some(text.into_bytes()))
        }
        _ => Ok(None),
    }
}

fn plant(text: &str, faults: &str) -> Result<String, String> {
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    for words in faults.split(';').filter(|f| !f.trim().is_empty()) {
        let fault = Fault::parse(words).ok_or_else(|| {
            format!("CUDA_EMULATOR_PLANT holds {words:?}; it can be `KERNEL drop OPCODE N` or `KERNEL shift OPCODE N BYTES`")
        })?;
        fault.apply(&mut lines)?;
    }
    Ok(lines.join("\n"))
}

impl<'a> Fault<'a> {
    fn parse(words: &'a str) -> Option<Self> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let (kernel, opcode, nth, shift) = match words[..] {
            [kernel, "drop", opcode, nth] => (kernel, opcode, nth, None),
            [kernel, "shift", opcode, nth, bytes] => {
                (kernel, opcode, nth, Some(bytes.parse().ok()?))
            }
            _ => return None,
        };
        Some(Self {
            kernel,
            opcode,
            nth: nth.parse().ok()?,
            shift,
        })
    }

    fn apply(&self, lines: &mut [String]) -> Result<(), String> {
        let starts = |line: &str| {
            let name = line
                .split_once(".entry ")
                .map(|(_, rest)| rest.trim_end_matches('(').trim());
            name.is_some_and(|name| name.split('(').next() == Some(self.kernel))
        };
        let Some(start) = lines.iter().position(|line| starts(line)) else {
            return Ok(()); // a module without the kernel
        };
        let end = lines[start + 1..]
            .iter()
            .position(|line| line.contains(".entry ") || line.contains(".func "));
        let end = end.map_or(lines.len(), |n| start + 1 + n);
        let mut matching = lines[start..end]
            .iter_mut()
            .filter(|line| opcode(line).starts_with(self.opcode));
        let line = matching.nth(self.nth).ok_or_else(|| {
            format!(
                "CUDA_EMULATOR_PLANT: {} has no {} number {}",
                self.kernel, self.opcode, self.nth
            )
        })?;
        match self.shift {
            // the line stays, so that reports name the right ones
            None => line.clear(),
            Some(bytes) => {
                let close = line
                    .find(']')
                    .ok_or_else(|| format!("CUDA_EMULATOR_PLANT: no address in {line:?}"))?;
                let open = line[..close].rfind('[').unwrap_or(0);
                let inside = &line[open + 1..close];
                let (base, offset) = inside.split_once('+').unwrap_or((inside, "0"));
                let offset = offset
                    .trim()
                    .parse::<i64>()
                    .map_err(|e| format!("CUDA_EMULATOR_PLANT: {line:?}: {e}"))?;
                let shifted = format!("{}+{}", base.trim(), offset + bytes);
                line.replace_range(open + 1..close, &shifted);
            }
        }
        Ok(())
    }
}

/// The opcode of a line, behind its guard if it has one.
fn opcode(line: &str) -> &str {
    let mut words = line.split_whitespace();
    match words.next() {
        Some(guard) if guard.starts_with('@') => words.next().unwrap_or(""),
        Some(word) => word,
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTX: &str = ".version 8.7\n.visible .entry other(\n)\n{\n\tbar.sync \t0;\n}\n.visible .entry k(\n\t.param .u64 p\n)\n{\n\
        \tbar.sync \t0;\n\t@%p1 bra \t$L;\n\tst.shared.f32 \t[%r1], %f1;\n\tst.shared.f32 \t[%r1+8], %f1;\n\tbar.sync \t0;\n}\n";

    #[test]
    fn the_nth_instruction_of_that_kernel_goes_and_no_line_moves() -> Result<(), String> {
        let faulty = plant(PTX, "k drop bar.sync 1")?;
        let changed: Vec<usize> = faulty
            .lines()
            .zip(PTX.lines())
            .enumerate()
            .filter(|(_, (a, b))| a != b)
            .map(|(i, _)| i)
            .collect();
        assert_eq!(
            (faulty.lines().count(), changed),
            (PTX.lines().count(), vec![14])
        );
        let faulty = plant(PTX, "k drop bra 0")?;
        assert!(!faulty.contains("bra"));
        Ok(())
    }

    #[test]
    fn an_address_moves() -> Result<(), String> {
        let faulty = plant(PTX, "k shift st.shared 0 4; k shift st.shared 1 -4")?;
        assert!(
            faulty.contains("[%r1+4], %f1;\n\tst.shared.f32 \t[%r1+4]"),
            "{faulty}"
        );
        Ok(())
    }

    #[test]
    fn what_fits_nothing_is_refused_where_the_kernel_is() {
        assert!(plant(PTX, "k drop bar.sync 2").is_err());
        assert!(plant(PTX, "k lose bar.sync 0").is_err());
        assert_eq!(
            plant(PTX, "elsewhere drop bar.sync 0").as_deref(),
            Ok(PTX.trim_end())
        );
    }
}
