//! Ogg pages (RFC 3533): the container of Opus in files (RFC 7845).

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::LazyLock;

/// The longest page.
pub const MAX_PAGE: usize = HEADER + 255 + 255 * 255;
/// Length of a page's header before its table of segments.
const HEADER: usize = 27;
/// A place that no packet ends at.
pub const NO_PLACE: u64 = u64::MAX;

/// What a page says of itself.
pub mod flag {
    /// Its first packet began on a page before.
    pub const CONTINUED: u8 = 1;
    /// The first page of a stream.
    pub const BEGIN: u8 = 2;
    /// The last one.
    pub const END: u8 = 4;
}

/// The checksum of a page: polynomial 0x04c11db7, neither reflected nor inverted, so none that other formats have.
fn checksum(sum: u32, bytes: &[u8]) -> u32 {
    static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
        std::array::from_fn(|byte| {
            (0..8).fold((byte as u32) << 24, |sum, _| {
                (sum << 1) ^ if sum & 0x8000_0000 == 0 { 0 } else { 0x04c1_1db7 }
            })
        })
    });
    bytes.iter().fold(sum, |sum, &byte| (sum << 8) ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)])
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub flags: u8,
    /// Where the last packet that ends on it ends, in units of the codec; [`NO_PLACE`] when none does.
    pub place: u64,
    pub serial: u32,
    pub sequence: u32,
    lacing: Vec<u8>,
    body: Vec<u8>,
}

impl Page {
    /// A page without packets.
    pub fn new(flags: u8, serial: u32, sequence: u32) -> Page {
        Page { flags, serial, sequence, ..Page::default() }
    }

    /// Adds a whole packet; false when there is no room for it (which the first one of less than 65,025 bytes has).
    pub fn push(&mut self, packet: &[u8]) -> bool {
        if self.lacing.len() + packet.len() / 255 + 1 > 255 {
            return false;
        }
        self.lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
        self.lacing.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
        true
    }

    pub fn is_empty(&self) -> bool {
        self.lacing.is_empty()
    }

    /// Removes its packets.
    pub fn clear(&mut self) {
        self.lacing.clear();
        self.body.clear();
    }

    /// The pieces of packets in it; true when a packet ends with its piece.
    pub fn pieces(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let (mut segment, mut at) = (0, 0);
        std::iter::from_fn(move || {
            let rest = self.lacing.get(segment..).filter(|rest| !rest.is_empty())?;
            let whole = rest.iter().position(|&length| length < 255);
            let segments = whole.map_or(rest.len(), |last| last + 1);
            let length: usize = rest[..segments].iter().copied().map(usize::from).sum();
            segment += segments;
            at += length;
            Some((&self.body[at - length..at], whole.is_some()))
        })
    }

