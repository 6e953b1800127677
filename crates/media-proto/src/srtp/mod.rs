//! SRTP and SRTCP (RFC 3711) with counter mode and HMAC-SHA1, or GCM (RFC 7714). Keys come from outside.

mod keys;

pub use keys::Suite;
use keys::{BadTag, Keys, Kind};

/// What protection adds to a packet at most: a tag, and RTCP's index.
pub const MAX_OVERHEAD: usize = 20;

/// Streams (SSRCs) of a peer that are remembered; the one that was silent longest makes room.
const MAX_STREAMS: usize = 4;

/// Packets back from the latest that may still come, each once.
const WINDOW: u64 = 128;

/// How often a stream's numbers may have begun anew before we came to it: so many days of 50 packets a second.
const MOST_ROLLOVERS: u64 = 128;
/// Of these, how many are tried on one packet.
const TRIES: u64 = 8;

/// RTCP's mark of an encrypted packet.
const ENCRYPTED: u32 = 1 << 31;

/// Why a packet is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too short, or no RTP.
    Malformed,
    /// It was not made with our key, or was changed on the way.
    Unauthentic,
    /// It came before, or is too old to tell.
    Replayed,
}

/// A stream's place: the index of the latest packet, and which of those before it came.
#[derive(Clone, Copy)]
struct Stream {
    ssrc: u32,
    latest: u64,
    /// Bit n: the packet n before the latest was seen.
    seen: u128,
}

impl Stream {
    /// The index that a sequence number most likely means (RFC 3711 §3.3.1).
    fn guess(&self, sequence: u16) -> u64 {
        let step = sequence.wrapping_sub(self.latest as u16) as i16;
        self.latest.checked_add_signed(i64::from(step)).unwrap_or(u64::from(sequence))
    }

    fn is_new(&self, index: u64) -> bool {
        if index > self.latest {
            return true;
        }
        let back = self.latest - index;
        back < WINDOW && self.seen >> back & 1 == 0
    }

    fn saw(&mut self, index: u64) {
        if index > self.latest {
            let ahead = index - self.latest;
            self.seen = if ahead < WINDOW { self.seen << ahead } else { 0 };
            self.latest = index;
            self.seen |= 1;
        } else if self.latest - index < WINDOW {
            self.seen |= 1 << (self.latest - index);
        }
    }
}

/// Streams by SSRC, the latest heard first.
#[derive(Default)]
struct Streams(Vec<Stream>);

impl Streams {
    fn of(&self, ssrc: u32, first: u64) -> Stream {
        let known = self.0.iter().find(|stream| stream.ssrc == ssrc);
        // Of a new stream the packet before its first one is as good as seen.
        known.copied().unwrap_or(Stream { ssrc, latest: first, seen: 0 })
    }

    fn keep(&mut self, stream: Stream) {
        match self.0.iter().position(|known| known.ssrc == stream.ssrc) {
            Some(0) => {}
            Some(at) => self.0[..=at].rotate_right(1),
            None => {
                self.0.truncate(MAX_STREAMS - 1);
                self.0.insert(0, stream);
            }
        }
        self.0[0] = stream;
    }
}

/// Protects what is sent.
pub struct Protector {
    rtp: Keys,
    rtcp: Keys,
    suite: Suite,
    streams: Streams,
    rtcp_index: u32,
}

