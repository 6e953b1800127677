//! What is made here at its time: silence, players, endless sounds, digits; and what recorders take.

use super::session::{Digits, HOLE, Player, Session, kind};
use super::world::World;
use crate::clock;
use crate::notes::Happening;
use crate::orders::{Slot, Source};
use crate::wire::{PlayEnd, RecordEnd};
use crate::writer::{CHUNK, Job};
use media_proto::dtmf::{PAYLOAD_LEN, Step};
use media_proto::recording::End;
use media_proto::rtp::{HEADER_LEN, Header};
use media_proto::{FRAME, FRAME_MICROS, MS, Micros, rtcp};
use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;

/// The longest packet made here: 60 ms.
const MAX_SAMPLES: usize = 480;
/// One that was held up for longer than this does not send what it missed.
const MISSED: Micros = 100 * MS;

impl World {
    /// Does what is due for a session.
    pub fn tick_session(&mut self, slot: Slot, now: Micros) {
        let quiet = self.quiet;
        self.tick_recorder(slot, now);
        let Some(session) = self.session(slot) else { return };
        let relays = matches!(session.source, Source::Echo | Source::Session(_));
        if relays && !session.filling && now >= session.last_relayed + HOLE {
            session.filling = true;
            session.next_packet = session.next_packet.max(now);
        }
        while let Some(session) = self.session(slot)
            && session.is_producing()
            && session.next_packet <= now
        {
            if session.next_packet + MISSED < now {
                session.next_packet = now;
            }
            session.next_packet += session.packet_time();
            if let Some(reason) = session.make_packet(now) {
                self.uncover(slot, reason, now);
            }
        }
        let random = self.random();
        let Some(session) = self.session(slot) else { return };
        if session.reports.next.is_some_and(|next| next <= now) {
            session.report(now, clock::unix(), false);
            session.reports.next = Some(now + rtcp::interval(random));
        }
        if session.receives() && !session.told_quiet && now >= session.last_heard + quiet {
            session.told_quiet = true;
            let silent = now - session.last_heard;
            self.tell(slot, Happening::Quiet { silent });
        }
    }

    fn tick_recorder(&mut self, slot: Slot, now: Micros) {
        loop {
            let Some(recorder) = self.session(slot).and_then(|session| session.recorder.as_deref_mut())
            else {
                return;
            };
            let Some(next) = recorder.next.filter(|next| *next <= now) else { return };
            recorder.next = Some(next + FRAME_MICROS);
            let mut frame = [0; FRAME];
            recorder.ear.take(&mut frame);
            recorder.chunk.extend_from_slice(&frame);
            let end = recorder.recording.frame(&frame);
            let failed = recorder.failed.load(Ordering::Relaxed);
            if recorder.chunk.len() + FRAME > CHUNK {
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
        let empty = self.chunk();
        let Some(recorder) = self.session(slot).and_then(|session| session.recorder.as_deref_mut()) else {
            return;
        };
        let samples = std::mem::replace(&mut recorder.chunk, empty);
        let (file, failed) = (recorder.file, recorder.failed.clone());
        if let Err(TrySendError::Full(_)) = self.jobs.0.try_send(Job::Write { file, samples }) {
            failed.store(true, Ordering::Relaxed);
        }
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
        self.unwritten.push_back(Job::Finish { file: recorder.file, done: recorder.done });
        if let Some(session) = self.session(slot)
            && matches!(&session.player, Some(Player { role: super::session::Role::Beep, .. }))
        {
            session.player = None;
        }
    }
}

impl Session {
    /// Makes and sends the next packet. Returns the end of the player that with it has played everything.
    fn make_packet(&mut self, now: Micros) -> Option<PlayEnd> {
        let remote = self.remote.as_ref()?;
        let (payload_type, codec) = remote.codecs[0];
        let samples = ((remote.ptime_ms * 8) as usize).min(MAX_SAMPLES);
        let mut packet = [0u8; HEADER_LEN + MAX_SAMPLES];
        let payload = &mut packet[HEADER_LEN..HEADER_LEN + samples];
        let mut over = None;
        let feed = match (&mut self.digits, &mut self.player, &self.source) {
            (Some(Digits::Events(sender)), _, _) => {
                match (sender.step(remote.ptime_ms), remote.dtmf) {
                    (Step::Event { event, first }, Some(event_type)) => {
                        let header =
                            self.tx.event(now, event_type, first, u32::from(event.duration), PAYLOAD_LEN);
                        packet[HEADER_LEN..HEADER_LEN + PAYLOAD_LEN].copy_from_slice(&event.to_bytes());
                        self.send(header, &mut packet[..HEADER_LEN + PAYLOAD_LEN]);
                        return None;
                    }
                    (Step::Gap, Some(_)) => {}
                    _ => self.digits = None,
                }
                payload.fill(codec.silence());
                kind::SILENCE
            }
            (Some(Digits::Sound(list)), _, _) => {
                list.payload(codec, payload);
                if list.is_over() {
                    self.digits = None;
                }
                kind::DIGITS
            }
            (None, Some(player), _) => {
                player.list.payload(codec, payload);
                over = player.list.is_over().then_some(PlayEnd::Finished);
                kind::PLAYER
            }
            (None, None, Source::Loop(sound)) => {
                self.loop_at = sound.looped(codec, self.loop_at, payload);
                kind::LOOP
            }
            _ => {
                payload.fill(codec.silence());
                kind::SILENCE
            }
        };
        if self.sends() {
            let header = self.tx.made(now, feed, payload_type, samples as u32);
            self.send(header, &mut packet[..HEADER_LEN + samples]);
        }
        over
    }

    /// Sends a packet whose payload is in place.
    pub fn send(&mut self, header: Header, packet: &mut [u8]) {
        packet[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        if self.sends()
            && let Some(target) = self.latch.target()
        {
            self.errors += u64::from(self.sockets.rtp.send_to(packet, target).is_err());
        }
    }
}
