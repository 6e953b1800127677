//! One outgoing RTP stream: one SSRC, a continuous sequence and timestamps that follow real time for its whole life,
//! whatever feeds it.

use crate::rtp::Header;
use crate::{Micros, SAMPLE_RATE, SECOND};

/// Where the sound of a packet comes from. A change of feed begins a talk-spurt (marker bit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feed {
    /// Nothing was sent yet.
    Start,
    /// Sound made here; the number tells silence, player, music … apart.
    Made(u8),
    /// Another stream, forwarded.
    Relayed(Relayed),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Relayed {
    from: u32,
    ssrc: u32,
    sequence_offset: u16,
    timestamp_offset: u32,
    /// The first sequence number (ours) of this feed: what is older belongs to the time before it.
    first: u16,
    last_in: u16,
    last_timestamp_in: u32,
    last_at: Micros,
}

/// A received packet that is to be forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// The session it comes from.
    pub from: u32,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// How long its sound lasts, in ticks (0 for events).
    pub ticks: u32,
}

/// The state of an outgoing stream.
#[derive(Clone, Debug)]
pub struct TxStream {
    ssrc: u32,
    next_sequence: u16,
    /// The timestamp just behind the latest sound that was sent.
    next_timestamp: u32,
    /// Ticks of its clock in a second.
    clock: u32,
    origin: Micros,
    origin_timestamp: u32,
    feed: Feed,
    /// The timestamp that all packets of the present event have.
    event_timestamp: u32,
    /// The forwarded event: session, SSRC and timestamp there.
    event_from: Option<(u32, u32, u32)>,
    packets: u64,
    octets: u64,
}

/// A forwarded stream that jumps further than this in sequence is a new one.
const MAX_JUMP: i16 = 3000;
/// Reordered packets come at most this late.
const MAX_LATE: i16 = -100;
/// A forwarded stream's timestamps may run ahead of the time that passed by so many seconds before they are renewed.
const MAX_AHEAD: i64 = 2;
/// A timestamp that goes back by more seconds than this within a stream is a new start.
const MAX_BACK: i64 = 1;

