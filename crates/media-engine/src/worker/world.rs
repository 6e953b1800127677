//! All sessions and mixers of one worker, and how orders change them.

use super::line::Door;
use super::mixing::Mixer;
use super::music::Music;
use super::player::{Player, Role};
use super::secure;
use super::session::{Digits, Session};
use crate::fault;
use crate::handshakes::Handshakes;
use crate::notes::{Happening, Note, NoteSender};
use crate::orders::{Order, Slot, Sockets, Source, Subject};
use crate::playlist::Playlist;
use crate::sys::{self, Epoll};
use crate::wire::{EngineStats, PlayEnd, RecordEnd};
use media_proto::sound::Sound;
use media_proto::{Micros, rtp, tone};
use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};

pub struct World {
    pub epoll: Epoll,
    pub sessions: Vec<Option<Box<Session>>>,
    pub mixers: Vec<Option<Box<Mixer>>>,
    /// When each session next has something to do, beside the sessions so that looking through them is cheap.
    pub due: Vec<Micros>,
    pub notes: NoteSender,
    /// Silence of a peer after which it is told.
    pub quiet: Micros,
    /// Room for a packet whose payload is changed.
    pub scratch: Box<[u8; 2048 + rtp::HEADER_LEN]>,
    /// The sound of each key, by its event code, for peers without telephone-event.
    pub keys: Vec<Arc<Sound>>,
    pub handshakes: Handshakes,
    pub music: Music,
    /// The way back for chunks that were written.
    pub emptied: (mpsc::Sender<Vec<i16>>, mpsc::Receiver<Vec<i16>>),
    /// What panicked, and has to be closed.
    broken: Vec<Subject>,
    /// Counters of sessions that are closed.
    past: EngineStats,
    random: u64,
}

impl World {
    pub fn new(epoll: Epoll, notes: NoteSender, handshakes: Handshakes, quiet: Micros) -> World {
        let keys = "0123456789*#ABCD".chars().filter_map(|key| tone::dtmf(&key.to_string(), 100, 60));
        World {
            epoll,
            sessions: Vec::new(),
            mixers: Vec::new(),
            due: Vec::new(),
            notes,
            quiet,
            scratch: Box::new([0; 2048 + rtp::HEADER_LEN]),
            keys: keys.map(Arc::new).collect(),
            handshakes,
            music: Music::default(),
            emptied: mpsc::channel(),
            broken: Vec::new(),
            past: EngineStats::default(),
            random: sys::random() as u64 | 1,
        }
    }

    /// When the next session or mixer has something to do.
    pub fn next_due(&self) -> Micros {
        let mixers = self.mixers.iter().flatten().map(|mixer| mixer.next_due());
        self.due.iter().copied().chain(mixers).min().unwrap_or(Micros::MAX)
    }

    /// Whether anybody hears another, or himself, as the packets come.
    pub fn forwards(&self) -> bool {
        let mut sources = self.sessions.iter().flatten().map(|session| &session.source);
        sources.any(|source| matches!(source, Source::Echo | Source::Session(_)))
    }

    /// A number for spreading things in time; nobody must not guess it (xorshift64).
    pub fn random(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as u32
    }

    pub fn session(&mut self, slot: Slot) -> Option<&mut Session> {
        self.sessions.get_mut(slot as usize)?.as_deref_mut()
    }

    fn mixer(&mut self, mixer: Slot) -> Option<&mut Mixer> {
        self.mixers.get_mut(mixer as usize)?.as_deref_mut()
    }

    /// Tells control what happened in a session.
    pub fn tell(&self, slot: Slot, what: Happening) {
        self.notes.send(Note::Session { slot, what });
    }

    /// Does something for a session or a mixer. A panic ends the one that was worked for at that moment, and no other.
    pub fn guarded(&mut self, subject: Subject, work: impl FnOnce(&mut World)) {
        match fault::contain(subject, || work(self)) {
            Ok(()) => {}
            // Who is where is not known any more; half an engine is worse than a new one.
            Err(Subject::Worker) => panic!("a fault in the books of a worker"),
            Err(at_fault) => self.broken.push(at_fault),
        }
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Micros) {
        for slot in 0..self.due.len() {
            if self.due[slot] <= now {
                let slot = slot as Slot;
                self.guarded(Subject::Session(slot), |world| {
                    world.tick_session(slot, now);
                    world.schedule(slot);
                });
            }
        }
        self.tick_mixers(now);
        self.close_broken(now);
    }

