//! What ranks and the hub say to each other: frames of a length and as many bytes.

use crate::call::{Call, Kind};
use crate::types::{Code, DataType, Failure, Op};
use std::fmt;
use std::io::{self, Read, Write};

/// Longest frame: one call's data and some bytes.
const LONGEST: u64 = 1 << 40;

/// Who a rank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number in the communicator.
    pub rank: u32,
    /// Its process.
    pub pid: u32,
    /// The device's ordinal.
    pub device: i32,
    /// The thread that made its communicator.
    pub thread: u64,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            rank, pid, device, ..
        } = self;
        write!(f, "rank {rank} (process {pid}, device {device})")
    }
}

/// From a rank to the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are named")]
pub enum Up {
    /// The first frame, with the key of the unique id.
    Hello {
        key: [u8; 16],
        ranks: u32,
        member: Member,
    },
    /// A call, by the thread of that number.
    Call {
        comm: u32,
        ticket: u64,
        thread: u64,
        call: Call,
        data: Vec<u8>,
    },
    /// This rank ends the communicator in order.
    Leave { comm: u32 },
    /// This rank gives it up.
    Abort { comm: u32 },
}

/// From the hub to a rank.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are named")]
pub enum Down {
    /// All ranks are there.
    Ready,
    /// A call's result.
    Done { ticket: u64, data: Vec<u8> },
    /// The communicator has failed, with all of its calls.
    Failed { comm: u32, failure: Failure },
    /// Others wait for this rank's next call.
    Wanted { comm: u32 },
    /// The communicator's end is known to all whom it concerns.
    Left { comm: u32 },
}

/// Bytes of a frame that are not yet read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }
    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
    fn call(&mut self) -> Option<Call> {
        let kind = *Kind::ALL.get(usize::from(self.u8()?))?;
        let (count, dtype) = (self.u64()?, DataType::from_code(self.u32()?)?);
        let (op, scalar) = (self.u32()?, self.array()?);
        Some(Call {
            kind,
            count,
            dtype,
            op: Op::from_code(op).unwrap_or(Op::PreMulSum(scalar)),
            root: self.i32()?,
            key: self.i32()?,
        })
    }
}

fn put_call(out: &mut Vec<u8>, call: &Call) {
    let kind = Kind::ALL.iter().position(|&kind| kind == call.kind);
    out.push(kind.unwrap_or(0) as u8);
    out.extend(call.count.to_le_bytes());
    out.extend((call.dtype as u32).to_le_bytes());
    let (op, scalar) = match call.op {
        Op::Sum => (0u32, [0; 8]),
        Op::Prod => (1, [0; 8]),
        Op::Max => (2, [0; 8]),
        Op::Min => (3, [0; 8]),
        Op::Avg => (4, [0; 8]),
        Op::PreMulSum(scalar) => (5, scalar),
    };
    out.extend(op.to_le_bytes());
    out.extend(scalar);
    out.extend(call.root.to_le_bytes());
    out.extend(call.key.to_le_bytes());
}

/// A message of one direction.
pub trait Message: Sized {
    /// Its bytes.
    fn encode(&self) -> Vec<u8>;
    /// The message of these bytes, if they are one.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Writes one frame.
    ///
    /// # Errors
    /// Those of `to`.
    fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let body = self.encode();
        to.write_all(&(body.len() as u64).to_le_bytes())?;
        to.write_all(&body)?;
        to.flush()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// Those of `from`, and `InvalidData` for what is no message.
    fn receive(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 8];
        from.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        if length > LONGEST {
            return Err(invalid());
        }
        let mut body = vec![];
        // by what comes, not by what is announced: a stranger may announce much
        from.take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Self::decode(&body).ok_or_else(invalid)
    }
}

impl Message for Up {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![];
        match self {
            Self::Hello { key, ranks, member } => {
                out.push(0);
                out.extend(key);
                for word in [*ranks, member.rank, member.pid, member.device as u32] {
                    out.extend(word.to_le_bytes());
                }
                out.extend(member.thread.to_le_bytes());
            }
            Self::Call {
                comm,
                ticket,
                thread,
                call,
                data,
            } => {
                out.reserve(data.len() + 64);
                out.push(1);
                out.extend(comm.to_le_bytes());
                out.extend(ticket.to_le_bytes());
                out.extend(thread.to_le_bytes());
                put_call(&mut out, call);
                out.extend(data);
            }
            Self::Leave { comm } | Self::Abort { comm } => {
                out.push(if matches!(self, Self::Leave { .. }) {
                    2
                } else {
                    3
                });
                out.extend(comm.to_le_bytes());
            }
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor(bytes);
        Some(match from.u8()? {
            0 => Self::Hello {
                key: from.array()?,
                ranks: from.u32()?,
                member: Member {
                    rank: from.u32()?,
                    pid: from.u32()?,
                    device: from.i32()?,
                    thread: from.u64()?,
                },
            },
            1 => Self::Call {
                comm: from.u32()?,
                ticket: from.u64()?,
                thread: from.u64()?,
                call: from.call()?,
                data: from.0.to_vec(),
            },
            2 => Self::Leave { comm: from.u32()? },
            3 => Self::Abort { comm: from.u32()? },
            _ => return None,
        })
    }
}

impl Message for Down {
    fn encode(&self) -> Vec<u8> {
        let mut out = vec![];
        match self {
            Self::Ready => out.push(0),
            Self::Done { ticket, data } => {
                out.push(1);
                out.extend(ticket.to_le_bytes());
                out.extend(data);
            }
            Self::Failed { comm, failure } => {
                out.push(2);
                out.extend(comm.to_le_bytes());
                out.extend((failure.code as u32).to_le_bytes());
                out.extend(failure.text.as_bytes());
            }
            Self::Wanted { comm } => {
                out.push(3);
                out.extend(comm.to_le_bytes());
            }
            Self::Left { comm } => {
                out.push(4);
                out.extend(comm.to_le_bytes());
            }
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Cursor(bytes);
        Some(match from.u8()? {
            0 => Self::Ready,
            1 => Self::Done {
                ticket: from.u64()?,
                data: from.0.to_vec(),
            },
            2 => Self::Failed {
                comm: from.u32()?,
                failure: Failure::new(
                    Code::from_number(from.u32()?),
                    String::from_utf8_lossy(from.0),
                ),
            },
            3 => Self::Wanted { comm: from.u32()? },
            4 => Self::Left { comm: from.u32()? },
            _ => return None,
        })
    }
}
