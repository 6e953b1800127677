//! The main thread: it speaks with the controller, keeps the names and the ports, and orders the workers about.

mod commands;
mod connection;
mod files;
mod formats;
mod lifeline;
mod outbox;
mod registry;
mod replies;
mod workers;

use crate::args::Args;
use crate::clock;
use crate::log::{Level, log};
use crate::notes::{self, NoteReceiver, NoteSender};
use crate::orders::{self, Order, Sockets, Token};
use crate::ports::PortPool;
use crate::sys;
use crate::wire::{Event, Target};
use crate::{handshakes, loader, log, reader, worker, writer};
use connection::Connection;
use lifeline::Lifeline;
use media_proto::dtls::Identity;
use media_proto::sound::Sound;
use media_proto::tone::Tone;
use media_proto::{MS, Micros, SECOND};
use outbox::Outbox;
use registry::{Known, Registry};
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use workers::Workers;

/// How often the parent is looked at when there is no `--lifeline-fd`.
const PARENT_EVERY: Micros = 5 * SECOND;
/// How soon a controller that did not read is tried again.
const RETRY: Micros = 20 * MS;

/// A connection, by the order of its coming.
type ConnectionId = u64;

/// Everything the main thread owns.
pub struct Control {
    args: Args,
    engine: String,
    /// Of our certificate.
    fingerprint: String,
    notes: NoteReceiver,
    orders: Workers,
    loader: mpsc::Sender<loader::Request>,
    /// What those who write recordings tell by, and what waits to be written.
    writers: (NoteSender, writer::Waiting),
    sessions: Registry<Known>,
    mixers: Registry<()>,
    ports: PortPool<Sockets>,
    tones: HashMap<Tone, Arc<Sound>>,
    outbox: Outbox,
    connections: HashMap<ConnectionId, Connection>,
    next_connection: ConnectionId,
    controller: Option<ConnectionId>,
    /// Since when there is no controller.
    alone_since: Option<Micros>,
    pending: HashMap<Token, replies::Pending>,
    next_token: Token,
    /// Commands that wait until an earlier one for the same target has its files.
    waiting: HashMap<Target, VecDeque<commands::Asked>>,
    orphaned: u64,
    panics: u64,
    /// Threads of workers and of recordings that have not ended.
    running: usize,
}

/// The threads to be waited for at the end, in the order in which they can end.
struct Threads {
    workers: Vec<JoinHandle<()>>,
    handshakes: JoinHandle<()>,
    loader: JoinHandle<()>,
    reader: JoinHandle<()>,
}

/// Runs the engine until it is told to end.
pub fn run(args: Args) -> io::Result<()> {
    log::set_level(args.log_level);
    log::catch_panics();
    clock::now();
    sys::raise_file_limit();
    let signals = sys::termination()?;
    let seconds = args.orphan_seconds;
    let mut lifeline = args.lifeline_fd.map(|fd| Lifeline::inherit(fd, seconds)).transpose()?;
    let listener = listen(&args.socket)?;
    let (mut control, threads) = start(args)?;
    let fields = json!({
        "engine": control.engine, "socket": control.args.socket.display().to_string(),
        "ports": format!("{}-{}", control.args.first_port, control.args.last_port),
    });
    log(Level::Info, "started", fields);
    control.serve(&listener, &signals, &mut lifeline)?;
    control.end();
    let Control { args, loader, .. } = control;
    drop(loader);
    let workers = threads.workers.into_iter().map(|worker| ("worker", worker));
    let others = [("handshakes", threads.handshakes), ("loader", threads.loader), ("reader", threads.reader)];
    for (name, thread) in workers.chain(others) {
        if thread.join().is_err() {
            log(Level::Error, "thread_failed", json!({"thread": name}));
        }
    }
    let _ = std::fs::remove_file(&args.socket);
    log(Level::Info, "ended", json!({}));
    Ok(())
}