    /// Closes the sessions and mixers in which something panicked.
    pub fn close_broken(&mut self, now: Micros) {
        while let Some(subject) = self.broken.pop() {
            match subject {
                Subject::Session(slot) => self.close_broken_session(slot, now),
                Subject::Mixer(mixer) => {
                    let members = self.close_mixer(mixer, now);
                    self.notes.send(Note::MixerFailed { mixer, members });
                }
                Subject::Worker => {}
            }
        }
    }

    fn close_broken_session(&mut self, slot: Slot, now: Micros) {
        let closed = fault::contain(Subject::Session(slot), || {
            self.close(slot, now, |slot, stats, sockets| Note::Closed {
                slot,
                stats,
                sockets,
                token: None,
                panicked: true,
            });
        });
        if closed.is_ok() {
            return;
        }
        // It cannot even say goodbye: it is taken out of the others' books by hand.
        for session in self.sessions.iter_mut().flatten() {
            session.hearers.retain(|hearer| *hearer != slot);
            if matches!(session.source, Source::Session(source) if source == slot) {
                session.lose_source(now);
            }
        }
        for mixer in self.mixers.iter_mut().flatten() {
            mixer.leave(slot);
        }
        for other in 0..self.due.len() {
            self.schedule(other as Slot);
        }
        if let Some(session) = self.displace(slot) {
            let (stats, sockets) = (Default::default(), session.sockets);
            self.notes.send(Note::Closed { slot, stats, sockets, token: None, panicked: true });
        }
    }

    /// Closes a mixer; its members, who are returned, hear silence.
    fn close_mixer(&mut self, mixer: Slot, now: Micros) -> Vec<Slot> {
        let closed = self.mixers.get_mut(mixer as usize).and_then(Option::take);
        let members = closed.map(|mixer| mixer.members().to_vec()).unwrap_or_default();
        for &slot in &members {
            if let Some(session) = self.session(slot) {
                session.lose_source(now);
            }
            self.schedule(slot);
        }
        members
    }

    /// Finds anew when a session next has something to do.
    pub fn schedule(&mut self, slot: Slot) {
        let quiet = self.quiet;
        if let Some(due) = self.due.get_mut(slot as usize) {
            let session = self.sessions[slot as usize].as_deref();
            *due = session.map_or(Micros::MAX, |session| session.next_due(quiet));
        }
    }

    /// Carries out an order.
    pub fn carry_out(&mut self, order: Order, now: Micros) {
        let subject = order.subject();
        self.guarded(subject, |world| world.obey(order, now));
        if let Subject::Session(slot) = subject {
            self.schedule(slot);
        }
    }

