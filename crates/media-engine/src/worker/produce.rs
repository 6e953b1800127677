//! What is made here at its time: silence, what is played, endless sounds, digits.

use super::session::{Digits, HOLE, Session, kind};
use super::world::World;
use crate::clock;
use crate::fault;
use crate::notes::Happening;
use crate::orders::{Format, Slot, Source, Subject};
use crate::wire::PlayEnd;
use media_proto::codec::Codec;
use media_proto::dtmf::{self, PAYLOAD_LEN, Step};
use media_proto::g711::Law;
use media_proto::rtp::{HEADER_LEN, Header};
use media_proto::srtp::MAX_OVERHEAD;
use media_proto::voice::Voice;
use media_proto::{MS, Micros, SAMPLE_RATE, WIDE_FRAME, opus, rtcp};

/// The longest packet of G.711 made here: 60 ms.
const MAX_SAMPLES: usize = 480;
/// The longest datagram that is taken, and so the longest that is sent on.
const MAX_PACKET: usize = 2048;
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
            let due = session.next_packet;
            session.next_packet += Micros::from(session.packet_ms()) * MS;
            if self.send_music(slot, due, now) {
                continue;
            }
            let Some(session) = self.session(slot) else { break };
            let source = match session.source {
                Source::Session(source) if session.heard.is_some() => Some(source),
                _ => None,
            };
            // Taken out for the time of the work, since it belongs to another session of the same world.
            let mut spoken = source.and_then(|source| self.session(source)?.spoken.take());
            let ended =
                self.session(slot).and_then(|session| session.make_packet(now, spoken.as_deref_mut()));
            if let Some(source) = source.and_then(|source| self.session(source)) {
                source.spoken = spoken;
            }
            if let Some(reason) = ended {
                self.uncover(slot, reason, now);
            }
        }
        let random = self.random();
        let Some(session) = self.session(slot) else { return };
        if session.reports.next.is_some_and(|next| next <= now) {
            session.report(now, clock::unix(), false);
            session.reports.next = Some(now + rtcp::interval(random));
        }
        if session.receives()
            && let Some((lack, silent)) = session.presence.missing(now, quiet)
        {
            self.tell(slot, Happening::Quiet { lack, silent });
        }
        self.tick_consent(slot, now);
    }
}

impl Session {
    /// Makes and sends the next packet. Returns the end of the player that with it has played everything.
    fn make_packet(&mut self, now: Micros, spoken: Option<&mut Voice>) -> Option<PlayEnd> {
        let ms = self.packet_ms();
        if let Some(Digits::Events(sender)) = &mut self.digits {
            match sender.step(ms) {
                Step::Event { event, first } if self.send_event(event, first, now) => return None,
                Step::Gap => {}
                _ => self.digits = None,
            }
        }
        let Some(first) = self.remote.as_ref()?.codecs.first().copied() else {
            return self.play_to_nobody(ms);
        };
        match first.what.law() {
            Some(law) => self.make_narrow(law, first.pt, ms, now, spoken),
            None => self.make_wide(first, now, spoken),
        }
    }

    /// What is played ends at its time for a peer too that has only foreign codecs, and cannot hear it.
    fn play_to_nobody(&mut self, ms: u32) -> Option<PlayEnd> {
        let mut frame = [0; 2 * MAX_SAMPLES];
        let frame = &mut frame[..((ms * 16) as usize).min(2 * MAX_SAMPLES)];
        self.digits = None;
        let player = self.player.as_mut()?;
        player.list.frame(frame);
        player.list.end()
    }

    /// Sends a key; false when the peer has no telephone-event (any more).
    fn send_event(&mut self, event: dtmf::Event, first: bool, now: Micros) -> bool {
        let Some((payload_type, clock)) = self.event_format() else { return false };
        let event = event.rescaled(SAMPLE_RATE, clock);
        self.tx.set_clock(now, clock);
        let header = self.tx.event(now, payload_type, first, u32::from(event.duration), PAYLOAD_LEN);
        let mut packet = [0u8; HEADER_LEN + PAYLOAD_LEN];
        packet[HEADER_LEN..].copy_from_slice(&event.to_bytes());
        self.send(header, &mut packet);
        true
    }