/// Keys are never printed.
impl std::fmt::Debug for Protector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Protector").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Protector {
    /// `master` is the master key with the salt behind it; `None` when it has not the suite's length.
    pub fn new(suite: Suite, master: &[u8]) -> Option<Protector> {
        (master.len() == suite.master_len()).then(|| Protector {
            rtp: Keys::derive(suite, Kind::Rtp, master),
            rtcp: Keys::derive(suite, Kind::Rtcp, master),
            suite,
            streams: Streams::default(),
            rtcp_index: 0,
        })
    }

    /// Protects the RTP packet `buffer[..length]` in place; returns its new length. The buffer has [`MAX_OVERHEAD`] more.
    /// 0: it is no RTP.
    pub fn rtp(&mut self, buffer: &mut [u8], length: usize) -> usize {
        let Some((start, ssrc, sequence)) = header(&buffer[..length]) else { return 0 };
        let mut stream = self.streams.of(ssrc, u64::from(sequence));
        let index = stream.guess(sequence);
        let trailer = (index >> 16) as u32;
        let trailer = if self.suite.is_aead() { &[][..] } else { &trailer.to_be_bytes()[..] };
        let tag = self.rtp.seal(buffer, (start, length), (ssrc, index), trailer);
        stream.saw(index);
        self.streams.keep(stream);
        length + tag
    }

    /// Protects the RTCP packet `buffer[..length]` in place; returns its new length. The buffer has [`MAX_OVERHEAD`] more.
    /// 0: it is no RTCP.
    pub fn rtcp(&mut self, buffer: &mut [u8], length: usize) -> usize {
        let Some(ssrc) = buffer[..length].get(4..8) else { return 0 };
        let ssrc = u32::from_be_bytes([ssrc[0], ssrc[1], ssrc[2], ssrc[3]]);
        self.rtcp_index = (self.rtcp_index + 1) & !ENCRYPTED;
        let word = (self.rtcp_index | ENCRYPTED).to_be_bytes();
        let index = u64::from(self.rtcp_index);
        let tag = self.rtcp.seal(buffer, (8, length), (ssrc, index), &word);
        // The index stands before the tag of HMAC, and behind that of GCM.
        let at = if self.suite.is_aead() { length + tag } else { length };
        buffer.copy_within(length..length + tag, length + 4 * usize::from(!self.suite.is_aead()));
        buffer[at..at + 4].copy_from_slice(&word);
        length + tag + 4
    }
}

/// Checks and opens what comes.
pub struct Unprotector {
    rtp: Keys,
    rtcp: Keys,
    suite: Suite,
    streams: Streams,
    rtcp_streams: Streams,
    /// How many rollovers to try next on a stream that has been going on before us.
    rollovers: u64,
}

