//! One leg's stream: its state, and when it next has something to do.

use crate::notes::Recorded;
use crate::orders::{Remote, Slot, Sockets, Source};
use crate::wire::SessionStats;
use media_proto::codec::Codec;
use media_proto::dtmf;
use media_proto::jitter::JitterBuffer;
use media_proto::latch::Latch;
use media_proto::recording::Recording;
use media_proto::rtcp;
use media_proto::rtp::HEADER_LEN;
use media_proto::rx::RxStream;
use media_proto::sound::Playlist;
use media_proto::tx::{Incoming, TxStream};
use media_proto::{MS, Micros};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A peer that sent nothing for this long is replaced by silence.
pub const HOLE: Micros = 200 * MS;

/// What feeds the outgoing stream, as the stream needs to know it.
pub mod kind {
    pub const SILENCE: u8 = 0;
    pub const PLAYER: u8 = 1;
    pub const LOOP: u8 = 2;
    pub const MIX: u8 = 3;
    pub const DIGITS: u8 = 4;
}

pub struct Session {
    pub sockets: Sockets,
    pub opened: Micros,
    pub remote: Option<Remote>,
    pub latch: Latch,
    pub rtcp_latch: Latch,
    pub rx: RxStream,
    pub tx: TxStream,
    pub digits_in: dtmf::Receiver,
    pub source: Source,
    /// Where the endless sound goes on.
    pub loop_at: usize,
    /// The sessions whose source this one is.
    pub hearers: Vec<Slot>,
    pub player: Option<Player>,
    pub digits: Option<Digits>,
    pub recorder: Option<Box<Recorder>>,
    /// What the leg says, for the mixer.
    pub ear: Option<Box<JitterBuffer>>,
    /// When the next packet made here is due.
    pub next_packet: Micros,
    /// The relayed source sends nothing: silence goes out in its place.
    pub filling: bool,
    pub last_relayed: Micros,
    /// When the peer was last heard, or was first expected to be.
    pub last_heard: Micros,
    pub told_quiet: bool,
    /// When a packet was last taken from a socket, whatever it was.
    pub last_taken: Micros,
    pub reports: Reports,
    pub strangers: u64,
    pub invalid: u64,
    pub errors: u64,
}

/// Sound that is played over the source.
pub struct Player {
    pub list: Playlist,
    pub role: Role,
}

pub enum Role {
    /// A `play` command, by its id.
    Play(String),
    /// The beep before the recording.
    Beep,
}

/// Digits that are being sent, in one form or the other.
pub enum Digits {
    Events(dtmf::Sender),
    Sound(Playlist),
}

pub struct Recorder {
    pub done: Recorded,
    pub file: u64,
    pub recording: Recording,
    pub ear: JitterBuffer,
    pub stop_digits: String,
    pub chunk: Vec<i16>,
    /// When the next frame is due; `None` while the beep is heard.
    pub next: Option<Micros>,
    /// Set by the writer when the disk failed, and here when it is too slow.
    pub failed: Arc<AtomicBool>,
}

/// The RTCP side of a session.
pub struct Reports {
    pub cname: String,
    /// When our next report is due; `None` before there is a peer.
    pub next: Option<Micros>,
    /// Packets sent at the time of the last report.
    pub packets: u64,
    /// The peer's last sender report and when it came.
    pub theirs: Option<(u32, Micros)>,
    pub block: Option<rtcp::Block>,
    pub round_trip: Option<Micros>,
}

/// A packet's payload type, as it was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Voice(Codec),
    Event,
}

/// Voice or an event that is to be forwarded: the payload stands at `start` in the datagram.
pub struct Forward<'a> {
    pub incoming: Incoming,
    pub kind: Kind,
    pub datagram: &'a mut [u8],
    pub start: usize,
    pub end: usize,
}

impl Session {
    pub fn new(sockets: Sockets, now: Micros, random: (u128, u128)) -> Session {
        Session {
            sockets,
            opened: now,
            remote: None,
            latch: Latch::default(),
            rtcp_latch: Latch::default(),
            rx: RxStream::default(),
            tx: TxStream::new(now, random.0),
            digits_in: dtmf::Receiver::default(),
            source: Source::Silence,
            loop_at: 0,
            hearers: Vec::new(),
            player: None,
            digits: None,
            recorder: None,
            ear: None,
            next_packet: now,
            filling: true,
            last_relayed: 0,
            last_heard: now,
            told_quiet: false,
            last_taken: 0,
            reports: Reports {
                cname: format!("{:024x}", random.1 >> 32),
                next: None,
                packets: 0,
                theirs: None,
                block: None,
                round_trip: None,
            },
            strangers: 0,
            invalid: 0,
            errors: 0,
        }
    }

