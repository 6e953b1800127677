//! DTMF digits as RTP telephone-events (RFC 4733).

use crate::{MS, Micros};

/// Length of an event's payload.
pub const PAYLOAD_LEN: usize = 4;

/// A key of which nothing was heard for this long is not down any more, even if its end was lost.
const FORGOTTEN: Micros = 500 * MS;

/// The digit of an event code (RFC 4733 §3.2), `None` for codes that are no keys.
pub fn digit(event: u8) -> Option<char> {
    b"0123456789*#ABCD".get(usize::from(event)).map(|&byte| char::from(byte))
}

/// The event code of a digit, in any case.
pub fn event(digit: char) -> Option<u8> {
    "0123456789*#ABCD".find(digit.to_ascii_uppercase()).map(|at| at as u8)
}

/// One telephone-event payload (RFC 4733 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub event: u8,
    pub end: bool,
    /// Power level without its sign, in −dBm0 (0–63).
    pub volume: u8,
    /// In timestamp units.
    pub duration: u16,
}

impl Event {
    /// Reads a payload; `None` when it is too short.
    pub fn parse(payload: &[u8]) -> Option<Event> {
        let bytes: &[u8; PAYLOAD_LEN] = payload.first_chunk()?;
        Some(Event {
            event: bytes[0],
            end: bytes[1] & 0x80 != 0,
            volume: bytes[1] & 0x3f,
            duration: u16::from_be_bytes([bytes[2], bytes[3]]),
        })
    }

    /// The same event with its duration by another clock, as far as that can be told.
    pub fn rescaled(self, from: u32, to: u32) -> Event {
        let duration = u64::from(self.duration) * u64::from(to) / u64::from(from);
        Event { duration: duration.min(0xffff) as u16, ..self }
    }

    /// The bytes on the wire.
    pub fn to_bytes(self) -> [u8; PAYLOAD_LEN] {
        let duration = self.duration.to_be_bytes();
        [self.event, self.volume & 0x3f | if self.end { 0x80 } else { 0 }, duration[0], duration[1]]
    }
}

/// Turns the packets of a peer's telephone-events into one notice per key press.
///
/// All packets of one press carry the RTP timestamp of its start, so a press is known by (event, timestamp). Long
/// presses that senders cut into segments (RFC 4733 §2.5.1.3) and presses whose end was lost are absorbed as well. Senders
/// that play the same capture for every press repeat its timestamps: what begins again after a pause is a new press.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    /// The latest press and the one before it, whose packets may come late.
    presses: [Option<Press>; 2],
}

#[derive(Clone, Copy, Debug)]
struct Press {
    event: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
    heard: Micros,
}

impl Press {
    /// Whether a packet belongs to this press.
    fn is_of(&self, now: Micros, timestamp: u32, event: Event) -> bool {
        let again = now.saturating_sub(self.heard) >= FORGOTTEN && event.duration <= self.duration;
        self.event == event.event && self.timestamp == timestamp && !again
    }

    /// Whether a packet begins the next segment of this press, where the one before it ended without an end packet.
    fn goes_on_with(&self, now: Micros, timestamp: u32, event: Event) -> bool {
        self.event == event.event
            && !self.ended
            && self.duration >= 0x8000
            && timestamp == self.timestamp.wrapping_add(u32::from(self.duration))
            && now.saturating_sub(self.heard) < FORGOTTEN
    }
}

/// A key press, told at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    pub digit: char,
    /// How long the key had been down when it was first heard of, in ms.
    pub ms: u32,
}

impl Receiver {
    /// Takes one event packet, of `clock` ticks in a second; returns the key when this packet is the first of its press.
    pub fn receive(&mut self, now: Micros, clock: u32, timestamp: u32, event: Event) -> Option<Pressed> {
        let digit = digit(event.event)?;
        for press in self.presses.iter_mut().flatten() {
            if press.is_of(now, timestamp, event) {
                press.duration = press.duration.max(event.duration);
                press.ended |= event.end;
                press.heard = now;
                return None;
            }
        }
        let press =
            Press { event: event.event, timestamp, duration: event.duration, ended: event.end, heard: now };
        if let [Some(last), _] = &mut self.presses
            && last.goes_on_with(now, timestamp, event)
        {
            *last = press;
            return None;
        }
        self.presses = [Some(press), self.presses[0]];
        Some(Pressed { digit, ms: u32::from(event.duration) * 1000 / clock })
    }
}