/// Listens on `path`. A socket that a dead engine left there is replaced; one that is alive is an error.
fn listen(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_ok() {
        let text =
            format!("another engine listens on {}; stop it or choose another --socket", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn start(args: Args) -> io::Result<(Control, Threads)> {
    let (note_sender, notes) = notes::queue()?;
    let (reader, reader_thread) = reader::start()?;
    let (loader, loader_thread) = loader::start(note_sender.clone(), reader)?;
    let identity = identity();
    let fingerprint = identity.fingerprint().to_owned();
    let (handshakes, handshakes_thread) = handshakes::start(identity, note_sender.clone())?;
    let (mut queues, mut workers) = (Vec::new(), Vec::new());
    for number in 0..args.workers {
        let (sender, orders) = orders::queue()?;
        let load = Arc::new(worker::Load::default());
        let (notes, quiet) = (note_sender.clone(), args.quiet_seconds * SECOND);
        let handshakes = handshakes.clone();
        queues.push((sender, load.clone()));
        workers.push(worker::start(number, worker::Setup { orders, notes, handshakes, quiet, load })?);
    }
    let control = Control {
        fingerprint,
        engine: format!("{:016x}", sys::random() as u64),
        notes,
        orders: Workers::new(queues),
        loader,
        writers: (note_sender, writer::Waiting::default()),
        sessions: Registry::default(),
        mixers: Registry::default(),
        ports: PortPool::new(args.first_port, args.last_port),
        tones: Tone::ALL.into_iter().map(|tone| (tone, Arc::new(tone.period()))).collect(),
        outbox: Outbox::default(),
        connections: HashMap::new(),
        next_connection: 0,
        controller: None,
        alone_since: Some(clock::now()),
        pending: HashMap::new(),
        next_token: 0,
        waiting: HashMap::new(),
        orphaned: 0,
        panics: 0,
        running: args.workers,
        args,
    };
    Ok((
        control,
        Threads { workers, handshakes: handshakes_thread, loader: loader_thread, reader: reader_thread },
    ))
}

/// A certificate for the life of this process.
fn identity() -> Identity {
    loop {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(&sys::random().to_ne_bytes());
        secret[16..].copy_from_slice(&sys::random().to_ne_bytes());
        if let Some(identity) = Identity::new(secret, sys::random().to_ne_bytes(), clock::unix()) {
            return identity;
        }
    }
}

impl Control {
    /// Serves until SIGTERM, or until there is no supervisor any more.
    fn serve(
        &mut self,
        listener: &UnixListener,
        signals: &OwnedFd,
        lifeline: &mut Option<Lifeline>,
    ) -> io::Result<()> {
        let first_parent = sys::parent();
        loop {
            let mut fds =
                vec![listener.as_raw_fd(), self.notes.wake.as_fd().as_raw_fd(), signals.as_raw_fd()];
            fds.extend(lifeline.as_ref().map_or([-1; 2], Lifeline::fds));
            let ids: Vec<ConnectionId> = self.connections.keys().copied().collect();
            fds.extend(ids.iter().map(|id| self.connections[id].stream.as_raw_fd()));
            let now = clock::now();
            let due = lifeline.as_ref().and_then(Lifeline::deadline).unwrap_or(Micros::MAX);
            let wait = self.next_due(now).min(due).saturating_sub(now);
            let ready = sys::poll(&fds, Duration::from_micros(wait + 999))?;
            if ready[2] {
                log(Level::Info, "terminated", json!({}));
                return Ok(());
            }
            if let Some(lifeline) = lifeline {
                if ready[3] || ready[4] {
                    lifeline.look();
                }
                if lifeline.is_over(clock::now()) {
                    log(Level::Error, "supervisor_gone", json!({"seconds": self.args.orphan_seconds}));
                    return Ok(());
                }
            }
            if ready[0] {
                self.accept(listener);
            }
            if ready[1] {
                self.notes.wake.drain();
                while let Ok(note) = self.notes.notes.try_recv() {
                    self.take_note(note);
                }
            }
            for (id, _) in ids.into_iter().zip(&ready[5..]).filter(|(_, ready)| **ready) {
                self.read(id);
            }
            self.flush();
            let is_idle = self.sessions.is_empty() && self.pending.is_empty();
            if is_idle && lifeline.as_ref().is_some_and(Lifeline::is_retired) {
                log(Level::Info, "retired", json!({}));
                return Ok(());
            }
            let now = clock::now();
            self.ports.expire(now);
            let alone =
                self.alone_since.is_some_and(|since| now >= since + self.args.orphan_seconds * SECOND);
            if alone {
                self.orphan();
                if lifeline.is_none() && sys::parent() != first_parent {
                    log(Level::Info, "parent_ended", json!({}));
                    return Ok(());
                }
            }
        }
    }

    fn next_due(&mut self, now: Micros) -> Micros {
        let mut due = now + PARENT_EVERY;
        if let Some(drained) = self.ports.expire(now) {
            due = due.min(drained);
        }
        if let Some(since) = self.alone_since
            && !self.sessions.is_empty()
        {
            due = due.min(since + self.args.orphan_seconds * SECOND);
        }
        if self.connections.values().any(Connection::is_blocked) {
            due = due.min(now + RETRY);
        }
        due
    }

    fn accept(&mut self, listener: &UnixListener) {
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                self.connections.insert(self.next_connection, Connection::new(stream));
                self.next_connection += 1;
            }
        }
    }

    fn read(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.fill();
        }
        while let Some(frame) = self.connections.get_mut(&id).and_then(Connection::next_frame) {
            self.take_frame(id, &frame);
        }
    }

    /// Sends what there is to send, and buries the connections that ended.
    fn flush(&mut self) {
        if let Some(controller) = self.controller.and_then(|id| self.connections.get_mut(&id))
            && !controller.is_closed()
        {
            self.outbox.take(controller.output());
        }
        for connection in self.connections.values_mut() {
            connection.flush();
        }
        self.connections.retain(|_, connection| !connection.is_closed());
        if self.controller.is_some_and(|id| !self.connections.contains_key(&id)) {
            self.controller = None;
            self.alone_since = Some(clock::now());
            log(Level::Warning, "controller_gone", json!({"sessions": self.sessions.len()}));
        }
    }

    /// Ends all sessions, since nobody claimed them.
    fn orphan(&mut self) {
        let slots: Vec<_> = self.sessions.named().map(|(slot, name, _)| (slot, name.to_owned())).collect();
        for (slot, session) in slots {
            log(Level::Warning, "orphaned", json!({"session": session}));
            self.orphaned += 1;
            self.outbox.push(Event::Orphaned { session });
            self.forget_session(slot);
            self.orders.send(Order::Close { slot, token: None });
        }
        let mixers: Vec<_> = self.mixers.named().map(|(slot, ..)| slot).collect();
        for mixer in mixers {
            self.mixers.free(mixer);
            self.orders.send(Order::MixerClose { mixer });
        }
    }

    /// Closes everything politely: BYEs are sent, recordings completed, the controller told.
    fn end(&mut self) {
        self.orders.send_to_all(|| Order::End);
        while self.running > 0 {
            match self.notes.notes.recv() {
                Ok(note) => self.take_note(note),
                Err(_) => return,
            }
        }
        self.flush();
    }
}
