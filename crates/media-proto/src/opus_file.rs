//! Opus in Ogg files (RFC 7845): read with seeking, as 16 kHz mono; written so that what was written plays, whenever it stops.

use crate::ogg::{MAX_PAGE, NO_PLACE, Page, Pages, flag};
use crate::opus::{self, Decoder};
use crate::wav::Error;
use std::io::{Read, Seek};

/// The rate that it is decoded to.
pub const RATE: u32 = 16_000;
/// Ticks of a file's places (48 kHz) in a sample of that rate.
const TICKS: u64 = (opus::CLOCK / RATE) as u64;
/// What a decoder needs to hear before its sound is right (RFC 7845 §4.2): 80 ms.
const PRE_ROLL: u64 = 3_840;
/// The longest packet that is kept: an Opus packet of 120 ms. (The comment header may hold a picture.)
const MAX_PACKET: usize = 6 * opus::MAX_PAYLOAD + 64;
/// Samples of 120 ms.
const LONGEST: usize = opus::MAX_SAMPLES / 3;

/// A file that is read.
#[derive(Debug)]
pub struct Reader<R> {
    pages: Pages<R>,
    page: Page,
    serial: u32,
    skip: u64,
    /// What the file says it is to be multiplied by.
    gain: f32,
    decoder: Decoder,
    /// Where the first page with sound is, and where the file ends.
    first: u64,
    end: u64,
    /// Length in samples.
    length: u64,
    /// The next sample to be given.
    at: u64,
    /// What comes before it, in ticks since the beginning of the file: what was decoded up to here.
    decoded: u64,
    packets: Vec<Vec<u8>>,
    next_packet: usize,
    packet: Vec<u8>,
    pending: Vec<i16>,
    given: usize,
}

impl<R: Read + Seek> Reader<R> {
    pub fn new(inner: R) -> Result<Reader<R>, Error> {
        let mut pages = Pages::new(inner);
        let end = pages.length()?;
        let mut page = Page::default();
        let head = loop {
            if !pages.next(&mut page, end.min(1 << 20))? {
                return Err(Error::NotOpus);
            }
            if page.flags & flag::BEGIN == 0 {
                return Err(Error::NotOpus);
            }
            if let Some((packet, true)) = page.pieces().next()
                && packet.starts_with(b"OpusHead")
            {
                break packet.to_vec();
            }
        };
        let serial = page.serial;
        // Version, channels, pre-skip, rate, gain, mapping family: more than stereo needs a mapping that nobody has on a phone.
        if head.len() < 19 || head[8] >> 4 != 0 || head[18] != 0 || !(1..=2).contains(&head[9]) {
            return Err(Error::Opus);
        }
        let gain = f32::from(i16::from_le_bytes([head[16], head[17]]));
        // The comment header ends on a page of its own.
        loop {
            if !pages.next(&mut page, end)? {
                return Err(Error::Cut);
            }
            if page.serial == serial && page.pieces().any(|(_, ends)| ends) {
                break;
            }
        }
        let first = pages.tell();
        let mut reader = Reader {
            pages,
            page,
            serial,
            skip: u64::from(u16::from_le_bytes([head[10], head[11]])),
            gain: 10f32.powf(gain / 256.0 / 20.0),
            decoder: Decoder::new(RATE).ok_or(Error::Opus)?,
            first,
            end,
            length: 0,
            at: 0,
            decoded: 0,
            packets: Vec::new(),
            next_packet: 0,
            packet: Vec::new(),
            pending: Vec::new(),
            given: 0,
        };
        reader.length = reader.last_place()?.saturating_sub(reader.skip) / TICKS;
        reader.pages.go_to(first)?;
        Ok(reader)
    }

    /// Length in samples.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads the next samples; returns how many. 0: the end.
    pub fn read(&mut self, out: &mut [i16]) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < out.len() && self.at < self.length {
            if self.given == self.pending.len() && !self.decode()? {
                self.at = self.length; // less than its last page promised
                break;
            }
            let rest = &self.pending[self.given..];
            let count = rest.len().min(out.len() - filled).min((self.length - self.at) as usize);
            out[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            self.given += count;
            self.at += count as u64;
        }
        Ok(filled)
    }