    /// Writes it behind `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(b"OggS\0");
        out.push(self.flags);
        out.extend_from_slice(&self.place.to_le_bytes());
        out.extend_from_slice(&self.serial.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.push(self.lacing.len() as u8);
        out.extend_from_slice(&self.lacing);
        out.extend_from_slice(&self.body);
        let sum = checksum(0, &out[start..]);
        out[start + 22..start + 26].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The pages of a file. What is none is passed over: a file that was damaged goes on behind the damage.
#[derive(Debug)]
pub struct Pages<R> {
    inner: R,
    /// What was read of it and not used, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// Where in the file the buffer ends.
    read: u64,
}

impl<R: Read + Seek> Pages<R> {
    pub fn new(inner: R) -> Pages<R> {
        Pages { inner, buffer: Vec::new(), start: 0, read: 0 }
    }

    /// The length of the file.
    pub fn length(&mut self) -> io::Result<u64> {
        let length = self.inner.seek(SeekFrom::End(0))?;
        self.go_to(0)?;
        Ok(length)
    }

    /// Goes on with what is at a place in the file.
    pub fn go_to(&mut self, place: u64) -> io::Result<()> {
        self.inner.seek(SeekFrom::Start(place))?;
        self.buffer.clear();
        (self.start, self.read) = (0, place);
        Ok(())
    }

    /// Where in the file the next page is looked for.
    pub fn tell(&self) -> u64 {
        self.read - (self.buffer.len() - self.start) as u64
    }

    /// Reads the next page that begins before `limit`; false when there is none.
    pub fn next(&mut self, page: &mut Page, limit: u64) -> io::Result<bool> {
        while self.tell() < limit {
            if !self.fill(HEADER)? {
                return Ok(false);
            }
            let rest = &self.buffer[self.start..];
            if !rest.starts_with(b"OggS\0") {
                let next = rest[1..].iter().position(|&byte| byte == b'O');
                self.start += next.map_or(rest.len(), |next| next + 1);
                continue;
            }
            let segments = usize::from(rest[26]);
            let Some(length) = self.length_of_page(segments)? else {
                self.start += 1; // cut, or no page but looks like one
                continue;
            };
            let bytes = &self.buffer[self.start..self.start + length];
            let told = u32::from_le_bytes([bytes[22], bytes[23], bytes[24], bytes[25]]);
            let sum = checksum(checksum(checksum(0, &bytes[..22]), &[0; 4]), &bytes[26..]);
            if sum != told {
                self.start += 1;
                continue;
            }
            let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            page.flags = bytes[5];
            page.place =
                u64::from(u32::from_le_bytes(four(6))) | u64::from(u32::from_le_bytes(four(10))) << 32;
            page.serial = u32::from_le_bytes(four(14));
            page.sequence = u32::from_le_bytes(four(18));
            page.clear();
            page.lacing.extend_from_slice(&bytes[HEADER..HEADER + segments]);
            page.body.extend_from_slice(&bytes[HEADER + segments..]);
            self.start += length;
            return Ok(true);
        }
        Ok(false)
    }

    /// Has the page in the buffer whose table has so many segments; none when the file ends before it does.
    fn length_of_page(&mut self, segments: usize) -> io::Result<Option<usize>> {
        if !self.fill(HEADER + segments)? {
            return Ok(None);
        }
        let lacing = &self.buffer[self.start + HEADER..][..segments];
        let length = HEADER + segments + lacing.iter().copied().map(usize::from).sum::<usize>();
        Ok(self.fill(length)?.then_some(length))
    }

    /// Has at least so many bytes in the buffer; false when the file ends before.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        const AT_ONCE: usize = 8192;
        while self.buffer.len() - self.start < length {
            self.buffer.drain(..self.start);
            self.start = 0;
            let before = self.buffer.len();
            self.buffer.resize(before + AT_ONCE, 0);
            let read = self.inner.read(&mut self.buffer[before..]);
            self.buffer.truncate(before + read.as_ref().map_or(0, |count| *count));
            match read {
                Ok(0) => return Ok(false),
                Ok(count) => self.read += count as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn page(sequence: u32, packets: &[&[u8]]) -> Page {
        let mut page = Page { place: 960, serial: 7, sequence, ..Page::default() };
        for packet in packets {
            assert!(page.push(packet));
        }
        page
    }

    fn read_all(file: Vec<u8>) -> Vec<Page> {
        let (mut pages, mut page, mut found) = (Pages::new(Cursor::new(file)), Page::default(), Vec::new());
        while pages.next(&mut page, u64::MAX).unwrap() {
            found.push(page.clone());
        }
        found
    }

    #[test]
    fn pages_are_read_back_with_packets_of_every_length() {
        let packets: Vec<Vec<u8>> = [0, 1, 254, 255, 256, 510, 1275].map(|length| vec![9; length]).to_vec();
        let written = page(1, &packets.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut file = Vec::new();
        written.write(&mut file);
        let read = read_all(file);
        assert_eq!(read, [written]);
        let pieces: Vec<_> = read[0].pieces().map(|(piece, ends)| (piece.to_vec(), ends)).collect();
        assert_eq!(pieces, packets.into_iter().map(|packet| (packet, true)).collect::<Vec<_>>());
    }

    #[test]
    fn the_checksum_is_that_of_other_programs() {
        // The first page of a file that opusenc 0.2 wrote would be as good; this is RFC 3533's algorithm by hand for "OggS".
        assert_eq!(checksum(0, b""), 0);
        assert_eq!(checksum(0, &[1]), 0x04c1_1db7);
        assert_eq!(checksum(0, &[0, 1]), 0x04c1_1db7);
        assert_eq!(checksum(0, &[2]), 0x0982_3b6e);
    }

    #[test]
    fn a_page_is_full_at_some_point() {
        let mut page = Page::default();
        assert_eq!((0..300).filter(|_| page.push(&[0; 300])).count(), 127);
        assert!(page.push(&[]));
        assert!(!page.push(&[]));
    }

    fn five_pages() -> Vec<u8> {
        let mut file = Vec::new();
        for sequence in 0..5 {
            page(sequence, &[&[sequence as u8; 100], b"OggS"]).write(&mut file);
        }
        file
    }

    #[test]
    fn a_table_that_would_go_beyond_the_end_costs_its_page_only() {
        let mut file = five_pages();
        file[3 * 133 + 26] = 240;
        assert_eq!(read_all(file).iter().map(|page| page.sequence).collect::<Vec<_>>(), [0, 1, 2, 4]);
    }

    proptest! {
        #[test]
        fn damage_costs_the_page_that_has_it(at in 0usize..1000, byte: u8) {
            let mut file = five_pages();
            let length = file.len() / 5;
            let at = at % file.len();
            let changed = file[at] != byte;
            file[at] = byte;
            let kept: Vec<u32> = read_all(file).iter().map(|page| page.sequence).collect();
            let damaged = (at / length) as u32;
            prop_assert_eq!(kept, (0..5).filter(|n| !changed || *n != damaged).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut file = b"OggS\0".to_vec();
            file.extend(bytes);
            read_all(file);
        }
    }
}