/// Keys are never printed.
impl std::fmt::Debug for Unprotector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unprotector").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Unprotector {
    /// `master` is the master key with the salt behind it; `None` when it has not the suite's length.
    pub fn new(suite: Suite, master: &[u8]) -> Option<Unprotector> {
        (master.len() == suite.master_len()).then(|| Unprotector {
            rtp: Keys::derive(suite, Kind::Rtp, master),
            rtcp: Keys::derive(suite, Kind::Rtcp, master),
            suite,
            streams: Streams::default(),
            rtcp_streams: Streams::default(),
            rollovers: 0,
        })
    }

    /// Opens an SRTP packet in place; returns the length of the RTP packet that it was, and whether it is the latest of its
    /// source.
    pub fn rtp(&mut self, packet: &mut [u8]) -> Result<(usize, bool), Refused> {
        let (start, ssrc, sequence) = header(packet).ok_or(Refused::Malformed)?;
        let end = packet.len().checked_sub(self.suite.rtp_tag()).filter(|end| *end >= start);
        let end = end.ok_or(Refused::Malformed)?;
        let mut stream = self.streams.of(ssrc, u64::from(sequence));
        let mut index = stream.guess(sequence);
        if !stream.is_new(index) {
            return Err(Refused::Replayed);
        }
        if self.open(packet, (start, end), (ssrc, index)).is_err() {
            index =
                self.find_rollovers(packet, (start, end), (ssrc, sequence)).ok_or(Refused::Unauthentic)?;
            stream.latest = index;
        }
        stream.saw(index);
        self.streams.keep(stream);
        Ok((end, stream.latest == index))
    }

    fn open(
        &mut self,
        packet: &mut [u8],
        span: (usize, usize),
        (ssrc, index): (u32, u64),
    ) -> Result<(), BadTag> {
        let trailer = (index >> 16) as u32;
        let trailer = if self.suite.is_aead() { &[][..] } else { &trailer.to_be_bytes()[..] };
        self.rtp.open(packet, span, (ssrc, index), trailer)
    }

    /// The index of the first packet that we hear of a stream that went on before us: nobody tells how often its numbers have
    /// begun anew (RFC 3711 §3.3.1), so some counts are tried on each packet, while nothing else was heard with these keys.
    fn find_rollovers(
        &mut self,
        packet: &mut [u8],
        span: (usize, usize),
        (ssrc, sequence): (u32, u16),
    ) -> Option<u64> {
        if !self.streams.0.is_empty() {
            return None;
        }
        for _ in 0..TRIES {
            self.rollovers = self.rollovers % MOST_ROLLOVERS + 1;
            let index = self.rollovers << 16 | u64::from(sequence);
            if self.open(packet, span, (ssrc, index)).is_ok() {
                return Some(index);
            }
        }
        None
    }

    /// Opens an SRTCP packet in place; returns the length of the RTCP packet that it was.
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let tag = self.suite.rtcp_tag();
        let end = packet.len().checked_sub(tag + 4).filter(|end| *end >= 8).ok_or(Refused::Malformed)?;
        let at = if self.suite.is_aead() { end + tag } else { end };
        let word: [u8; 4] = packet[at..at + 4].try_into().map_err(|_| Refused::Malformed)?;
        let number = u32::from_be_bytes(word);
        if number & ENCRYPTED == 0 {
            return Err(Refused::Unauthentic); // ours are encrypted, and so must theirs be
        }
        let (ssrc, index) = (be32(&packet[4..8]), u64::from(number & !ENCRYPTED));
        let mut stream = self.rtcp_streams.of(ssrc, index);
        if !stream.is_new(index) {
            return Err(Refused::Replayed);
        }
        if !self.suite.is_aead() {
            packet.copy_within(end + 4.., end);
        }
        let opened = self.rtcp.open(packet, (8, end), (ssrc, index), &word);
        opened.map_err(|BadTag| Refused::Unauthentic)?;
        stream.saw(index);
        self.rtcp_streams.keep(stream);
        Ok(end)
    }
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// Where the payload of an RTP packet begins, its source and its sequence number.
fn header(packet: &[u8]) -> Option<(usize, u32, u16)> {
    let fixed: &[u8; 12] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut start = 12 + 4 * usize::from(fixed[0] & 0x0f);
    if fixed[0] & 0x10 != 0 {
        let words = packet.get(start + 2..start + 4)?;
        start += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (start <= packet.len()).then(|| (start, be32(&fixed[8..12]), u16::from_be_bytes([fixed[2], fixed[3]])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    fn pair(suite: Suite) -> (Protector, Unprotector) {
        let master: Vec<u8> = (0..suite.master_len() as u8).collect();
        (Protector::new(suite, &master).unwrap(), Unprotector::new(suite, &master).unwrap())
    }

    fn packet(ssrc: u32, sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 0, 0, 0, 0, 0, 0, 9];
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend([7; 160]);
        packet
    }

    fn sealed(protector: &mut Protector, packet: &[u8]) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + MAX_OVERHEAD, 0);
        let length = protector.rtp(&mut buffer, packet.len());
        buffer.truncate(length);
        buffer
    }

    #[test]
    fn a_packet_of_counter_mode_is_the_one_that_others_make() {
        let master = bytes("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6");
        let mut protector = Protector::new(Suite::AesCm128Sha80, &master).unwrap();
        let plain = bytes("800f1234decafbadcafebabeabababababababababababababababab");
        let cipher = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
        assert_eq!(sealed(&mut protector, &plain), bytes(cipher));
        let mut control = bytes("81c8000bcafebabeabababababababababababababababab");
        control.resize(24 + MAX_OVERHEAD, 0);
        let length = protector.rtcp(&mut control, 24);
        let cipher = "81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798";
        assert_eq!(control[..length], bytes(cipher));
    }

    #[test]
    fn what_is_protected_is_opened_again_and_only_once() {
        for suite in Suite::ALL {
            let (mut protector, mut unprotector) = pair(suite);
            for sequence in [65_534u16, 65_535, 0, 1] {
                let plain = packet(5, sequence);
                let mut wire = sealed(&mut protector, &plain);
                assert_eq!(wire.len(), plain.len() + suite.rtp_tag());
                assert_ne!(wire[12..plain.len()], plain[12..]);
                let mut again = wire.clone();
                assert_eq!(unprotector.rtp(&mut wire), Ok((plain.len(), true)), "{suite:?} {sequence}");
                assert_eq!(wire[..plain.len()], plain);
                assert_eq!(unprotector.rtp(&mut again), Err(Refused::Replayed));
            }
            let report: Vec<u8> = [&bytes("81c8000b00000005")[..], &[3; 40]].concat();
            for _ in 0..3 {
                let mut wire = report.clone();
                wire.resize(report.len() + MAX_OVERHEAD, 0);
                let length = protector.rtcp(&mut wire, report.len());
                wire.truncate(length);
                let mut again = wire.clone();
                assert_eq!(unprotector.rtcp(&mut wire), Ok(report.len()), "{suite:?}");
                assert_eq!(wire[..report.len()], report);
                assert_eq!(unprotector.rtcp(&mut again), Err(Refused::Replayed));
            }
        }
    }

    #[test]
    fn the_count_of_rollovers_goes_on_over_many() {
        for suite in [Suite::AesCm128Sha80, Suite::AesGcm256] {
            let (mut protector, mut unprotector) = pair(suite);
            for n in (0..400_000u32).step_by(9_973) {
                let mut wire = sealed(&mut protector, &packet(1, n as u16));
                assert!(unprotector.rtp(&mut wire).is_ok(), "{suite:?} {n}");
            }
        }
    }

    #[test]
    fn a_stream_that_went_on_before_us_is_opened_soon_however_long_it_did() {
        for suite in Suite::ALL {
            for before in [1u64, 7, 8, 9, 100, 128] {
                let (mut protector, mut unprotector) = pair(suite);
                let latest = before << 16 | 40_000;
                protector.streams.keep(Stream { ssrc: 1, latest, seen: 1 });
                let mut wires = (40_001..40_060u16).map(|n| sealed(&mut protector, &packet(1, n)));
                let lost =
                    wires.by_ref().take_while(|wire| unprotector.rtp(&mut wire.clone()).is_err()).count();
                assert!(lost <= 16, "{suite:?}: {lost} packets were not opened after {before} rollovers");
                for wire in wires {
                    assert_eq!(unprotector.rtp(&mut wire.clone()).map(|(_, latest)| latest), Ok(true));
                    assert_eq!(unprotector.rtp(&mut wire.clone()), Err(Refused::Replayed));
                }
            }
        }
    }

    #[test]
    fn packets_may_come_out_of_order_and_several_sources_do_not_meet() {
        let (mut protector, mut unprotector) = pair(Suite::AesCm128Sha80);
        let mut wire: Vec<Vec<u8>> = (0..100u16)
            .map(|n| sealed(&mut protector, &packet(u32::from(n % 3), 65_500u16.wrapping_add(n))))
            .collect();
        for ten in wire.chunks_mut(10) {
            for packet in ten.iter_mut().rev() {
                assert!(unprotector.rtp(packet).is_ok());
            }
        }
    }

    #[test]
    fn another_key_a_changed_bit_and_a_missing_tag_are_refused() {
        for suite in Suite::ALL {
            let (mut protector, mut unprotector) = pair(suite);
            let wire = sealed(&mut protector, &packet(1, 1));
            for bit in (0..wire.len() * 8).step_by(13) {
                let mut changed = wire.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(unprotector.rtp(&mut changed).is_err(), "{suite:?}: bit {bit}");
            }
            let mut plain = packet(1, 1);
            assert_eq!(unprotector.rtp(&mut plain), Err(Refused::Unauthentic));
            let mut other = Unprotector::new(suite, &vec![9; suite.master_len()]).unwrap();
            assert_eq!(other.rtp(&mut wire.clone()), Err(Refused::Unauthentic));
            assert!(unprotector.rtp(&mut wire.clone()).is_ok(), "nothing of this was believed");
            assert!(Unprotector::new(suite, &[0; 7]).is_none());
        }
    }

    #[test]
    fn keys_are_never_printed() {
        let (protector, unprotector) = pair(Suite::AesCm128Sha80);
        assert_eq!(format!("{protector:?}"), "Protector { suite: AesCm128Sha80, .. }");
        assert_eq!(format!("{unprotector:?}"), "Unprotector { suite: AesCm128Sha80, .. }");
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_panic(mut data in prop::collection::vec(any::<u8>(), 0..200), which in 0..6usize) {
            let (_, mut unprotector) = pair(Suite::ALL[which]);
            prop_assert!(unprotector.rtp(&mut data.clone()).is_err());
            prop_assert!(unprotector.rtcp(&mut data).is_err());
        }
    }
}
