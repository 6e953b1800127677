//! What goes back to the controller: answers, refusals, and what the other threads tell.

use super::commands::{Asked, Refusing};
use super::{ConnectionId, Control};
use crate::clock;
use crate::log::{Level, log};
use crate::notes::{Happening, Note, Recorded};
use crate::orders::{Order, Slot, Sockets, Token};
use crate::wire::{
    self, Body, EngineStats, ErrorCode, Event, Grant, RecordCommand, Refusal, SessionStats, Target,
};
use crate::writer::Writing;
use media_proto::MS;
use serde_json::json;

/// Who waits for the answer to a command.
#[derive(Clone, Debug)]
pub struct Waiter {
    pub from: ConnectionId,
    pub id: Option<u64>,
    pub op: String,
    pub session: Option<String>,
}

/// A command that waits for another thread.
pub enum Pending {
    /// For sound files.
    Files(Asked),
    /// For the file of a recording.
    Recording { waiter: Waiter, command: RecordCommand, rate: u32, file: Writing },
    /// For what will be the answer.
    Answer(Waiter),
    /// For the counters of so many workers more.
    Sum { waiter: Waiter, stats: EngineStats, left: usize },
}

impl Control {
    /// Answers a command that was carried out.
    pub fn grant(&mut self, waiter: &Waiter, body: Body) {
        if let Some(re) = waiter.id {
            self.reply(waiter.from, &Grant { re, ok: true, body });
        }
    }

    /// Answers a command that was not carried out; one that wanted no answer makes an event.
    pub fn refuse(&mut self, waiter: &Waiter, error: ErrorCode, detail: String) {
        let fields = json!({"op": waiter.op, "error": error, "detail": detail, "session": waiter.session});
        log(Level::Debug, "refused", fields);
        match waiter.id {
            Some(re) => self.reply(waiter.from, &Refusal { re, ok: false, error, detail }),
            None => {
                let (op, session) = (waiter.op.clone(), waiter.session.clone());
                self.outbox.push(Event::Error { op, error, detail, session, mixer: None });
            }
        }
    }

    fn reply(&mut self, to: ConnectionId, reply: &impl serde::Serialize) {
        // Whoever asked may be gone.
        if let Some(connection) = self.connections.get_mut(&to) {
            connection.output().extend_from_slice(&wire::frame(reply));
        }
    }

    /// Takes what another thread tells.
    pub fn take_note(&mut self, note: Note) {
        match note {
            Note::Session { slot, what } => self.happened(slot, what),
            Note::Closed { slot, stats, sockets, token, panicked } => {
                self.closed(slot, stats, sockets, token, panicked);
            }
            Note::MixerFailed { mixer, members } => self.mixer_failed(mixer, &members),
            Note::SessionStats { token, stats } => self.answer(token, Body::Session { stats }),
            Note::EngineStats { token, stats } => self.sum(token, &stats),
            Note::Loaded { token, pieces } => {
                if let Some(Pending::Files(Asked { waiter, command })) = self.pending.remove(&token) {
                    let target = command.target();
                    let result = self.loaded(command, pieces);
                    self.conclude(&waiter, target, result);
                }
            }
            Note::RecordOpened { token, opened } => {
                if let Some(Pending::Recording { waiter, command, rate, file }) = self.pending.remove(&token)
                {
                    let target = Target::Session(command.session.clone());
                    let result = self.record_opened(command, rate, file, opened);
                    self.conclude(&waiter, Some(target), result);
                }
            }
            Note::Handshake { slot, id, outcome } => {
                self.orders.send(Order::Handshake { slot, id, outcome });
            }
            Note::Recorded(Recorded { session, record, path, ms, voiced_ms, reason, digit }) => {
                self.outbox.push(Event::RecordDone { session, record, path, ms, voiced_ms, reason, digit });
            }
            Note::Ended => self.running -= 1,
        }
    }

    /// Answers a command that had to wait, and carries out those that waited behind it.
    fn conclude(&mut self, waiter: &Waiter, target: Option<Target>, result: Result<Body, Refusing>) {
        match result {
            Ok(body) => self.grant(waiter, body),
            Err(Refusing { code, detail }) => self.refuse(waiter, code, detail),
        }
        let Some(target) = target else { return };
        let mut queue = self.waiting.remove(&target).unwrap_or_default();
        while let Some(asked) = queue.pop_front() {
            self.execute(asked);
            if let Some(again) = self.waiting.get_mut(&target) {
                again.append(&mut queue);
                return;
            }
        }
    }

    fn answer(&mut self, token: Token, body: Body) {
        if let Some(Pending::Answer(waiter)) = self.pending.remove(&token) {
            self.grant(&waiter, body);
        }
    }

    /// Adds one worker's counters to an answer, which is given when it has all of them.
    fn sum(&mut self, token: Token, counted: &EngineStats) {
        let Some(Pending::Sum { stats, left, .. }) = self.pending.get_mut(&token) else { return };
        stats.add(counted);
        *left -= 1;
        if *left == 0
            && let Some(Pending::Sum { waiter, stats, .. }) = self.pending.remove(&token)
        {
            let stats = self.complete(stats);
            self.grant(&waiter, Body::Engine { stats });
        }
    }