    fn obey(&mut self, order: Order, now: Micros) {
        match order {
            Order::Open { slot, sockets, trust } => {
                let random = (sys::random(), sys::random());
                self.place(slot, Box::new(Session::new(sockets, trust, now, random)));
            }
            Order::Signal { slot, from } => {
                if let Some(session) = self.session(slot) {
                    session.latch.signals_from(from);
                    session.rtcp_latch.signals_from(from);
                }
            }
            Order::Remote { slot, remote } => {
                let random = self.random();
                if let Some(session) = self.session(slot) {
                    let over = session.set_secure(&remote, now);
                    session.set_remote(remote, now, random);
                    self.shake_hands(slot, over);
                }
            }
            Order::Handshake { slot, id, outcome } => self.shaken(slot, id, outcome),
            Order::Hear { slot, source } => self.hear(slot, source, now),
            Order::Play { slot, play, list } => {
                self.cover(slot, Player { list, role: Role::Play(play) }, now);
            }
            Order::Stop { slot, play } => {
                if self.playing(slot, play.as_ref()).is_some() {
                    self.uncover(slot, PlayEnd::Stopped, now);
                }
            }
            Order::Seek { slot, play, to } => {
                if let Some(list) = self.playing(slot, play.as_ref()) {
                    list.seek(to);
                }
            }
            Order::Pause { slot, play, paused } => {
                if let Some(list) = self.playing(slot, play.as_ref()) {
                    list.paused = paused;
                }
            }
            Order::Record { slot, record } => self.record(slot, record, now),
            Order::PauseRecord { slot, record, paused } => {
                if let Some(recorder) = self.session(slot).and_then(|session| session.recorder.as_deref_mut())
                    && record.as_ref().is_none_or(|record| *record == recorder.done.record)
                {
                    recorder.pause(paused, now);
                }
            }
            Order::StopRecord { slot, record } => {
                if let Some(session) = self.session(slot)
                    && let Some(recorder) = &session.recorder
                    && record.as_ref().is_none_or(|record| *record == recorder.done.record)
                {
                    self.finish_recording(slot, RecordEnd::Stopped, None);
                }
            }
            Order::Voice { slot, gain, agc } => {
                if let Some(session) = self.session(slot) {
                    (session.voice, session.agc) = (gain, agc);
                }
            }
            Order::Digits { slot, events, sound } => {
                self.leave_shared_encoder(slot);
                if let Some(session) = self.session(slot) {
                    let as_events = session.remote.as_ref().is_some_and(|remote| !remote.dtmf.is_empty());
                    session.digits = Some(match (as_events, session.digits.take()) {
                        (true, Some(Digits::Events(mut before))) => {
                            before.extend(events);
                            Digits::Events(before)
                        }
                        (true, _) => Digits::Events(events),
                        (false, Some(Digits::Sound(mut before))) => {
                            before.push(sound);
                            Digits::Sound(before)
                        }
                        (false, _) => Digits::Sound(Playlist::once(sound)),
                    });
                    session.filling = true;
                    session.next_packet = session.next_packet.max(now);
                }
            }
            Order::MixerOpen { mixer } => self.place_mixer(mixer, Box::default()),
            Order::MixerPlay { mixer, list } => {
                if let Some(mixer) = self.mixer(mixer) {
                    mixer.play(list);
                }
            }
            Order::MixerClose { mixer } => {
                self.close_mixer(mixer, now);
            }
            Order::Close { slot, token } => {
                self.close(slot, now, |slot, stats, sockets| Note::Closed {
                    slot,
                    stats,
                    sockets,
                    token,
                    panicked: false,
                });
            }
            Order::SessionStats { slot, token } => {
                if let Some(session) = self.session(slot) {
                    let stats = session.stats(now);
                    self.notes.send(Note::SessionStats { token, stats });
                }
            }
            Order::EngineStats { token } => {
                self.notes.send(Note::EngineStats { token, stats: self.stats() });
            }
            Order::Give { sessions, mixers, parcel, to } => {
                let what = Box::new(self.pack(&sessions, &mixers, now));
                to.send(Order::Take { parcel, what });
            }
            Order::Take { what, .. } => self.unpack(*what),
            Order::Await { .. } | Order::End => {}
        }
    }

    /// Has a session from now on, and watches its sockets. One that cannot be watched ends.
    pub fn place(&mut self, slot: Slot, session: Box<Session>) {
        let at = slot as usize;
        if self.sessions.len() <= at {
            self.sessions.resize_with(at + 1, || None);
            self.due.resize(at + 1, Micros::MAX);
        }
        let (rtp, rtcp) = (session.sockets.rtp.as_fd(), session.sockets.rtcp.as_fd());
        let watched = self
            .epoll
            .add(rtp, Door::Rtp.token(slot))
            .and_then(|()| self.epoll.add(rtcp, Door::Rtcp.token(slot)))
            .and_then(|()| match &session.line.socket {
                Some(line) => self.epoll.add(line.as_fd(), Door::Line.token(slot)),
                None => Ok(()),
            });
        self.sessions[at] = Some(session);
        if watched.is_err() {
            self.broken.push(Subject::Session(slot));
        }
    }

