//! What recorders take, and give the writer.

use super::player::{Player, Role};
use super::session::Session;
use super::world::World;
use crate::clock;
use crate::notes::Recorded;
use crate::orders::{Record, Slot};
use crate::playlist::Playlist;
use crate::wire::{Both, RecordEnd};
use crate::writer::{CHUNK, Writing};
use media_proto::ear::Ear;
use media_proto::recording::{End, Recording};
use media_proto::rtp;
use media_proto::voice::{Arrival, Content, Voice};
use media_proto::{FRAME_MICROS, Micros, WIDE_FRAME};

pub struct Recorder {
    pub done: Recorded,
    pub file: Writing,
    rate: u32,
    pub recording: Recording,
    pub ear: Ear,
    /// What the leg hears, if that is recorded too.
    pub tap: Option<Box<Tap>>,
    /// What came before this is not written; `Micros::MAX` while the recording pauses.
    pub from: Micros,
    pub stop_digits: String,
    pub chunk: Vec<i16>,
    /// When the next frame is due; `None` while the beep is heard.
    pub next: Option<Micros>,
}

/// What is sent to a leg, heard as the leg hears it: in time, through a jitter buffer like its own voice.
pub struct Tap {
    how: Both,
    voice: Voice,
    ear: Ear,
}

impl Recorder {
    /// Writes nothing more, or again. A packet has been under way and waits here, the longer the more this machine was held up: what was
    /// said in the pause is known by when it came, and not by when it would be written.
    pub fn pause(&mut self, paused: bool, now: Micros) {
        self.from = if paused { Micros::MAX } else { self.from.min(now + FRAME_MICROS) };
    }
}

impl Session {
    /// Lets the recorder hear a packet that is sent.
    pub fn tap(&mut self, packet: &[u8]) {
        let tap = self.recorder.as_deref_mut().and_then(|recorder| recorder.tap.as_deref_mut());
        let (Some(tap), Some(remote)) = (tap, &self.remote) else { return };
        let Ok(rtp::Packet { payload_type, ssrc, sequence, timestamp, payload, .. }) = rtp::parse(packet)
        else {
            return;
        };
        if let Some(format) = remote.codecs.iter().find(|format| format.pt == payload_type) {
            let (content, payload) = (Content::Voice(format.what), &packet[payload]);
            tap.voice.put(clock::now(), &Arrival { ssrc, sequence, timestamp, content, payload });
        }
    }
}

impl World {
    /// Begins a recording, in place of one in progress.
    pub fn record(&mut self, slot: Slot, record: Record, now: Micros) {
        self.finish_recording(slot, RecordEnd::Stopped, None);
        let Record { done, file, rate, limits, stop_digits, both, beep } = record;
        let recorder = Recorder {
            done,
            file,
            rate,
            recording: Recording::new(limits),
            ear: Ear::default(),
            tap: both.map(|how| Box::new(Tap { how, voice: Voice::default(), ear: Ear::default() })),
            from: 0,
            stop_digits,
            chunk: self.chunk(),
            next: beep.is_none().then_some(now),
        };
        let Some(session) = self.session(slot) else { return };
        session.recorder = Some(Box::new(recorder));
        if let Some(beep) = beep {
            self.cover(slot, Player { list: Playlist::once(beep), role: Role::Beep }, now);
        }
    }

    /// An empty chunk for a recorder, one that the writer gave back if there is any.
    pub fn chunk(&mut self) -> Vec<i16> {
        self.emptied.1.try_recv().unwrap_or_else(|_| Vec::with_capacity(crate::writer::CHUNK))
    }

    /// Takes the frames that are due, and ends the recording when it has to.
    pub fn tick_recorder(&mut self, slot: Slot, now: Micros) {
        loop {
            let Some(session) = self.session(slot) else { return };
            let (Some(recorder), spoken) = (session.recorder.as_deref_mut(), session.spoken.as_deref_mut())
            else {
                return;
            };
            let Some(next) = recorder.next.filter(|next| *next <= now) else { return };
            recorder.next = Some(next + FRAME_MICROS);
            let (rate, samples) = (recorder.rate, recorder.rate as usize / 50);
            let (mut frame, mut heard) = ([0; WIDE_FRAME], [0; WIDE_FRAME]);
            let (frame, heard) = (&mut frame[..samples], &mut heard[..samples]);
            let mut age = 0;
            if let Some(spoken) = spoken {
                recorder.ear.take(spoken, next, frame, rate);
                age = recorder.ear.age(spoken);
            }
            if let Some(tap) = &mut recorder.tap {
                tap.ear.take(&mut tap.voice, next, heard, rate);
                age = age.max(tap.ear.age(&tap.voice));
            }
            if next < recorder.from.saturating_add(age) {
                continue;
            }
            match recorder.tap.as_ref().map(|tap| tap.how) {
                None => recorder.chunk.extend_from_slice(frame),
                Some(Both::Mixed) => {
                    recorder.chunk.extend(frame.iter().zip(&*heard).map(|(a, b)| a.saturating_add(*b)));
                }
                Some(Both::Stereo) => {
                    recorder.chunk.extend(frame.iter().zip(&*heard).flat_map(|(a, b)| [*a, *b]))
                }
            }
            let end = recorder.recording.frame(frame);
            let failed = recorder.file.has_failed();
            if recorder.chunk.len() + 2 * WIDE_FRAME > CHUNK {
                self.write_chunk(slot);
            }
            let reason = match end {
                _ if failed => RecordEnd::Disk,
                Some(End::Limit) => RecordEnd::Limit,
                Some(End::Silence) => RecordEnd::Silence,
                None => continue,
            };
            self.finish_recording(slot, reason, None);
        }
    }

    /// Gives the writer what a recorder has gathered. When it cannot keep up, the recording ends at the next frame.
    fn write_chunk(&mut self, slot: Slot) {
        let recorder = self.session(slot).and_then(|session| session.recorder.as_deref_mut());
        if recorder.is_none_or(|recorder| recorder.chunk.is_empty()) {
            return;
        }
        let (empty, back) = (self.chunk(), self.emptied.0.clone());
        let Some(recorder) = self.session(slot).and_then(|session| session.recorder.as_deref_mut()) else {
            return;
        };
        let samples = std::mem::replace(&mut recorder.chunk, empty);
        recorder.file.write(samples, back);
    }

    /// Ends a session's recording, if there is one; it is told when the file is complete.
    pub fn finish_recording(&mut self, slot: Slot, reason: RecordEnd, digit: Option<char>) {
        self.write_chunk(slot);
        let Some(mut recorder) = self.session(slot).and_then(|session| session.recorder.take()) else {
            return;
        };
        recorder.done.ms = recorder.recording.ms();
        recorder.done.voiced_ms = recorder.recording.voiced_ms();
        recorder.done.reason = reason;
        recorder.done.digit = digit;
        recorder.file.finish(recorder.done);
        if let Some(session) = self.session(slot)
            && matches!(&session.player, Some(Player { role: Role::Beep, .. }))
        {
            session.player = None;
        }
    }
}
