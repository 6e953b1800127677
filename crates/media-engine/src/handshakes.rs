//! The thread that shakes hands: DTLS associations of all sessions.
//!
//! Public-key arithmetic takes longer than a packet may wait, so it is done here. The worker hands over what it has found to
//! be DTLS of its peer; answers are sent from here, through a descriptor of the session's own socket; keys go to the
//! worker by way of control, which knows it.

use crate::clock;
use crate::fault;
use crate::notes::{Note, NoteSender};
use crate::orders::Slot;
use crate::threads;
use media_proto::Micros;
use media_proto::dtls::{Association, Failure, Fingerprint, Identity, Keys, Role, Step};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Datagrams that may wait. What comes above that is lost, as on the way here; handshakes repeat themselves.
const MAX_WAITING: usize = 1_000;
/// With nothing to do.
const LONGEST_WAIT: Micros = 60 * media_proto::SECOND;

/// An association, for the life of the engine.
pub type AssociationId = u64;

/// How an association ended, or what it brought.
#[derive(Debug)]
pub enum Outcome {
    Keys(Keys),
    Failed(Failure),
}

#[derive(Debug)]
pub enum Request {
    /// Shake hands with the peer of a session. A client begins when it knows where `to`.
    Begin {
        id: AssociationId,
        slot: Slot,
        socket: UdpSocket,
        role: Role,
        fingerprints: Vec<Fingerprint>,
        to: Option<SocketAddr>,
    },
    /// The peer is there.
    Target { id: AssociationId, to: SocketAddr },
    /// The peer said this.
    Packet { id: AssociationId, from: SocketAddr, bytes: Vec<u8> },
    /// Nobody needs it any more.
    End { id: AssociationId },
}

/// The worker's way to ask.
#[derive(Clone)]
pub struct Handshakes {
    requests: mpsc::Sender<Request>,
    waiting: Arc<AtomicUsize>,
    ids: Arc<AtomicU64>,
}

impl Handshakes {
    /// A name for another association.
    pub fn new_id(&self) -> AssociationId {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks. When the thread has ended, so will the process.
    pub fn ask(&self, request: Request) {
        let _ = self.requests.send(request);
    }

    /// Hands a datagram over; false when too many wait.
    pub fn packet(&self, id: AssociationId, from: SocketAddr, datagram: &[u8]) -> bool {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        self.ask(Request::Packet { id, from, bytes: datagram.to_vec() });
        true
    }
}

/// Starts the thread; it ends when nobody can ask any more.
pub fn start(identity: Identity, notes: NoteSender) -> io::Result<(Handshakes, JoinHandle<()>)> {
    let (requests, asked) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let desk = Desk { identity, notes, associations: HashMap::new() };
    let count = waiting.clone();
    let thread = threads::spawn("handshakes", move || desk.run(&asked, &count))?;
    Ok((Handshakes { requests, waiting, ids: Arc::default() }, thread))
}

/// One association, with what it takes to speak.
struct Shaking {
    slot: Slot,
    socket: UdpSocket,
    to: Option<SocketAddr>,
    association: Association,
}

struct Desk {
    identity: Identity,
    notes: NoteSender,
    associations: HashMap<AssociationId, Shaking>,
}

impl Desk {
    fn run(mut self, asked: &mpsc::Receiver<Request>, waiting: &AtomicUsize) {
        loop {
            let now = clock::now();
            let due = self.associations.values().filter(|shaking| shaking.to.is_some());
            let due = due.map(|shaking| shaking.association.next_due()).min().unwrap_or(Micros::MAX);
            let wait = due.saturating_sub(now).min(LONGEST_WAIT);
            match asked.recv_timeout(Duration::from_micros(wait)) {
                Ok(request) => {
                    if matches!(request, Request::Packet { .. }) {
                        waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                    self.obey(request);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tick();
        }
    }

    fn obey(&mut self, request: Request) {
        let now = clock::now();
        match request {
            Request::Begin { id, slot, socket, role, fingerprints, to } => {
                let identity = &self.identity;
                let new = || Association::new(identity, role, fingerprints, clock::start(), now);
                match fault::survive(new) {
                    Some(association) => {
                        self.associations.insert(id, Shaking { slot, socket, to, association });
                    }
                    None => {
                        let outcome = Outcome::Failed(Failure::Handshake);
                        self.notes.send(Note::Handshake { slot, id, outcome });
                    }
                }
            }
            Request::Target { id, to } => {
                if let Some(shaking) = self.associations.get_mut(&id) {
                    shaking.to = Some(to);
                }
            }
            Request::Packet { id, from, bytes } => {
                if let Some(shaking) = self.associations.get_mut(&id) {
                    shaking.to = Some(from);
                }
                self.work(id, |association, out| association.receive(now, &bytes, &mut |step| out(step)));
            }
            Request::End { id } => {
                self.associations.remove(&id);
            }
        }
    }

    fn tick(&mut self) {
        let now = clock::now();
        let due = |shaking: &Shaking| shaking.to.is_some() && shaking.association.next_due() <= now;
        let due = self.associations.iter().filter(|(_, shaking)| due(shaking)).map(|(id, _)| *id);
        for id in due.collect::<Vec<_>>() {
            self.work(id, |association, out| association.tick(now, &mut |step| out(step)));
        }
    }

    /// Lets an association do something, sends what it says and tells what came of it. A fault in it ends it alone.
    fn work(&mut self, id: AssociationId, work: impl FnOnce(&mut Association, &mut dyn FnMut(Step<'_>))) {
        let Some(Shaking { slot, socket, to, association }) = self.associations.get_mut(&id) else { return };
        let mut outcome = None;
        let mut out = |step: Step<'_>| match (step, &to) {
            // What the system does not take is lost, and sent again in its time.
            (Step::Packet(packet), Some(to)) => drop(socket.send_to(packet, to)),
            (Step::Keys(keys), _) => outcome = Some(Outcome::Keys(keys)),
            (Step::Failed(failure), _) => outcome = Some(Outcome::Failed(failure)),
            // Who closes says so by signalling too, or its consent ends.
            (Step::Closed | Step::Packet(_), _) => {}
        };
        let worked = fault::survive(|| work(association, &mut out));
        let (slot, is_over) = (*slot, association.is_over());
        if worked.is_none() {
            outcome = Some(Outcome::Failed(Failure::Handshake));
        }
        if worked.is_none() || is_over {
            self.associations.remove(&id);
        }
        if let Some(outcome) = outcome {
            self.notes.send(Note::Handshake { slot, id, outcome });
        }
    }
}