    /// Goes on at a sample.
    pub fn seek(&mut self, to: u64) -> Result<(), Error> {
        self.at = to.min(self.length);
        let from = (self.at * TICKS + self.skip).saturating_sub(PRE_ROLL);
        // `low` is the beginning of a page behind which nothing earlier than `place` is heard.
        let (mut low, mut high, mut place) = (self.first, self.end, 0);
        while high - low > 2 * MAX_PAGE as u64 {
            let middle = low + (high - low) / 2;
            self.pages.go_to(middle)?;
            match self.next_place(high)? {
                Some(found) if found <= from => (low, place) = (self.pages.tell(), found),
                _ => high = middle,
            }
        }
        self.pages.go_to(low)?;
        loop {
            let before = self.pages.tell();
            match self.next_place(self.end)? {
                Some(found) if found <= from => place = found,
                _ => {
                    self.pages.go_to(before)?;
                    break;
                }
            }
        }
        self.decoder = Decoder::new(RATE).ok_or(Error::Opus)?;
        self.decoded = place;
        self.packets.clear();
        self.next_packet = 0;
        self.packet.clear();
        self.pending.clear();
        self.given = 0;
        Ok(())
    }

    /// The place of the next page of this stream that has one.
    fn next_place(&mut self, limit: u64) -> Result<Option<u64>, Error> {
        while self.pages.next(&mut self.page, limit)? {
            if self.page.serial == self.serial && self.page.place != NO_PLACE {
                return Ok(Some(self.page.place));
            }
        }
        Ok(None)
    }

    /// The last place in the file.
    fn last_place(&mut self) -> Result<u64, Error> {
        let mut back = 2 * MAX_PAGE as u64;
        loop {
            let from = self.end.saturating_sub(back).max(self.first);
            self.pages.go_to(from)?;
            let mut last = None;
            while let Some(place) = self.next_place(self.end)? {
                last = Some(place);
            }
            match last {
                Some(last) => return Ok(last),
                None if from == self.first => return Ok(0),
                None => back *= 2,
            }
        }
    }

    /// Decodes the next packet that is heard; false at the end.
    fn decode(&mut self) -> Result<bool, Error> {
        loop {
            let Some(packet) = self.packets.get(self.next_packet) else {
                if !self.next_packets()? {
                    return Ok(false);
                }
                continue;
            };
            self.next_packet += 1;
            self.pending.resize(LONGEST, 0);
            let count = self.decoder.decode(packet, &mut self.pending);
            self.pending.truncate(count);
            if (self.gain - 1.0).abs() > 1e-3 {
                for sample in &mut self.pending {
                    *sample = (f32::from(*sample) * self.gain) as i16; // saturates
                }
            }
            let begin = self.decoded;
            self.decoded += count as u64 * TICKS;
            let wanted = self.at * TICKS + self.skip;
            if self.decoded <= wanted {
                continue;
            }
            self.given = (wanted.saturating_sub(begin) / TICKS) as usize;
            return Ok(true);
        }
    }

    /// Gathers the packets of the next page; false at the end.
    fn next_packets(&mut self) -> Result<bool, Error> {
        if !self.pages.next(&mut self.page, self.end)? {
            return Ok(false);
        }
        if self.page.serial != self.serial {
            return Ok(true);
        }
        self.packets.clear();
        self.next_packet = 0;
        let mut orphan = self.page.flags & flag::CONTINUED != 0 && self.packet.is_empty();
        for (piece, ends) in self.page.pieces() {
            if self.packet.len() + piece.len() <= MAX_PACKET {
                self.packet.extend_from_slice(piece);
            }
            if ends {
                let packet = std::mem::take(&mut self.packet);
                if !std::mem::take(&mut orphan) {
                    self.packets.push(packet);
                }
            }
        }
        Ok(true)
    }
}