impl TxStream {
    /// A stream that begins at `now`; `random` (of good quality) gives SSRC, first sequence number and timestamp.
    pub fn new(now: Micros, random: u128) -> TxStream {
        let timestamp = (random >> 32) as u32;
        TxStream {
            ssrc: random as u32,
            next_sequence: (random >> 64) as u16,
            next_timestamp: timestamp,
            clock: SAMPLE_RATE,
            origin: now,
            origin_timestamp: timestamp,
            feed: Feed::Start,
            event_timestamp: timestamp,
            event_from: None,
            packets: 0,
            octets: 0,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Ticks of its clock in a second: 8000 at first.
    pub fn clock(&self) -> u32 {
        self.clock
    }

    /// Has another clock from now on, as what is sent has; timestamps go on from where they are.
    pub fn set_clock(&mut self, now: Micros, clock: u32) {
        if self.clock != clock {
            (self.origin, self.origin_timestamp) = (now, self.begin(now));
            self.next_timestamp = self.origin_timestamp;
            (self.clock, self.feed) = (clock, Feed::Start);
        }
    }

    /// Packets sent.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets sent until this sequence number, of those that a peer can have had by now.
    pub fn packets_until(&self, sequence: u16) -> u64 {
        let after = self.next_sequence.wrapping_sub(1).wrapping_sub(sequence) as i16;
        self.packets.saturating_sub(after.max(0) as u64)
    }

    /// Payload octets sent.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// What was forwarded until now is over: the packets that were not, as nobody was to hear them, leave no gap.
    pub fn interrupt(&mut self) {
        self.feed = Feed::Start;
    }

    /// The RTP timestamp of a moment by the wall clock, as sender reports need it (RFC 3550 §6.4.1).
    pub fn timestamp_at(&self, now: Micros) -> u32 {
        let elapsed = now.saturating_sub(self.origin) * u64::from(self.clock) / SECOND;
        self.origin_timestamp.wrapping_add(elapsed as u32)
    }

    /// Counts a packet that is sent.
    fn count(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }

    /// The timestamp with which a feed begins: real time, unless sound was already sent beyond it.
    fn begin(&self, now: Micros) -> u32 {
        let real = self.timestamp_at(now);
        if (real.wrapping_sub(self.next_timestamp) as i32) > 0 { real } else { self.next_timestamp }
    }

    /// The header of the next packet made here, of so many `ticks` and `octets`; `kind` tells one sort of sound from another.
    pub fn made(&mut self, now: Micros, kind: u8, payload_type: u8, ticks: u32, octets: usize) -> Header {
        let marker = self.feed != Feed::Made(kind);
        // A pause in sending (a call on hold) shows in the timestamps.
        let behind = self.timestamp_at(now).wrapping_sub(self.next_timestamp) as i32;
        let paused = behind > self.clock as i32 / 2;
        let timestamp = if marker || paused { self.begin(now) } else { self.next_timestamp };
        self.feed = Feed::Made(kind);
        self.next_timestamp = timestamp.wrapping_add(ticks);
        self.count(octets);
        self.header(marker || paused, payload_type, timestamp)
    }

    /// The header of the next packet of an event made here. `first` begins an event; all its packets have one timestamp.
    /// `duration` is what the event lasted up to now, in samples.
    pub fn event(
        &mut self,
        now: Micros,
        payload_type: u8,
        first: bool,
        duration: u32,
        octets: usize,
    ) -> Header {
        if first {
            self.event_timestamp = self.begin(now);
            self.feed = Feed::Made(u8::MAX);
        }
        let start = self.event_timestamp;
        let end = start.wrapping_add(duration);
        if (end.wrapping_sub(self.next_timestamp) as i32) > 0 {
            self.next_timestamp = end;
        }
        self.count(octets);
        self.header(first, payload_type, start)
    }

    /// Forwards a packet of another stream: its gaps and its order are kept. `None`: it is from before this stream was
    /// joined, and must not be sent.
    pub fn relay(
        &mut self,
        now: Micros,
        incoming: Incoming,
        payload_type: u8,
        octets: usize,
    ) -> Option<Header> {
        let mut begins = true;
        if let Feed::Relayed(relayed) = &mut self.feed
            && (relayed.from, relayed.ssrc) == (incoming.from, incoming.ssrc)
        {
            let step = incoming.sequence.wrapping_sub(relayed.last_in) as i16;
            let advance = i64::from(incoming.timestamp.wrapping_sub(relayed.last_timestamp_in) as i32);
            let clock = i64::from(self.clock);
            let passed = now.saturating_sub(relayed.last_at) as i64 * clock / SECOND as i64;
            begins = !(MAX_LATE..=MAX_JUMP).contains(&step)
                || (step > 0 && !(-MAX_BACK * clock..=passed + MAX_AHEAD * clock).contains(&advance));
            if !begins && step > 0 {
                relayed.last_in = incoming.sequence;
                relayed.last_timestamp_in = incoming.timestamp;
                relayed.last_at = now;
            }
        }
        if begins {
            self.feed = Feed::Relayed(Relayed {
                from: incoming.from,
                ssrc: incoming.ssrc,
                sequence_offset: self.next_sequence.wrapping_sub(incoming.sequence),
                timestamp_offset: self.begin(now).wrapping_sub(incoming.timestamp),
                first: self.next_sequence,
                last_in: incoming.sequence,
                last_timestamp_in: incoming.timestamp,
                last_at: now,
            });
        }
        let Feed::Relayed(relayed) = &mut self.feed else { return None };
        let sequence = incoming.sequence.wrapping_add(relayed.sequence_offset);
        if (sequence.wrapping_sub(relayed.first) as i16) < 0 {
            return None;
        }
        // The mark of the first packet moves on, so that a long stream never looks older than its beginning.
        if (sequence.wrapping_sub(relayed.first) as i16) > 1000 {
            relayed.first = sequence.wrapping_sub(500);
        }
        let timestamp = incoming.timestamp.wrapping_add(relayed.timestamp_offset);
        if (sequence.wrapping_sub(self.next_sequence) as i16) >= 0 {
            self.next_sequence = sequence.wrapping_add(1);
        }
        let end = timestamp.wrapping_add(incoming.ticks);
        if (end.wrapping_sub(self.next_timestamp) as i32) > 0 {
            self.next_timestamp = end;
        }
        self.count(octets);
        Some(Header { marker: begins || incoming.marker, payload_type, sequence, timestamp, ssrc: self.ssrc })
    }

    /// Forwards a packet of another stream's event. All packets of one event get one timestamp, also when the sender has an
    /// SSRC of its own for events and sends them between its voice.
    pub fn relay_event(
        &mut self,
        now: Micros,
        incoming: Incoming,
        payload_type: u8,
        octets: usize,
    ) -> Option<Header> {
        let from = (incoming.from, incoming.ssrc, incoming.timestamp);
        let first = self.event_from.replace(from) != Some(from);
        if let Feed::Relayed(relayed) = &self.feed
            && (relayed.from, relayed.ssrc) == (incoming.from, incoming.ssrc)
        {
            let header = self.relay(now, incoming, payload_type, octets)?;
            if first {
                self.event_timestamp = header.timestamp;
            }
            return Some(Header { timestamp: self.event_timestamp, ..header });
        }
        if first {
            self.event_timestamp = self.begin(now);
        }
        self.feed = Feed::Made(u8::MAX);
        self.count(octets);
        Some(self.header(first, payload_type, self.event_timestamp))
    }

    fn header(&mut self, marker: bool, payload_type: u8, timestamp: u32) -> Header {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FRAME_MICROS, MS, SECOND};
    use proptest::prelude::*;

    const RANDOM: u128 = 0x1234_fffe_ffff_ff00_8765_4321;

    fn incoming(from: u32, sequence: u16, timestamp: u32) -> Incoming {
        Incoming { from, ssrc: from * 7, sequence, timestamp, marker: false, ticks: 160 }
    }

    #[test]
    fn sequence_and_timestamp_go_on_over_every_change_of_source() {
        let mut tx = TxStream::new(0, RANDOM);
        let mut now = 0;
        let mut sent = Vec::new();
        for _ in 0..3 {
            sent.push(tx.made(now, 0, 0, 160, 160));
            now += FRAME_MICROS;
        }
        for i in 0..3u16 {
            let header = tx.relay(now, incoming(1, 500 + i, 9_000 + 160 * u32::from(i)), 0, 160);
            sent.push(header.unwrap());
            now += FRAME_MICROS;
        }
        for _ in 0..2 {
            sent.push(tx.made(now, 1, 0, 160, 160));
            now += FRAME_MICROS;
        }
        sent.push(tx.relay(now, incoming(2, 65_535, u32::MAX - 10), 0, 160).unwrap());
        now += FRAME_MICROS;
        sent.push(tx.relay(now, incoming(2, 0, 149), 0, 160).unwrap());
        for pair in sent.windows(2) {
            assert_eq!(pair[1].ssrc, pair[0].ssrc);
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        }
        let marked: Vec<_> = sent.iter().map(|header| u8::from(header.marker)).collect();
        assert_eq!(marked, [1, 0, 0, 1, 0, 0, 1, 0, 1, 0]);
        assert_eq!((tx.packets(), tx.octets()), (10, 1600));
    }

    #[test]
    fn a_report_is_about_what_was_sent_until_the_last_that_had_arrived() {
        let mut tx = TxStream::new(0, 0xfffe << 64);
        assert_eq!(tx.packets_until(0xfffd), 0);
        let sent: Vec<_> = (0..5).map(|n| tx.made(n * FRAME_MICROS, 0, 0, 160, 160).sequence).collect();
        let covered: Vec<_> = sent.iter().map(|&sequence| tx.packets_until(sequence)).collect();
        assert_eq!(covered, [1, 2, 3, 4, 5]);
        assert_eq!(tx.packets_until(sent[4].wrapping_add(1)), 5, "never more than were sent");
    }

    #[test]
    fn losses_and_order_of_a_forwarded_stream_are_kept() {
        let mut tx = TxStream::new(0, 0);
        let out: Vec<_> = [10u16, 11, 14, 13, 15]
            .iter()
            .map(|&n| tx.relay(0, incoming(1, n, u32::from(n) * 160), 0, 160).unwrap().sequence)
            .collect();
        assert_eq!(out, [0, 1, 4, 3, 5]);
        assert_eq!(tx.made(MS, 0, 0, 160, 160).sequence, 6);
    }

    #[test]
    fn what_was_not_sent_during_a_hold_leaves_no_gap() {
        let mut tx = TxStream::new(0, 0);
        let before = tx.relay(0, incoming(1, 10, 1_600), 0, 160).unwrap();
        tx.interrupt();
        let after = tx.relay(200 * MS, incoming(1, 20, 3_200), 0, 160).unwrap();
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(1_600));
        assert!(after.marker);
    }

    #[test]
    fn a_packet_from_before_the_feed_began_is_not_sent_twice_over_ours() {
        let mut tx = TxStream::new(0, 0);
        tx.made(0, 0, 0, 160, 160);
        assert!(tx.relay(0, incoming(1, 50, 8_000), 0, 160).is_some());
        assert!(tx.relay(0, incoming(1, 49, 7_840), 0, 160).is_none());
        assert!(tx.relay(0, incoming(1, 51, 8_160), 0, 160).is_some());
    }

    #[test]
    fn a_pause_shows_in_the_timestamps_but_not_in_the_sequence() {
        let mut tx = TxStream::new(0, 0);
        let before = tx.made(0, 0, 0, 160, 160);
        let after = tx.made(10 * SECOND, 0, 0, 160, 160);
        assert_eq!(after.sequence, before.sequence + 1);
        assert_eq!(after.timestamp - before.timestamp, 80_000);
        assert!(after.marker);
    }

    #[test]
    fn a_source_that_starts_again_is_joined_again() {
        let mut tx = TxStream::new(0, 0);
        let first = tx.relay(0, incoming(1, 100, 1_000_000), 0, 160).unwrap();
        let jump = tx.relay(FRAME_MICROS, incoming(1, 101, 5), 0, 160).unwrap();
        assert_eq!(jump.sequence, first.sequence + 1);
        assert_eq!(jump.timestamp, first.timestamp + 160);
        let restart = tx.relay(2 * FRAME_MICROS, incoming(1, 40_000, 165), 0, 160).unwrap();
        assert_eq!(restart.sequence, first.sequence + 2);
        assert!(jump.marker && restart.marker);
    }

    #[test]
    fn all_packets_of_an_event_have_the_timestamp_of_its_start() {
        let mut tx = TxStream::new(0, 0);
        tx.made(0, 0, 0, 160, 160);
        let first = tx.event(FRAME_MICROS, 101, true, 160, 4);
        let second = tx.event(2 * FRAME_MICROS, 101, false, 320, 4);
        let sound = tx.made(3 * FRAME_MICROS, 0, 0, 160, 160);
        assert_eq!((first.timestamp, second.timestamp, sound.timestamp), (160, 160, 480));
        assert_eq!((first.marker, second.marker, sound.marker), (true, false, true));
        assert_eq!(sound.sequence, 3);
    }

    #[test]
    fn an_event_with_an_ssrc_of_its_own_between_voice_keeps_one_timestamp() {
        let mut tx = TxStream::new(0, 0);
        let voice = |i: u16| Incoming { ssrc: 1, ..incoming(1, i, 160 * u32::from(i)) };
        let event = |i: u16| Incoming { ssrc: 2, ticks: 0, ..incoming(1, 900 + i, 77_777) };
        let mut sent = Vec::new();
        for i in 0..5u16 {
            let now = u64::from(i) * FRAME_MICROS;
            sent.push(tx.relay(now, voice(i), 0, 160).unwrap());
            sent.push(tx.relay_event(now, event(i), 101, 4).unwrap());
        }
        assert!(sent.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
        let (voices, events): (Vec<Header>, Vec<Header>) =
            sent.iter().partition(|sent| sent.payload_type == 0);
        assert!(events.iter().all(|event| event.timestamp == events[0].timestamp));
        assert_eq!(events.iter().filter(|event| event.marker).count(), 1);
        assert!(voices.windows(2).all(|pair| pair[1].timestamp == pair[0].timestamp + 160));
    }

    #[test]
    fn a_change_of_the_clock_keeps_sequence_and_direction_of_time() {
        let mut tx = TxStream::new(0, RANDOM);
        let first = tx.made(0, 0, 0, 160, 160);
        tx.set_clock(FRAME_MICROS, 48_000);
        let wide: Vec<Header> = (1..4).map(|n| tx.made(n * FRAME_MICROS, 0, 111, 960, 60)).collect();
        assert_eq!(wide[0].sequence, first.sequence.wrapping_add(1));
        assert_eq!(wide[0].timestamp, first.timestamp.wrapping_add(160));
        assert_eq!(wide.iter().map(|header| header.marker).collect::<Vec<_>>(), [true, false, false]);
        assert!(wide.windows(2).all(|pair| pair[1].timestamp == pair[0].timestamp.wrapping_add(960)));
        let next = wide[2].timestamp.wrapping_add(960);
        assert_eq!(tx.timestamp_at(4 * FRAME_MICROS), next);
        tx.set_clock(4 * FRAME_MICROS, 8_000);
        assert_eq!(tx.relay(4 * FRAME_MICROS, incoming(1, 5, 77), 0, 160).unwrap().timestamp, next);
    }

    proptest! {
        /// Whatever is fed, no two different sounds get one sequence number, and time never runs backwards over a change.
        #[test]
        fn no_sequence_number_is_used_twice(steps in prop::collection::vec((0u8..4, 1u16..4), 1..200)) {
            let mut tx = TxStream::new(0, RANDOM);
            let mut used = std::collections::HashSet::new();
            let (mut now, mut sequences) = (0, [0u16, 20_000, 65_000]);
            for (feed, gap) in steps {
                now += FRAME_MICROS;
                let header = if feed == 3 {
                    tx.made(now, 0, 0, 160, 160)
                } else {
                    let at = &mut sequences[usize::from(feed)];
                    *at = at.wrapping_add(gap);
                    tx.relay(now, incoming(u32::from(feed), *at, u32::from(*at) * 160), 0, 160).unwrap()
                };
                prop_assert!(used.insert(header.sequence));
            }
        }
    }
}
