//! What comes in: RTP is judged, heard and forwarded; RTCP is read.

use super::line::Door;
use super::session::{Digits, Forward, Kind, Session};
use super::world::World;
use crate::clock;
use crate::fault;
use crate::notes::Happening;
use crate::orders::{Slot, Source, Subject};
use crate::playlist::Playlist;
use crate::sys::Batch;
use crate::wire::RecordEnd;
use media_proto::latch::Verdict;
use media_proto::tx::Incoming;
use media_proto::voice::Content;
use media_proto::{MS, Micros, dtmf, inband, rtcp, rtp};
use std::net::SocketAddr;

/// A socket that is ready again this soon gets more than a phone sends.
const BUSY: Micros = 4 * MS;
/// One that nobody has looked at for longer may hold more than one packet: this machine was held up.
const HELD_UP: Micros = 30 * MS;

impl World {
    /// Takes what waits in one of a session's sockets.
    pub fn receive(&mut self, batch: &mut Batch, slot: Slot, door: Door, now: Micros) {
        let Some(session) = self.session(slot) else { return };
        let socket = match door {
            Door::Rtp => Some(&session.sockets.rtp),
            Door::Rtcp => Some(&session.sockets.rtcp),
            Door::Line => session.line.socket.as_ref(),
        };
        let Some(socket) = socket else { return };
        // One packet in 20 ms is the rule. A socket that was ready a moment ago may hold more: it is emptied.
        let usual = (session.last_taken + BUSY..session.last_taken + HELD_UP).contains(&now);
        let count = if usual { batch.receive_one(socket) } else { batch.receive(socket) };
        session.last_taken = now;
        self.guarded(Subject::Session(slot), |world| {
            for index in 0..count {
                match batch.datagram(index) {
                    Some((from, datagram)) if door == Door::Rtcp => world.rtcp(slot, from, datagram, now),
                    Some((from, datagram)) => world.arrived(slot, from, datagram, now),
                    None => {}
                }
            }
            world.connect(slot);
        });
    }

    pub fn rtp(&mut self, slot: Slot, from: SocketAddr, datagram: &mut [u8], now: Micros) {
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        if session.awaits_keys() {
            session.unauthentic += 1;
            return;
        }
        let mut proved = None;
        let datagram = match &mut session.srtp {
            None => datagram,
            Some(srtp) => {
                let Ok((length, latest)) = srtp.1.rtp(datagram) else {
                    session.unauthentic += 1;
                    return;
                };
                proved = Some(latest);
                &mut datagram[..length]
            }
        };
        let negotiated = rtp::parse(datagram).ok().and_then(|packet| {
            let kind = session.kind(packet.payload_type)?;
            Some((packet, kind))
        });
        let Some((packet, kind)) = negotiated else {
            session.invalid += 1;
            return;
        };
        match session.judge(from, proved, now) {
            Verdict::Peer => {}
            Verdict::Stranger if proved.is_some() => {
                // Only the peer has the key: it has moved, unless this is a packet from before it did.
                if proved == Some(true) && session.latch.follow(from) {
                    let what = Happening::Moved { source: from };
                    self.notes.send(crate::notes::Note::Session { slot, what });
                }
            }
            Verdict::Latched => {
                self.notes
                    .send(crate::notes::Note::Session { slot, what: Happening::Latched { source: from } });
            }
            Verdict::Stranger => {
                session.strangers += 1;
                return;
            }
        }
        let length = packet.payload.len();
        session.rx.receive(now, kind.clock(), packet.ssrc, packet.sequence, packet.timestamp, length);
        if !session.receives() {
            return;
        }
        let payload = &datagram[packet.payload.clone()];
        let mut pressed = None;
        let mut ticks = 0;
        let mut sounded = None;
        let content = match kind {
            Kind::Voice(codec) => Some(Content::Voice(codec)),
            Kind::Noise => Some(Content::Noise),
            Kind::Event(_) | Kind::Foreign(_) => None,
        };
        let mut is_heard = content.is_some() && session.is_listened_to();
        if let (true, Some(content)) = (is_heard, content) {
            session.say(now, &packet, content, payload);
        }
        match kind {
            Kind::Voice(codec) => {
                ticks = codec.duration(payload);
                if let Some(keys) = &mut session.keys_in {
                    sounded = keys.receive(codec, packet.sequence, payload);
                }
            }
            Kind::Noise | Kind::Foreign(_) => {}
            Kind::Event(clock) => {
                pressed = dtmf::Event::parse(payload).and_then(|event| {
                    Some((event, session.digits_in.receive(now, clock, packet.timestamp, event)?))
                });
            }
        }
        let has_sound = match (kind, &session.spoken) {
            (Kind::Voice(_), Some(spoken)) => spoken.has_sound(),
            (Kind::Voice(codec), None) => !codec.is_silent(payload),
            (Kind::Event(_) | Kind::Foreign(_), _) => true,
            (Kind::Noise, _) => false,
        };
        if let Some(silent) = session.presence.packet(now, has_sound) {
            self.notes.send(crate::notes::Note::Session { slot, what: Happening::Heard { silent } });
        }
        let incoming = Incoming {
            from: slot,
            ssrc: packet.ssrc,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            ticks,
        };
        let mut forward =
            Forward { incoming, kind, start: packet.payload.start, end: packet.payload.end, datagram };
        if matches!(session.source, Source::Echo) {
            session.forward(now, &mut forward, &mut self.scratch[..]);
        }
        let mut index = 0;
        while let Some(&hearer) =
            self.sessions[slot as usize].as_ref().and_then(|session| session.hearers.get(index))
        {
            index += 1;
            fault::work_for(Subject::Session(hearer));
            let Some(hearing) = self.sessions.get_mut(hearer as usize).and_then(Option::as_deref_mut) else {
                continue;
            };
            match (&pressed, hearing.knows_events()) {
                (Some((event, _)), false) if !hearing.is_covered() => {
                    let key = self.keys[usize::from(event.event)].clone();
                    hearing.digits = Some(Digits::Sound(Playlist::once(key)));
                    hearing.filling = true;
                    hearing.next_packet = hearing.next_packet.max(now);
                    self.due[hearer as usize] = now;
                }
                _ => {
                    if !hearing.forward(now, &mut forward, &mut self.scratch[..]) {
                        self.due[hearer as usize] = self.due[hearer as usize].min(hearing.hear_anew(now));
                        if let (false, Some(content), Some(session)) = (is_heard, content, self.session(slot))
                        {
                            let payload = &forward.datagram[forward.start..forward.end];
                            fault::within(Subject::Session(slot), || {
                                session.say(now, &packet, content, payload);
                            });
                            is_heard = true;
                        }
                    }
                }
            }
        }
        fault::work_for(Subject::Session(slot));
        if let (false, Kind::Voice(_), Some(session)) = (is_heard, kind, self.session(slot)) {
            session.keep_silent();
        }
        if let Some((_, pressed)) = pressed {
            self.pressed(slot, pressed);
        }
        if let Some(digit) = sounded {
            self.pressed(slot, dtmf::Pressed { digit, ms: inband::KNOWN_MS });
        }
    }