    /// Sets the negotiated peer, anew or again.
    pub fn set_remote(&mut self, remote: Remote, now: Micros, random: u32) {
        self.latch.signal(remote.rtp);
        self.rtcp_latch.signal(remote.rtcp);
        let received = self.receives();
        self.remote = Some(remote);
        if !received && self.receives() {
            self.last_heard = now;
            self.told_quiet = false;
        }
        self.next_packet = self.next_packet.max(now);
        self.reports.next.get_or_insert(now + rtcp::interval(random) / 2);
    }

    /// Whether the peer is to hear us.
    pub fn sends(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.direction.sends())
    }

    /// Whether the peer is to be heard.
    pub fn receives(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.direction.receives())
    }

    /// What the payload type was negotiated for.
    pub fn kind(&self, payload_type: u8) -> Option<Kind> {
        let remote = self.remote.as_ref()?;
        if remote.dtmf == Some(payload_type) {
            return Some(Kind::Event);
        }
        remote.codecs.iter().find(|(pt, _)| *pt == payload_type).map(|&(_, codec)| Kind::Voice(codec))
    }

    /// Whether something is heard instead of the source.
    pub fn is_covered(&self) -> bool {
        self.player.is_some() || self.digits.is_some()
    }

    /// Whether packets are made here now, by the session's own clock.
    pub fn is_producing(&self) -> bool {
        if self.remote.is_none() {
            return false;
        }
        // What is played ends at its time even when nobody may hear it.
        if self.is_covered() {
            return true;
        }
        self.sends()
            && match self.source {
                Source::Silence | Source::Loop(_) => true,
                Source::Echo | Source::Session(_) => self.filling,
                Source::Mixer(_) => false,
            }
    }

    /// The length of the packets made here.
    pub fn packet_time(&self) -> Micros {
        Micros::from(self.remote.as_ref().map_or(20, |remote| remote.ptime_ms)) * MS
    }

    /// Sends another's packet on to this leg. The 12 bytes before the payload are overwritten with our header.
    pub fn forward(&mut self, now: Micros, packet: &mut Forward<'_>, scratch: &mut [u8]) {
        let Some(remote) = &self.remote else { return };
        if !remote.direction.sends() || self.is_covered() {
            return;
        }
        let Some(target) = self.latch.target() else { return };
        let (payload_type, convert) = match (packet.kind, remote.dtmf) {
            (Kind::Event, Some(payload_type)) => (payload_type, None),
            (Kind::Event, None) => return,
            (Kind::Voice(codec), _) => {
                let (payload_type, ours) = remote.codecs[0];
                (payload_type, (codec != ours).then_some((codec, ours)))
            }
        };
        let length = packet.end - packet.start;
        let header = match packet.kind {
            Kind::Voice(_) => self.tx.relay(now, packet.incoming, payload_type, length),
            Kind::Event => self.tx.relay_event(now, packet.incoming, payload_type, length),
        };
        let Some(header) = header else { return };
        let bytes = match convert {
            None => &mut packet.datagram[packet.start - HEADER_LEN..packet.end],
            Some((from, to)) => {
                let bytes = &mut scratch[..HEADER_LEN + length];
                bytes[HEADER_LEN..].copy_from_slice(&packet.datagram[packet.start..packet.end]);
                from.convert(to, &mut bytes[HEADER_LEN..]);
                bytes
            }
        };
        bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        self.errors += u64::from(self.sockets.rtp.send_to(bytes, target).is_err());
        self.filling = false;
        self.last_relayed = now;
    }

    /// When something is to be done for this session without a packet.
    pub fn next_due(&self, quiet: Micros) -> Micros {
        let mut due = Micros::MAX;
        if self.is_producing() {
            due = self.next_packet;
        } else if self.sends() && matches!(self.source, Source::Echo | Source::Session(_)) {
            due = self.last_relayed + HOLE;
        }
        if let Some(next) = self.recorder.as_ref().and_then(|recorder| recorder.next) {
            due = due.min(next);
        }
        if let Some(next) = self.reports.next {
            due = due.min(next);
        }
        if self.receives() && !self.told_quiet {
            due = due.min(self.last_heard + quiet);
        }
        due
    }

    pub fn stats(&self, now: Micros) -> SessionStats {
        let block = self.reports.block;
        SessionStats {
            ms: (now - self.opened) / MS,
            rx_packets: self.rx.packets(),
            rx_octets: self.rx.octets(),
            rx_lost: self.rx.lost(),
            rx_jitter_ms: self.rx.jitter() as f64 / 1000.0,
            rx_strangers: self.strangers,
            rx_invalid: self.invalid,
            tx_packets: self.tx.packets(),
            tx_octets: self.tx.octets(),
            tx_errors: self.errors,
            tx_lost: block.map(|block| block.lost),
            tx_jitter_ms: block.map(|block| f64::from(block.jitter) / 8.0),
            rtt_ms: self.reports.round_trip.map(|micros| micros as f64 / 1000.0),
        }
    }
}