    fn happened(&mut self, slot: Slot, what: Happening) {
        let Some((session, _)) = self.sessions.get(slot) else { return };
        let session = session.clone();
        self.outbox.push(match what {
            Happening::Digit { digit, ms } => Event::Dtmf { session, digit, ms },
            Happening::PlayDone { play, reason, ms, detail } => {
                Event::PlayDone { session, play, reason, ms, detail }
            }
            Happening::Moved { source } => {
                Event::Moved { session, ip: source.ip().to_canonical().to_string(), port: source.port() }
            }
            Happening::Latched { source } => {
                Event::Latched { session, ip: source.ip().to_canonical().to_string(), port: source.port() }
            }
            Happening::Quiet { lack, silent } => Event::Quiet { session, ms: silent / MS, lack: lack.into() },
            Happening::Heard { silent } => Event::Heard { session, ms: silent / MS },
            Happening::Secured { suite, version } => {
                Event::Secured { session, suite: suite.name().into(), dtls: version.into() }
            }
            Happening::Insecure { why } => Event::Insecure { session, detail: why.into() },
            Happening::Expired { silent } => Event::Expired { session, ms: silent / MS },
        });
    }

    fn closed(
        &mut self,
        slot: Slot,
        stats: SessionStats,
        sockets: Sockets,
        token: Option<Token>,
        panicked: bool,
    ) {
        if panicked {
            self.forget_session(slot);
        }
        let Some((session, known)) = self.sessions.free(slot) else { return };
        self.ports.close(clock::now(), known.port, sockets);
        if panicked {
            self.panics += 1;
            log(Level::Error, "session_failed", json!({"session": session, "tag": known.tag}));
            let detail = "a fault of the engine ended this session".to_owned();
            let (op, error) = ("session".into(), ErrorCode::Internal);
            self.outbox.push(Event::Error { op, error, detail, session: Some(session), mixer: None });
        } else {
            let fields = json!({"session": session, "tag": known.tag, "stats": stats});
            log(Level::Debug, "closed", fields);
        }
        if let Some(token) = token {
            self.answer(token, Body::Session { stats });
        }
    }

    /// A fault ended a mixer. Each member is told of it, by what it is a member of.
    fn mixer_failed(&mut self, slot: Slot, members: &[Slot]) {
        let Some((mixer, ())) = self.mixers.free(slot) else { return };
        self.panics += 1;
        log(Level::Error, "mixer_failed", json!({"mixer": mixer, "members": members.len()}));
        self.orders.send(Order::MixerClose { mixer: slot }); // so that nobody is held to hear it
        self.sessions.silence(&wire::Source::Mixer { mixer: mixer.clone() });
        let name = |slot: &Slot| self.sessions.get(*slot).map(|(session, _)| Some(session.clone()));
        let mut told: Vec<_> = members.iter().filter_map(name).collect();
        if told.is_empty() {
            told.push(None);
        }
        for session in told {
            let detail = "a fault of the engine ended this mixer".to_owned();
            let (op, error, mixer) = ("mixer".into(), ErrorCode::Internal, Some(mixer.clone()));
            self.outbox.push(Event::Error { op, error, detail, session, mixer });
        }
    }

    /// Adds what the workers do not know.
    fn complete(&self, stats: EngineStats) -> EngineStats {
        EngineStats {
            ms: clock::now() / MS,
            sessions: self.sessions.len() as u64,
            mixers: self.mixers.len() as u64,
            ports_free: self.ports.free() as u64,
            ports_draining: self.ports.draining() as u64,
            panics: self.panics,
            orphaned: self.orphaned,
            events_lost: self.outbox.lost(),
            ..stats
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Known, start};
    use crate::args;
    use crate::notes::Note;
    use crate::wire::{self, ErrorCode, Event, Numbered, Source};

    #[test]
    fn a_room_that_failed_is_told_of_by_each_member_and_can_be_opened_again() {
        let options = "--socket /nowhere --ip 127.0.0.1 --ports 40000-40001 --workers 1";
        let (mut control, _threads) =
            start(args::parse(options.split(' ').map(str::to_owned)).unwrap()).unwrap();
        let mixer = control.mixers.add("m".into(), ());
        let source = Source::Mixer { mixer: "m".into() };
        let ip = control.args.ip;
        let members = ["a", "b"].map(|name| {
            let known = Known { source: source.clone(), ..Known::at(ip, 0) };
            control.sessions.add(name.into(), known)
        });
        control.take_note(Note::MixerFailed { mixer, members: members.to_vec() });
        control.take_note(Note::MixerFailed { mixer, members: members.to_vec() });
        let mut frames = Vec::new();
        control.outbox.take(&mut frames);
        let half = frames.len() / 2;
        let told = [&frames[4..half], &frames[half + 4..]].map(|frame| {
            match wire::read::<Numbered>(frame).unwrap().event {
                Event::Error { op, error: ErrorCode::Internal, session, mixer, .. } => (op, session, mixer),
                other => panic!("{other:?}"),
            }
        });
        let expected = |name: &str| ("mixer".to_owned(), Some(name.to_owned()), Some("m".to_owned()));
        assert_eq!(told, [expected("a"), expected("b")]);
        assert!(control.sessions.named().all(|(_, _, known)| known.source == Source::Silence));
        assert!(control.mixers.find("m").is_none() && control.panics == 1);
    }
}