    /// A key went down.
    fn pressed(&mut self, slot: Slot, pressed: dtmf::Pressed) {
        self.tell(slot, Happening::Digit { digit: pressed.digit, ms: pressed.ms });
        let ends = self
            .session(slot)
            .and_then(|session| session.recorder.as_ref())
            .is_some_and(|recorder| recorder.next.is_some() && recorder.stop_digits.contains(pressed.digit));
        if ends {
            self.finish_recording(slot, RecordEnd::Digit, Some(pressed.digit));
        }
    }

    pub fn rtcp(&mut self, slot: Slot, from: SocketAddr, datagram: &mut [u8], now: Micros) {
        let Some(session) = self.session(slot) else { return };
        if session.awaits_keys() {
            session.unauthentic += 1;
            return;
        }
        let mut proved = false;
        let datagram = match &mut session.srtp {
            None => datagram,
            Some(srtp) => {
                let Ok(length) = srtp.1.rtcp(datagram) else {
                    session.unauthentic += 1;
                    return;
                };
                proved = true;
                &mut datagram[..length]
            }
        };
        let Some(heard) = rtcp::parse(datagram, session.tx.ssrc()) else {
            session.invalid += 1;
            return;
        };
        let known = if session.is_muxed() {
            proved || session.latch.target() == Some(from)
        } else {
            if proved {
                session.rtcp_latch.follow(from);
            }
            proved || session.rtcp_latch.receive(from) != Verdict::Stranger
        };
        if !known {
            session.strangers += 1;
            return;
        }
        if let Some(theirs) = heard.sender_report {
            session.reports.theirs = Some((theirs, now));
        }
        if let Some(block) = heard.block {
            session.reports.round_trip =
                block.round_trip(rtcp::ntp(clock::unix())).or(session.reports.round_trip);
            session.reports.block = Some(block);
            session.reports.covered = session.tx.packets_until(block.highest_sequence as u16);
            if let Some(encoder) = &mut session.coders.encoder {
                encoder.expect_loss(block.fraction_lost);
            }
        }
    }
}

impl Session {
    fn knows_events(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| !remote.dtmf.is_empty())
    }
}