    /// Has a session no longer: its sockets are not watched, and nothing is due for it.
    pub fn displace(&mut self, slot: Slot) -> Option<Box<Session>> {
        let session = self.sessions.get_mut(slot as usize)?.take()?;
        self.due[slot as usize] = Micros::MAX;
        // A socket that is about to go need not be watched; there is nothing to do when that fails.
        let _ = self.epoll.remove(session.sockets.rtp.as_fd());
        let _ = self.epoll.remove(session.sockets.rtcp.as_fd());
        if let Some(line) = &session.line.socket {
            let _ = self.epoll.remove(line.as_fd());
        }
        Some(session)
    }

    /// Has a mixer from now on.
    pub fn place_mixer(&mut self, mixer: Slot, what: Box<Mixer>) {
        let at = mixer as usize;
        if self.mixers.len() <= at {
            self.mixers.resize_with(at + 1, || None);
        }
        self.mixers[at] = Some(what);
    }

    fn hear(&mut self, slot: Slot, source: Source, now: Micros) {
        if self.session(slot).is_none() {
            return;
        }
        self.detach(slot);
        match source {
            Source::Session(other) => match self.session(other) {
                Some(other) => other.hearers.push(slot),
                None => return,
            },
            Source::Mixer(mixer) => match self.mixer(mixer) {
                Some(mixer) => mixer.join(slot, now),
                None => return,
            },
            _ => {}
        }
        if let Some(session) = self.session(slot) {
            session.ear = matches!(source, Source::Mixer(_)).then(Box::default);
            if let Source::Loop(sound) = &source {
                // All who hear it hear the same moment of it.
                session.loop_at = (now / 125) as usize % sound.len();
            }
            session.source = source;
            session.heard = None;
            session.filling = true;
            session.next_packet = session.next_packet.max(now);
        }
    }

    /// Takes a session away from what it hears; it hears silence.
    fn detach(&mut self, slot: Slot) {
        self.leave_shared_encoder(slot);
        let Some(session) = self.session(slot) else { return };
        (session.ear, session.heard) = (None, None);
        match std::mem::replace(&mut session.source, Source::Silence) {
            Source::Session(other) => {
                if let Some(other) = self.session(other) {
                    other.hearers.retain(|hearer| *hearer != slot);
                }
            }
            Source::Mixer(mixer) => {
                if let Some(mixer) = self.mixer(mixer) {
                    mixer.leave(slot);
                }
            }
            _ => {}
        }
    }

    fn close(
        &mut self,
        slot: Slot,
        now: Micros,
        note: impl FnOnce(Slot, crate::wire::SessionStats, Sockets) -> Note,
    ) {
        if self.session(slot).is_none() {
            return;
        }
        self.uncover(slot, PlayEnd::Closed, now);
        self.finish_recording(slot, RecordEnd::Closed, None);
        self.detach(slot);
        let Some(mut session) = self.displace(slot) else { return };
        session.report(now, crate::clock::unix(), true);
        secure::end(&mut session, &self.handshakes);
        for &hearer in &session.hearers {
            if let Some(hearer) = self.session(hearer) {
                hearer.lose_source(now);
            }
            self.schedule(hearer);
        }
        add(&mut self.past, &session);
        let stats = session.stats(now);
        self.notes.send(note(slot, stats, session.sockets));
    }

    /// Closes everything.
    pub fn end(&mut self, now: Micros) {
        for slot in 0..self.sessions.len() as Slot {
            self.guarded(Subject::Session(slot), |world| {
                world.close(slot, now, |slot, stats, sockets| Note::Closed {
                    slot,
                    stats,
                    sockets,
                    token: None,
                    panicked: false,
                });
            });
        }
    }

    fn stats(&self) -> EngineStats {
        let mut stats = self.past.clone();
        for session in self.sessions.iter().flatten() {
            add(&mut stats, session);
        }
        stats
    }
}

fn add(stats: &mut EngineStats, session: &Session) {
    stats.rx_packets += session.rx.packets();
    stats.tx_packets += session.tx.packets();
    stats.rx_strangers += session.strangers;
    stats.rx_invalid += session.invalid;
    stats.rx_unauthentic += session.unauthentic;
    stats.tx_errors += session.errors;
}