    /// A packet of G.711: what is played is there as payload already.
    fn make_narrow(
        &mut self,
        law: Law,
        payload_type: u8,
        ms: u32,
        now: Micros,
        spoken: Option<&mut Voice>,
    ) -> Option<PlayEnd> {
        let samples = ((ms * 8) as usize).min(MAX_SAMPLES);
        let mut packet = [0u8; HEADER_LEN + MAX_SAMPLES];
        let payload = &mut packet[HEADER_LEN..HEADER_LEN + samples];
        let mut over = None;
        let feed = match (&mut self.digits, &mut self.player, &self.source) {
            (Some(Digits::Sound(list)), _, _) => {
                list.payload(law, payload);
                if list.end().is_some() {
                    self.digits = None;
                }
                kind::DIGITS
            }
            (None, Some(player), _) => {
                player.list.payload(law, payload);
                over = player.list.end();
                kind::PLAYER
            }
            (None, None, Source::Loop(sound)) => {
                self.loop_at = sound.looped(law, self.loop_at, payload);
                kind::LOOP
            }
            (None, None, &Source::Session(source)) if let Some(heard) = &mut self.heard => {
                let mut frame = [0; MAX_SAMPLES];
                if let Some(spoken) = spoken {
                    let frame = &mut frame[..samples];
                    fault::within(Subject::Session(source), || heard.take(spoken, now, frame, SAMPLE_RATE));
                }
                law.encode(&frame[..samples], payload);
                kind::VOICE
            }
            _ => {
                payload.fill(law.silence());
                kind::SILENCE
            }
        };
        if self.sends() {
            self.tx.set_clock(now, SAMPLE_RATE);
            let header = self.tx.made(now, feed, payload_type, samples as u32, samples);
            self.send(header, &mut packet[..HEADER_LEN + samples]);
        }
        over
    }

    /// 20 ms of a codec with a state, encoded for this leg alone.
    fn make_wide(
        &mut self,
        format: Format<Codec>,
        now: Micros,
        spoken: Option<&mut Voice>,
    ) -> Option<PlayEnd> {
        let (mut frame, mut over) = ([0; WIDE_FRAME], None);
        let feed = match (&mut self.digits, &mut self.player, &self.source) {
            (Some(Digits::Sound(list)), _, _) => {
                list.frame(&mut frame);
                if list.end().is_some() {
                    self.digits = None;
                }
                kind::DIGITS
            }
            (None, Some(player), _) => {
                player.list.frame(&mut frame);
                over = player.list.end();
                kind::PLAYER
            }
            (None, None, &Source::Session(source)) if let Some(heard) = &mut self.heard => {
                if let Some(spoken) = spoken {
                    let rate = format.what.rate();
                    fault::within(Subject::Session(source), || heard.take(spoken, now, &mut frame, rate));
                }
                kind::VOICE
            }
            _ => kind::SILENCE,
        };
        self.send_wide(format, feed, &frame, now);
        over
    }

    /// Encodes and sends 20 ms of wide sound. (An encoder that has to save bandwidth may find nothing worth sending.)
    pub fn send_wide(&mut self, format: Format<Codec>, feed: u8, frame: &[i16], now: Micros) {
        if !self.sends() {
            return;
        }
        let Some(encoder) = &mut self.coders.encoder else { return };
        let mut payload = [0u8; opus::MAX_PAYLOAD];
        let length = encoder.encode(frame, &mut payload);
        self.send_payload(format, feed, &payload[..length], now);
    }

    /// Sends 20 ms that are encoded already, unless it is nothing.
    pub fn send_payload(&mut self, format: Format<Codec>, feed: u8, payload: &[u8], now: Micros) {
        if payload.is_empty() {
            return;
        }
        let clock = format.what.clock();
        let mut packet = [0u8; HEADER_LEN + opus::MAX_PAYLOAD];
        packet[HEADER_LEN..HEADER_LEN + payload.len()].copy_from_slice(payload);
        self.tx.set_clock(now, clock);
        let header = self.tx.made(now, feed, format.pt, clock / 50, payload.len());
        self.send(header, &mut packet[..HEADER_LEN + payload.len()]);
    }

    /// Sends a packet whose payload is in place.
    pub fn send(&mut self, header: Header, packet: &mut [u8]) {
        packet[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        if self.sends() {
            self.transmit(packet);
        }
    }

    /// Sends a whole packet to the peer, protected if that was agreed.
    pub fn transmit(&mut self, packet: &[u8]) {
        if self.recorder.is_some() {
            self.tap(packet);
        }
        let Some(target) = self.latch.target().filter(|_| self.may_send()) else { return };
        let sent = match &mut self.srtp {
            None => self.send_datagram(packet, target),
            Some(srtp) => {
                // The packet may go to others too, so it is protected beside it.
                let mut buffer = [0; MAX_PACKET + MAX_OVERHEAD];
                let length = packet.len().min(MAX_PACKET);
                buffer[..length].copy_from_slice(&packet[..length]);
                let length = srtp.0.rtp(&mut buffer, length);
                self.send_datagram(&buffer[..length], target)
            }
        };
        self.errors += u64::from(sent.is_err());
    }
}