/// What the sender of digits wants in the next packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A telephone-event; `first` starts a new timestamp (and carries the marker bit), the others repeat it.
    Event { event: Event, first: bool },
    /// The pause between digits, heard as silence.
    Gap,
    /// All digits were sent.
    Done,
}

/// Sends a row of digits, one packet per step (RFC 4733 §2.5.1): updates while the key is down, three ends, a gap.
#[derive(Clone, Debug)]
pub struct Sender {
    events: Vec<u8>,
    at: usize,
    elapsed: u32,
    ends: u8,
    gap: u32,
    ms: u32,
    gap_ms: u32,
}

/// How often the end of an event is sent (RFC 4733 §2.5.1.4).
const ENDS: u8 = 3;
/// −10 dBm0, as most phones send.
const VOLUME: u8 = 10;

impl Sender {
    /// A row of digits; `None` when one of them is no key. `ms` and `gap_ms` are held to 40–5000 ms.
    pub fn new(digits: &str, ms: u32, gap_ms: u32) -> Option<Sender> {
        let events = digits.chars().map(event).collect::<Option<Vec<u8>>>()?;
        let (ms, gap_ms) = (ms.clamp(40, 5000), gap_ms.clamp(40, 5000));
        Some(Sender { events, at: 0, elapsed: 0, ends: 0, gap: 0, ms, gap_ms })
    }

    /// Adds digits behind those not yet sent.
    pub fn extend(&mut self, other: Sender) {
        self.events.extend(other.events);
    }

    /// The next packet, `step_ms` after the one before; durations are of a clock of 8000.
    pub fn step(&mut self, step_ms: u32) -> Step {
        if self.gap > 0 {
            self.gap = self.gap.saturating_sub(step_ms);
            return Step::Gap;
        }
        let Some(&code) = self.events.get(self.at) else { return Step::Done };
        let first = self.elapsed == 0;
        self.elapsed = (self.elapsed + step_ms).min(self.ms.max(step_ms));
        let end = self.elapsed >= self.ms && !first;
        let event = Event { event: code, end, volume: VOLUME, duration: (self.elapsed * 8) as u16 };
        if end {
            self.ends += 1;
            if self.ends == ENDS {
                (self.at, self.elapsed, self.ends, self.gap) = (self.at + 1, 0, 0, self.gap_ms);
            }
        }
        Step::Event { event, first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(sender: &mut Sender) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            match sender.step(20) {
                Step::Done => return steps,
                step => steps.push(step),
            }
            assert!(steps.len() < 1000);
        }
    }

    /// The steps as a receiver sees them: (time, timestamp, event).
    fn on_the_wire(steps: &[Step]) -> Vec<(Micros, u32, Event)> {
        let (mut wire, mut started) = (Vec::new(), 0);
        for (i, step) in steps.iter().enumerate() {
            if let Step::Event { event, first } = *step {
                if first {
                    started = i as u32 * 160;
                }
                wire.push((i as Micros * 20 * MS, started, event));
            }
        }
        wire
    }

    #[test]
    fn digits_are_told_once_each_at_their_start() {
        let steps = packets(&mut Sender::new("11#", 100, 60).unwrap());
        let mut receiver = Receiver::default();
        let heard: String = on_the_wire(&steps)
            .iter()
            .filter_map(|&(now, timestamp, event)| receiver.receive(now, 8000, timestamp, event))
            .map(|pressed| pressed.digit)
            .collect();
        assert_eq!(heard, "11#");
    }

    #[test]
    fn an_event_of_another_clock_lasts_as_long() {
        let event = Event { event: 5, end: false, volume: 10, duration: 800 };
        assert_eq!(event.rescaled(8_000, 48_000).duration, 4_800);
        assert_eq!(event.rescaled(8_000, 48_000).rescaled(48_000, 8_000), event);
        assert_eq!(Event { duration: 40_000, ..event }.rescaled(8_000, 48_000).duration, 0xffff);
        let pressed = Receiver::default().receive(0, 48_000, 7, event.rescaled(8_000, 48_000));
        assert_eq!(pressed, Some(Pressed { digit: '5', ms: 100 }));
    }

