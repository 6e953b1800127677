//! RTCP (RFC 3550 §6): our reports, and what of the peer's is of use (round trip and loss).

use crate::rx::Measured;
use crate::{MS, Micros, SECOND};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// Seconds between 1900 and 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// The mean interval between reports before it is randomised (RFC 3550 §6.2).
const INTERVAL: Micros = 5 * SECOND;

/// Largest compound packet that [`Report::write`] makes.
pub const MAX_LEN: usize = 128;

/// Longest CNAME that fits.
pub const MAX_CNAME: usize = 32;

/// A moment of the wall clock in NTP format (32.32 bits) from microseconds since 1970.
pub fn ntp(unix: Micros) -> u64 {
    let seconds = unix / SECOND + NTP_EPOCH;
    (seconds << 32) | (((unix % SECOND) << 32) / SECOND)
}

/// The time to the next report: 5 s, times 0.5 to 1.5, over e − 3/2 (RFC 3550 §6.3.1); `random` is any number.
pub fn interval(random: u32) -> Micros {
    let half = INTERVAL / 2;
    (half + INTERVAL * u64::from(random) / u64::from(u32::MAX)) * 100_000 / 121_828
}

/// What our next report says.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub ssrc: u32,
    pub cname: &'a str,
    /// Of our stream; `None` makes it a receiver report.
    pub sent: Option<Sent>,
    /// Of the peer's stream.
    pub received: Option<Received>,
    /// Whether this is our last.
    pub goodbye: bool,
}

/// What was sent up to now.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// What was received, with the peer's last sender report: the middle of its NTP time, and how long ago it came.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    pub measured: Measured,
    pub last_report: u32,
    pub delay: Micros,
}

impl Report<'_> {
    /// Writes the compound packet into `out` (of at least [`MAX_LEN`] bytes); returns its length.
    pub fn write(&self, out: &mut [u8]) -> usize {
        let mut writer = Writer { out, at: 0 };
        let blocks = u8::from(self.received.is_some());
        match self.sent {
            Some(sent) => {
                writer.begin(blocks, SENDER_REPORT, 6 + 6 * u16::from(blocks));
                writer.word(self.ssrc);
                writer.word((sent.ntp >> 32) as u32);
                writer.word(sent.ntp as u32);
                writer.word(sent.timestamp);
                writer.word(sent.packets);
                writer.word(sent.octets);
            }
            None => {
                writer.begin(blocks, RECEIVER_REPORT, 1 + 6 * u16::from(blocks));
                writer.word(self.ssrc);
            }
        }
        if let Some(Received { measured, last_report, delay }) = self.received {
            let lost = measured.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
            writer.word(measured.ssrc);
            writer.word(u32::from(measured.fraction_lost) << 24 | lost);
            writer.word(measured.highest_sequence);
            writer.word(measured.jitter);
            writer.word(last_report);
            writer.word((delay * 65_536 / SECOND) as u32);
        }
        let cname = &self.cname.as_bytes()[..self.cname.len().min(MAX_CNAME)];
        // The list of items ends with at least one zero and is padded to a word.
        let padding = 4 - (2 + cname.len()) % 4;
        writer.begin(1, SOURCE_DESCRIPTION, (1 + (2 + cname.len() + padding) / 4) as u16);
        writer.word(self.ssrc);
        writer.bytes(&[1, cname.len() as u8]);
        writer.bytes(cname);
        writer.bytes(&[0; 4][..padding]);
        if self.goodbye {
            writer.begin(1, GOODBYE, 1);
            writer.word(self.ssrc);
        }
        writer.at
    }
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn begin(&mut self, count: u8, kind: u8, words: u16) {
        self.bytes(&[0x80 | count, kind]);
        self.bytes(&words.to_be_bytes());
    }

    fn word(&mut self, word: u32) {
        self.bytes(&word.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

/// What the peer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The middle 32 bits of its sender report's NTP time.
    pub sender_report: Option<u32>,
    /// What it received of our stream.
    pub block: Option<Block>,
    pub goodbye: bool,
}

/// A report block about our stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub fraction_lost: u8,
    pub lost: i32,
    /// The last sequence number that it had received; above the 16 bits how often they began anew.
    pub highest_sequence: u32,
    /// In timestamp units.
    pub jitter: u32,
    pub last_report: u32,
    /// In 1/65536 s.
    pub delay: u32,
}

impl Block {
    /// The round trip when this arrives at `ntp` (RFC 3550 §6.4.1); `None` when the peer has had no report of ours yet.
    pub fn round_trip(&self, ntp: u64) -> Option<Micros> {
        let passed = ((ntp >> 16) as u32).wrapping_sub(self.last_report).wrapping_sub(self.delay);
        let micros = u64::from(passed) * SECOND / 65_536;
        (self.last_report != 0 && micros < 60_000 * MS).then_some(micros)
    }
}

/// Whether the second byte of a packet is RTCP's, where RTP comes to the same port (RFC 5761 §4).
pub fn is_type(second: u8) -> bool {
    (192..=223).contains(&second)
}

