//! The thread that all ranks of a unique id are connected to.

use crate::rooms::Rooms;
use crate::settings::Settings;
use crate::wire::{Message, Up};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often the hub looks at the clock.
const TICK: Duration = Duration::from_millis(20);

/// Where a hub is, and what one says to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// The key.
    pub key: [u8; 16],
}

type Shared = Arc<Mutex<Rooms>>;

fn lock(state: &Shared) -> MutexGuard<'_, Rooms> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a hub that lives as long as the process.
///
/// # Errors
/// Those of a socket that listens, of a thread, and of `/dev/urandom`.
pub fn start(settings: Settings) -> io::Result<Address> {
    let mut key = [0; 16];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut key)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let state = Arc::new(Mutex::new(Rooms::new(settings)));
    let clock = Arc::clone(&state);
    let name = || thread::Builder::new().name("nccl hub".into());
    name().spawn(move || {
        loop {
            thread::sleep(TICK);
            lock(&clock).tick();
        }
    })?;
    name().spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = Arc::clone(&state);
            // Without a thread the rank gets no answer, and says so itself.
            let _ = name().spawn(move || serve(stream, &key, &state));
        }
    })?;
    Ok(Address { port, key })
}

/// Listens to one rank until it is gone.
fn serve(mut stream: TcpStream, expected: &[u8; 16], state: &Shared) {
    let _ = stream.set_nodelay(true);
    let Ok(Up::Hello { key, ranks, member }) = Up::receive(&mut stream) else {
        return;
    };
    let limit = lock(state).settings.limit;
    let _ = stream.set_write_timeout(Some(limit.max(TICK)));
    let (Ok(writer), true) = (stream.try_clone(), key == *expected) else {
        return;
    };
    let line = lock(state).enter(ranks, member, writer);
    while let Ok(message) = Up::receive(&mut stream) {
        let mut state = {
            let order = lock(state).settings.order;
            if let (Some(seed), Up::Call { ticket, .. }) = (order, &message) {
                let mixed = (seed ^ ticket << 8 ^ u64::from(member.rank))
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15);
                thread::sleep(Duration::from_micros(mixed >> 53));
            }
            lock(state)
        };
        state.hear(line, message);
    }
    lock(state).lost(line);
}