    #[test]
    fn any_single_packet_of_a_press_is_enough() {
        let wire = on_the_wire(&packets(&mut Sender::new("55", 100, 60).unwrap()));
        let presses: Vec<Vec<_>> = [wire[0].1, wire.last().unwrap().1]
            .iter()
            .map(|&start| wire.iter().filter(|packet| packet.1 == start).copied().collect())
            .collect();
        for first in &presses[0] {
            for second in &presses[1] {
                let mut receiver = Receiver::default();
                let heard = [first, second]
                    .iter()
                    .filter_map(|&&(now, timestamp, event)| receiver.receive(now, 8000, timestamp, event))
                    .count();
                assert_eq!(heard, 2);
            }
        }
    }

    #[test]
    fn retransmitted_and_reordered_packets_are_absorbed() {
        let wire = on_the_wire(&packets(&mut Sender::new("7", 160, 60).unwrap()));
        let mut receiver = Receiver::default();
        let mut heard = 0;
        for &(now, timestamp, event) in wire.iter().rev().chain(&wire) {
            heard += usize::from(receiver.receive(now, 8000, timestamp, event).is_some());
        }
        assert_eq!(heard, 1);
    }

    #[test]
    fn a_long_press_in_segments_is_one_press() {
        let mut receiver = Receiver::default();
        let event = |duration| Event { event: 5, end: false, volume: 10, duration };
        assert!(receiver.receive(0, 8000, 1000, event(160)).is_some());
        assert!(receiver.receive(8_000 * MS, 8000, 1000, event(0xffff)).is_none());
        assert!(receiver.receive(8_020 * MS, 8000, 1000 + 0xffff, event(160)).is_none());
        assert!(receiver.receive(9_000 * MS, 8000, 1000 + 0x1ffff, event(160)).is_some());
    }

    /// SIPp plays one capture per key: the same timestamps come again and again, and those of the next key may be lower.
    #[test]
    fn a_capture_that_is_played_again_is_a_new_press() {
        let one = on_the_wire(&packets(&mut Sender::new("1", 100, 60).unwrap()));
        let mut receiver = Receiver::default();
        let mut heard = String::new();
        let mut play = |start: Micros, timestamp: u32, code: u8| {
            for &(at, _, event) in &one {
                let event = Event { event: code, ..event };
                heard.extend(
                    receiver.receive(start + at, 8000, timestamp, event).map(|pressed| pressed.digit),
                );
            }
        };
        play(0, 5000, 1);
        play(1_000 * MS, 5000, 1);
        play(1_400 * MS, 300, 2);
        play(1_800 * MS, 5000, 3);
        assert_eq!(heard, "1123");
    }

    #[test]
    fn an_event_that_is_no_key_is_not_told() {
        let mut receiver = Receiver::default();
        assert_eq!(
            receiver.receive(0, 8000, 0, Event { event: 16, end: false, volume: 0, duration: 0 }),
            None
        );
        assert_eq!(Event::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn a_press_is_as_long_as_asked_and_ends_three_times() {
        let steps = packets(&mut Sender::new("3", 100, 60).unwrap());
        let ends: Vec<_> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Event { event, .. } if event.end => Some(event.duration),
                _ => None,
            })
            .collect();
        assert_eq!(ends, [800, 800, 800]);
        assert_eq!(steps.iter().filter(|step| matches!(step, Step::Event { first: true, .. })).count(), 1);
        assert_eq!(steps.iter().filter(|step| matches!(step, Step::Gap)).count(), 3);
        assert!(Sender::new("12x", 100, 60).is_none());
    }

    #[test]
    fn payloads_survive_a_round_trip() {
        for digit in "0123456789*#ABCD".chars() {
            let sent = Event { event: event(digit).unwrap(), end: true, volume: 63, duration: 0xabcd };
            let read = Event::parse(&sent.to_bytes()).unwrap();
            assert_eq!(read, sent);
            assert_eq!(super::digit(read.event), Some(digit));
        }
    }
}