/// What comes before a file's sound: the two headers, each on a page of its own.
pub fn headers(serial: u32, channels: u8, rate: u32, skip: u16) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels);
    head.extend_from_slice(&skip.to_le_bytes());
    head.extend_from_slice(&rate.to_le_bytes());
    head.extend_from_slice(&[0; 3]);
    let mut tags = b"OpusTags".to_vec();
    for text in ["tongdai", ""] {
        tags.extend_from_slice(&(text.len() as u32).to_le_bytes()); // the second is the number of comments: none
        tags.extend_from_slice(text.as_bytes());
    }
    let mut out = Vec::new();
    for (sequence, packet, flags) in [(0, head, flag::BEGIN), (1, tags, 0)] {
        let mut page = Page::new(flags, serial, sequence);
        page.push(&packet);
        page.write(&mut out);
    }
    out
}

/// Makes the pages of a file from sound, 20 ms a packet.
#[derive(Debug)]
pub struct Writer {
    encoder: opus::FileEncoder,
    channels: usize,
    rate: u32,
    page: Page,
    /// Packets in the page.
    packets: u32,
    /// Ticks encoded, with what is skipped.
    ticks: u64,
    skip: u16,
    /// Frames taken, and those of them that wait for the rest of a packet.
    frames: u64,
    waiting: Vec<i16>,
}

/// A page is written when it has so many packets: half a second.
const PACKETS: u32 = 25;

impl Writer {
    /// A file of one or two channels, of 8000 or 16,000 Hz, and what it begins with. `None` when there is no memory.
    pub fn new(serial: u32, channels: u16, rate: u32, out: &mut Vec<u8>) -> Option<Writer> {
        let (encoder, skip) = opus::FileEncoder::new(rate, channels)?;
        out.extend(headers(serial, channels as u8, rate, skip));
        let page = Page::new(0, serial, 2);
        let channels = usize::from(channels);
        Some(Writer {
            encoder,
            channels,
            rate,
            page,
            packets: 0,
            ticks: 0,
            skip,
            frames: 0,
            waiting: Vec::new(),
        })
    }

