//! The communicators of a unique id: who is in them, and what they are told.

use crate::lobby::Lobby;
use crate::matching::Matching;
use crate::round::{Arrival, Event};
use crate::settings::Settings;
use crate::types::{Code, Failure};
use crate::wire::{Down, Member, Message, Up};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::Instant;

/// A communicator, and which connection each of its ranks has.
struct Room {
    matching: Matching,
    lines: Vec<usize>,
    /// Who waits to hear that all have left.
    leaving: Vec<usize>,
}

/// All of them, the connections, and who has come before they begin.
pub struct Rooms {
    /// The settings of all.
    pub settings: Settings,
    lobby: Lobby,
    lines: Vec<Option<TcpStream>>,
    rooms: BTreeMap<u32, Room>,
}

impl Rooms {
    /// None yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            lobby: Lobby::default(),
            lines: vec![],
            rooms: BTreeMap::new(),
        }
    }

    fn say(&mut self, line: usize, message: &Down) {
        if let Some(stream) = &mut self.lines[line]
            && message.send(stream).is_err()
        {
            // Its own thread finds the end of the connection, and tells the others.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// A rank comes; the number of its connection.
    pub fn enter(&mut self, ranks: u32, member: Member, writer: TcpStream) -> usize {
        let line = self.lines.len();
        self.lines.push(Some(writer));
        let lobby = &mut self.lobby;
        lobby.since.get_or_insert_with(Instant::now);
        if lobby.come.is_empty() {
            lobby.ranks = ranks;
        }
        let refusal = if let Some(failure) = &lobby.failure {
            Some(failure.clone())
        } else if !self.rooms.is_empty() {
            let text =
                format!("{member} comes with the unique id of a communicator that is complete");
            Some(Failure::new(Code::InvalidUsage, text))
        } else {
            lobby
                .refusal(ranks, member)
                .map(|text| Failure::new(Code::InvalidUsage, text))
        };
        self.lobby.come.push((member, line));
        if let Some(failure) = refusal {
            if self.rooms.is_empty() {
                self.fail_lobby(failure);
            } else {
                self.say(line, &Down::Failed { comm: 0, failure });
            }
        } else if self.lobby.come.len() == ranks as usize {
            self.lobby.come.sort_by_key(|come| come.0.rank);
            let come = &self.lobby.come;
            let (members, lines): (Vec<_>, Vec<_>) = come.iter().copied().unzip();
            for &line in &lines {
                self.say(line, &Down::Ready);
            }
            self.open(0, members, lines);
        }
        line
    }

    fn open(&mut self, comm: u32, members: Vec<Member>, lines: Vec<usize>) {
        let matching = Matching::new(members, self.settings.order);
        let leaving = vec![];
        let room = Room {
            matching,
            lines,
            leaving,
        };
        self.rooms.insert(comm, room);
    }

    fn fail_lobby(&mut self, failure: Failure) {
        let lines: Vec<usize> = self.lobby.come.iter().map(|come| come.1).collect();
        self.lobby.failure = Some(failure.clone());
        for line in lines {
            let failure = failure.clone();
            self.say(line, &Down::Failed { comm: 0, failure });
        }
    }

    /// A rank says something.
    pub fn hear(&mut self, line: usize, message: Up) {
        let (Up::Call { comm, .. } | Up::Leave { comm } | Up::Abort { comm }) = message else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&comm) else {
            return;
        };
        let Some(rank) = room.lines.iter().position(|&l| l == line) else {
            return;
        };
        let events = match message {
            Up::Call {
                ticket,
                thread,
                call,
                data,
                ..
            } => {
                let at = Instant::now();
                let arrival = Arrival {
                    ticket,
                    thread,
                    call,
                    data,
                    at,
                };
                room.matching.arrive(rank, arrival)
            }
            Up::Leave { .. } => {
                room.leaving.push(rank);
                room.matching
                    .leave(rank, "has destroyed its communicator", false)
            }
            _ => room.matching.leave(rank, "has aborted", true),
        };
        self.tell(comm, events);
        self.release(comm);
    }

    /// The connection is closed.
    pub fn lost(&mut self, line: usize) {
        self.lines[line] = None;
        if self.rooms.is_empty() {
            let come = &self.lobby.come;
            if let Some((member, _)) = come.iter().find(|come| come.1 == line) {
                let text = format!("{member} ended before all ranks had come");
                self.fail_lobby(Failure::new(Code::RemoteError, text));
            }
            return;
        }
        let comms: Vec<u32> = self.rooms.keys().copied().collect();
        for comm in comms {
            let Some(room) = self.rooms.get_mut(&comm) else {
                continue;
            };
            if let Some(rank) = room.lines.iter().position(|&l| l == line) {
                let how = "is dead: its connection closed";
                let events = room.matching.leave(rank, how, true);
                self.tell(comm, events);
                self.release(comm);
            }
        }
    }

    fn tell(&mut self, comm: u32, events: Vec<Event>) {
        for event in events {
            let Some(room) = self.rooms.get(&comm) else {
                return;
            };
            let lines = room.lines.clone();
            match event {
                Event::Done { rank, ticket, data } => {
                    self.say(lines[rank], &Down::Done { ticket, data });
                }
                Event::Wanted { rank } => self.say(lines[rank], &Down::Wanted { comm }),
                Event::Failed(failure) => {
                    let message = Down::Failed { comm, failure };
                    lines.iter().for_each(|&line| self.say(line, &message));
                }
                Event::Split(groups, left_out) => {
                    let members = room.matching.members().to_vec();
                    for (rank, ticket) in left_out {
                        let data = vec![];
                        self.say(lines[rank], &Down::Done { ticket, data });
                    }
                    for group in groups {
                        self.divide(&members, &lines, &group);
                    }
                }
            }
        }
    }

    /// Opens one communicator of a split. Its ranks get its number, their rank in it and how many they are.
    fn divide(&mut self, members: &[Member], lines: &[usize], group: &[(usize, u64)]) {
        let number = self.rooms.keys().next_back().map_or(0, |last| last + 1);
        let renamed = group.iter().zip(0..).map(|(&(old, _), rank)| Member {
            rank,
            ..members[old]
        });
        let own = group.iter().map(|&(old, _)| lines[old]).collect();
        self.open(number, renamed.collect(), own);
        for (&(old, ticket), rank) in group.iter().zip(0u32..) {
            let words = [number, rank, group.len() as u32];
            let data = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            self.say(lines[old], &Down::Done { ticket, data });
        }
    }

    /// Lets those go who have left. The hub's own process goes last, since the hub goes with it.
    fn release(&mut self, comm: u32) {
        let Some(room) = self.rooms.get_mut(&comm) else {
            return;
        };
        let own = std::process::id();
        let members = room.matching.members();
        let stays = |is_own: bool| {
            let mut ranks = (0..members.len()).filter(|&k| (members[k].pid == own) == is_own);
            ranks.any(|k| !room.matching.is_gone(k))
        };
        // One thread may have several ranks of the process, and end one after the other.
        let is_held = stays(false) && !stays(true);
        let (held, free): (Vec<usize>, Vec<usize>) = room
            .leaving
            .iter()
            .partition(|&&k| is_held && members[k].pid == own);
        room.leaving = held;
        let lines: Vec<usize> = free.iter().map(|&k| room.lines[k]).collect();
        for line in lines {
            self.say(line, &Down::Left { comm });
        }
    }

    /// Looks at the clock: what has waited too long fails.
    pub fn tick(&mut self) {
        let (now, limit) = (Instant::now(), self.settings.limit);
        if let Some(since) = self.lobby.since
            && self.rooms.is_empty()
            && self.lobby.failure.is_none()
            && now.duration_since(since) > limit
        {
            let text = self.lobby.absence(limit);
            self.fail_lobby(Failure::new(Code::RemoteError, text));
        }
        let comms: Vec<u32> = self.rooms.keys().copied().collect();
        for comm in comms {
            if let Some(room) = self.rooms.get_mut(&comm) {
                let events = room.matching.overdue(now, limit);
                self.tell(comm, events);
            }
        }
    }
}
