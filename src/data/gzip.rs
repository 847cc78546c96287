//! What a gzip file holds: one stream or several, and behind them, as `gzip` and Python have it, zeros or nothing.

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use flate2::bufread::GzDecoder;

/// What a gzip stream begins with.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads the streams one after the other.
pub(super) struct Gunzip<R>(State<R>);

enum State<R> {
    Stream(GzDecoder<R>),
    Done,
}

impl<R: BufRead> Gunzip<R> {
    pub(super) fn new(from: R) -> Self {
        Self(State::Stream(GzDecoder::new(from)))
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        while let State::Stream(stream) = &mut self.0 {
            let read = stream.read(to)?;
            if read > 0 || to.is_empty() {
                return Ok(read);
            }
            let State::Stream(stream) = std::mem::replace(&mut self.0, State::Done) else {
                break;
            };
            let mut rest = stream.into_inner();
            match behind_zeros(&mut rest)? {
                None => break,
                Some(first) if first == MAGIC[0] => {
                    self.0 = State::Stream(GzDecoder::new(rest));
                }
                Some(first) => {
                    let text = format!("neither zeros nor a gzip stream behind one: {first:#04x}");
                    return Err(Error::new(ErrorKind::InvalidData, text));
                }
            }
        }
        Ok(0)
    }
}

/// Passes over zeros: the byte that follows, which is not taken, or none at the end.
fn behind_zeros(from: &mut impl BufRead) -> Result<Option<u8>> {
    loop {
        let buffer = match from.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let zeros = buffer.iter().take_while(|&&b| b == 0).count();
        let (len, next) = (buffer.len(), buffer.get(zeros).copied());
        from.consume(zeros);
        if next.is_some() || len == 0 {
            return Ok(next);
        }
    }
}