    /// Encodes samples (of all channels in turn), and writes the pages that are full.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        self.frames += (samples.len() / self.channels) as u64;
        let packet = self.rate as usize / 50 * self.channels;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend_from_slice(samples);
        let mut packets = waiting.chunks_exact(packet);
        for samples in &mut packets {
            self.encode(samples, out);
        }
        self.waiting.extend_from_slice(packets.remainder());
    }

    fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        let mut payload = [0; opus::MAX_PAYLOAD];
        let length = self.encoder.encode(samples, &mut payload);
        // The last page keeps a packet until the end, since only there can be said where in it the sound ends.
        if self.packets == PACKETS {
            self.flush(out);
        }
        if !self.page.push(&payload[..length]) {
            self.flush(out);
            self.page.push(&payload[..length]);
        }
        self.packets += 1;
        self.ticks += u64::from(opus::CLOCK / 50);
        self.page.place = self.ticks;
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.page.is_empty() {
            self.page.write(out);
            self.page.clear();
            self.page.sequence += 1;
            self.packets = 0;
        }
    }

    /// Writes what is left, and the mark of the end. All that was given is heard, and no more.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let end = u64::from(self.skip) + self.frames * u64::from(opus::CLOCK / self.rate);
        let packet = self.rate as usize / 50 * self.channels;
        let mut rest = std::mem::take(&mut self.waiting);
        while self.ticks < end {
            rest.resize(packet, 0);
            self.encode(&rest, out);
            rest.clear();
        }
        self.page.flags = flag::END;
        self.page.place = end;
        self.page.write(out);
        self.page.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn tone(frequency: f64, from: usize, count: usize, rate: u32) -> Vec<i16> {
        let step = std::f64::consts::TAU * frequency / f64::from(rate);
        (from..from + count).map(|i| ((step * i as f64).sin() * 8000.0) as i16).collect()
    }

    fn level(samples: &[i16], frequency: f64) -> f64 {
        let step = std::f64::consts::TAU * frequency / f64::from(RATE);
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &sample) in samples.iter().enumerate() {
            re += f64::from(sample) * (step * i as f64).cos();
            im += f64::from(sample) * (step * i as f64).sin();
        }
        2.0 * (re * re + im * im).sqrt() / samples.len() as f64
    }

    /// A tone that changes each second: 500, 700, 900 Hz …
    fn scale(seconds: usize, channels: u16, rate: u32, finished: bool) -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = Writer::new(5, channels, rate, &mut file).unwrap();
        for second in 0..seconds {
            let frequency = 500.0 + 200.0 * second as f64;
            let mono = tone(frequency, second * rate as usize, rate as usize, rate);
            let samples: Vec<i16> =
                mono.iter().flat_map(|&sample| std::iter::repeat_n(sample, channels.into())).collect();
            for piece in samples.chunks(777 * usize::from(channels)) {
                writer.push(piece, &mut file);
            }
        }
        if finished {
            writer.finish(&mut file);
        }
        file
    }

    fn read(reader: &mut Reader<Cursor<Vec<u8>>>, count: usize) -> Vec<i16> {
        let mut out = vec![0; count];
        let read = reader.read(&mut out).unwrap();
        out.truncate(read);
        out
    }

    #[test]
    fn what_was_written_is_read_back_with_its_length() {
        for (channels, rate) in [(1, 8_000), (1, 16_000), (2, 8_000), (2, 16_000)] {
            let mut reader = Reader::new(Cursor::new(scale(3, channels, rate, true))).unwrap();
            assert_eq!(reader.length(), 48_000);
            let sound = read(&mut reader, 60_000);
            assert_eq!(sound.len(), 48_000);
            for second in 0..3 {
                let heard = level(&sound[second * 16_000 + 1_600..][..12_800], 500.0 + 200.0 * second as f64);
                assert!((6_500.0..9_000.0).contains(&heard), "{channels} of {rate}: {second} s with {heard}");
            }
        }
    }

    #[test]
    fn it_goes_on_at_any_place() {
        let mut reader = Reader::new(Cursor::new(scale(120, 1, 16_000, true))).unwrap();
        for second in [119, 0, 60, 3, 118, 1] {
            reader.seek(second * 16_000 + 800).unwrap();
            let sound = read(&mut reader, 12_800);
            let heard = level(&sound, 500.0 + 200.0 * second as f64);
            let other = level(&sound, 500.0 + 200.0 * (second as f64 + 1.0));
            // High tones are beyond what 16 kHz holds; up to there it is the right one.
            if second < 30 {
                assert!(heard > 5_000.0 && other < 500.0, "{second}: {heard}, {other}");
            }
            assert_eq!(sound.len(), 12_800);
        }
        reader.seek(u64::MAX).unwrap();
        assert!(read(&mut reader, 10).is_empty());
    }

    #[test]
    fn one_that_was_cut_plays_but_for_its_last_half_second() {
        let file = scale(3, 2, 16_000, false);
        let length = Reader::new(Cursor::new(file.clone())).unwrap().length();
        assert!(length >= 40_000 - 400, "{length}");
        let mut reader = Reader::new(Cursor::new(file[..file.len() - 100].to_vec())).unwrap();
        let sound = read(&mut reader, 60_000);
        assert!(sound.len() >= 30_000 && level(&sound[1_600..14_400], 500.0) > 6_000.0);
    }

    #[test]
    fn another_file_is_refused() {
        assert_eq!(Reader::new(Cursor::new(b"RIFF".to_vec())).unwrap_err(), Error::NotOpus);
        let mut vorbis = Vec::new();
        let mut page = Page::new(flag::BEGIN, 7, 0);
        page.push(b"\x01vorbis");
        page.write(&mut vorbis);
        assert_eq!(Reader::new(Cursor::new(vorbis)).unwrap_err(), Error::NotOpus);
        assert_eq!(
            Reader::new(Cursor::new(scale(0, 1, 8_000, false)[..60].to_vec())).unwrap_err(),
            Error::Cut
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_damaged_file_is_read_without_panic(at in 0usize..6_000, byte: u8, to in 0u64..40_000) {
            let mut file = scale(2, 1, 8_000, true);
            let at = at % file.len();
            file[at] = byte;
            if let Ok(mut reader) = Reader::new(Cursor::new(file)) {
                let _ = reader.seek(to);
                let mut out = [0; 4_000];
                while reader.read(&mut out).is_ok_and(|count| count > 0) {}
            }
        }
    }
}