/// Reads a compound packet for the stream `ours`; `None` when it is not valid (RFC 3550 A.2).
pub fn parse(datagram: &[u8], ours: u32) -> Option<Heard> {
    let mut heard = Heard::default();
    let mut rest = datagram;
    let mut first = true;
    while !rest.is_empty() {
        let head: &[u8; 4] = rest.first_chunk()?;
        let length = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        if head[0] >> 6 != 2 || length > rest.len() {
            return None;
        }
        let (body, next) = (&rest[4..length], &rest[length..]);
        let word = |i: usize| body.get(4 * i..).and_then(|b| b.first_chunk()).map(|b| u32::from_be_bytes(*b));
        let blocks_at = match head[1] {
            SENDER_REPORT => {
                heard.sender_report = Some((word(1)? << 16) | (word(2)? >> 16));
                Some(6)
            }
            RECEIVER_REPORT => {
                word(0)?;
                Some(1)
            }
            GOODBYE => {
                heard.goodbye = true;
                None
            }
            _ => None,
        };
        if first && blocks_at.is_none() {
            return None;
        }
        first = false;
        for at in
            blocks_at.into_iter().flat_map(|at| (0..usize::from(head[0] & 0x1f)).map(move |n| at + 6 * n))
        {
            if word(at)? == ours {
                let lost = word(at + 1)?;
                heard.block = Some(Block {
                    fraction_lost: (lost >> 24) as u8,
                    lost: ((lost << 8) as i32) >> 8,
                    highest_sequence: word(at + 2)?,
                    jitter: word(at + 3)?,
                    last_report: word(at + 4)?,
                    delay: word(at + 5)?,
                });
            }
        }
        rest = next;
    }
    (!first).then_some(heard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn measured(ssrc: u32, lost: i64) -> Measured {
        Measured { ssrc, fraction_lost: 25, lost, highest_sequence: 70_000, jitter: 33 }
    }

    #[test]
    fn a_sender_report_is_read_back_with_round_trip() {
        let sent_at = ntp(1_795_000_000 * SECOND);
        let sent = Sent { ntp: sent_at, timestamp: 160, packets: 5, octets: 800 };
        let mut out = [0; MAX_LEN];
        let report = Report { ssrc: 1, cname: "a1b2c3d4", sent: Some(sent), received: None, goodbye: false };
        let length = report.write(&mut out);
        let theirs = parse(&out[..length], 9).unwrap();
        assert_eq!(theirs.sender_report, Some((sent_at >> 16) as u32));

        // The peer answers 2 s later, and its answer takes what makes 30 ms of round trip.
        let received = Received {
            measured: measured(1, -3),
            last_report: theirs.sender_report.unwrap(),
            delay: 2 * SECOND,
        };
        let answer = Report { ssrc: 2, cname: "x", sent: None, received: Some(received), goodbye: true };
        let length = answer.write(&mut out);
        let heard = parse(&out[..length], 1).unwrap();
        assert!(heard.goodbye);
        let block = heard.block.unwrap();
        assert_eq!((block.lost, block.fraction_lost, block.jitter), (-3, 25, 33));
        assert_eq!(block.highest_sequence, 70_000);
        let round_trip = block.round_trip(ntp(1_795_000_002 * SECOND + 30 * MS)).unwrap();
        assert!((29_900..=30_100).contains(&round_trip), "{round_trip}");
        assert!(parse(&out[..length], 7).unwrap().block.is_none());
    }

    #[test]
    fn every_length_of_name_makes_a_whole_packet() {
        for length in 0..=MAX_CNAME {
            let name = "n".repeat(length);
            let sent = Sent { ntp: 0, timestamp: 0, packets: 0, octets: 0 };
            let received = Received { measured: measured(3, 0), last_report: 0, delay: 0 };
            let report =
                Report { ssrc: 1, cname: &name, sent: Some(sent), received: Some(received), goodbye: true };
            let mut out = [0; MAX_LEN];
            let written = report.write(&mut out);
            assert_eq!(written % 4, 0);
            assert!(parse(&out[..written], 1).is_some());
        }
    }

    #[test]
    fn the_first_packet_must_be_a_report() {
        assert_eq!(parse(&[], 1), None);
        assert_eq!(parse(&[0x81, GOODBYE, 0, 1, 0, 0, 0, 1], 1), None);
        assert_eq!(parse(&[0x80, RECEIVER_REPORT, 0, 2, 0, 0, 0, 1], 1), None);
    }

    #[test]
    fn intervals_lie_between_two_and_six_and_a_half_seconds() {
        assert!((2_000 * MS..2_100 * MS).contains(&interval(0)));
        assert!((6_100 * MS..6_200 * MS).contains(&interval(u32::MAX)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), valid: bool) {
            let mut bytes = bytes;
            if valid && bytes.len() >= 2 {
                bytes[0] = 0x80 | (bytes[0] & 0x1f);
                bytes[1] = 200 + bytes[1] % 4;
            }
            let _ = parse(&bytes, 0);
        }
    }
}
