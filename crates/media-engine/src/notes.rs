//! What the other threads tell control.

use crate::handshakes::{AssociationId, Outcome};
use crate::orders::{Slot, Sockets, Token};
use crate::playlist::Piece;
use crate::sys::EventFd;
use crate::wire::{EngineStats, ErrorCode, PlayEnd, RecordEnd, SessionStats};
use media_proto::Micros;
use media_proto::presence::Lack;
use media_proto::srtp::Suite;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;

#[derive(Debug)]
pub enum Note {
    Session {
        slot: Slot,
        what: Happening,
    },
    Closed {
        slot: Slot,
        stats: SessionStats,
        sockets: Sockets,
        token: Option<Token>,
        panicked: bool,
    },
    /// A fault ended a mixer; these were in it.
    MixerFailed {
        mixer: Slot,
        members: Vec<Slot>,
    },
    SessionStats {
        token: Token,
        stats: SessionStats,
    },
    EngineStats {
        token: Token,
        stats: EngineStats,
    },
    Loaded {
        token: Token,
        pieces: Result<Vec<Piece>, Refused>,
    },
    RecordOpened {
        token: Token,
        opened: Result<(), Refused>,
    },
    Recorded(Recorded),
    /// What came of a handshake; the worker wants to know it.
    Handshake {
        slot: Slot,
        id: AssociationId,
        outcome: Outcome,
    },
    /// A worker has closed everything, or the thread of a recording is done with its file.
    Ended,
}

/// Why a thread did not do what control asked of it: the code, and for people what was wrong.
pub type Refused = (ErrorCode, String);

/// Something that happened in a session.
#[derive(Clone, Debug)]
pub enum Happening {
    Digit {
        digit: char,
        ms: u32,
    },
    PlayDone {
        play: String,
        reason: PlayEnd,
        /// How far it was played.
        ms: u64,
        /// What was wrong with a file.
        detail: Option<String>,
    },
    Latched {
        source: SocketAddr,
    },
    Moved {
        source: SocketAddr,
    },
    /// Something is missing of the peer, for so long.
    Quiet {
        lack: Lack,
        silent: Micros,
    },
    /// Nothing is missing any more.
    Heard {
        silent: Micros,
    },
    /// The handshake brought keys.
    Secured {
        suite: Suite,
        version: &'static str,
    },
    /// It did not, and will not.
    Insecure {
        why: &'static str,
    },
    /// The peer's consent to be sent media ended.
    Expired {
        silent: Micros,
    },
}

/// A recording whose file is complete.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub session: String,
    pub record: String,
    pub path: String,
    pub ms: u32,
    pub voiced_ms: u32,
    pub reason: RecordEnd,
    pub digit: Option<char>,
}

/// A thread's way to tell control something.
#[derive(Clone)]
pub struct NoteSender {
    notes: mpsc::Sender<Note>,
    wake: Arc<EventFd>,
}

/// Control's side.
pub struct NoteReceiver {
    pub notes: mpsc::Receiver<Note>,
    pub wake: Arc<EventFd>,
}

pub fn queue() -> std::io::Result<(NoteSender, NoteReceiver)> {
    let (sender, receiver) = mpsc::channel();
    let wake = Arc::new(EventFd::new()?);
    Ok((NoteSender { notes: sender, wake: wake.clone() }, NoteReceiver { notes: receiver, wake }))
}

impl NoteSender {
    /// Tells control. When control is gone the process is ending and nobody wants to know.
    pub fn send(&self, note: Note) {
        if self.notes.send(note).is_ok() {
            self.wake.notify();
        }
    }
}
