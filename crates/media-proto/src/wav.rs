//! WAV files of 16-bit PCM, the only kind that the engine reads and writes beside Opus.

use crate::SAMPLE_RATE;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

/// Length of the header that [`header`] writes.
pub const HEADER_LEN: usize = 44;

/// Why a file cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    NotSound,
    NotOpus,
    Opus,
    Cut,
    Format { tag: u16, channels: u16, rate: u32, bits: u16 },
    Io(io::ErrorKind),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotSound => write!(f, "is neither a WAV file nor Opus in Ogg; convert it to one of them"),
            Error::NotOpus => write!(f, "is an Ogg file without Opus; convert it to Ogg/Opus or WAV"),
            Error::Opus => write!(f, "has Opus of more than two channels, or of an unknown version"),
            Error::Cut => write!(f, "ends too early; it was cut, or not written to its end"),
            Error::Format { tag, channels, rate, bits } => write!(
                f,
                "has format {tag}, {channels} channel(s), {rate} Hz, {bits} bits; convert it to 16-bit PCM of 8, 16 or \
                 48 kHz, mono or stereo"
            ),
            Error::Io(kind) => write!(f, "cannot be read: {kind}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Cut,
            kind => Error::Io(kind),
        }
    }
}

/// The header of a file of 8 kHz with `samples` samples behind it.
pub fn header(samples: u32) -> [u8; HEADER_LEN] {
    header_of(SAMPLE_RATE, 1, samples)
}

/// The header of a file of this rate and so many channels, with `samples` samples of all of them together behind it.
pub fn header_of(rate: u32, channels: u16, samples: u32) -> [u8; HEADER_LEN] {
    let data = samples.saturating_mul(2);
    let frame = 2 * channels;
    let mut out = [0; HEADER_LEN];
    out[0..4].copy_from_slice(b"RIFF");
    out[4..8].copy_from_slice(&data.saturating_add(36).to_le_bytes());
    out[8..16].copy_from_slice(b"WAVEfmt ");
    out[16..20].copy_from_slice(&16u32.to_le_bytes());
    out[20..22].copy_from_slice(&1u16.to_le_bytes());
    out[22..24].copy_from_slice(&channels.to_le_bytes());
    out[24..28].copy_from_slice(&rate.to_le_bytes());
    out[28..32].copy_from_slice(&(rate * u32::from(frame)).to_le_bytes());
    out[32..34].copy_from_slice(&frame.to_le_bytes());
    out[34..36].copy_from_slice(&16u16.to_le_bytes());
    out[36..40].copy_from_slice(b"data");
    out[40..44].copy_from_slice(&data.to_le_bytes());
    out
}

/// A file that is read, mixed down to mono.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    channels: usize,
    rate: u32,
    /// Where the sound begins in the file.
    start: u64,
    /// Length and place in frames.
    length: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Reader<R> {
    /// A data chunk that is shorter than announced (a recording that was cut) is read as far as it goes; so is one that announces
    /// nothing, since its header was not written again.
    pub fn new(mut inner: R) -> Result<Reader<R>, Error> {
        let end = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        let mut head = [0; 12];
        inner.read_exact(&mut head).map_err(|_| Error::NotSound)?;
        if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
            return Err(Error::NotSound);
        }
        let (mut at, mut format) = (12u64, None);
        loop {
            let mut head = [0; 8];
            inner.seek(SeekFrom::Start(at))?;
            inner.read_exact(&mut head)?;
            let length = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            match (&head[..4], format) {
                (b"fmt ", _) => format = Some(read_format(&mut inner, length)?),
                (b"data", Some((channels, rate))) => {
                    let start = at + 8;
                    let there = end.saturating_sub(start);
                    let bytes = if length == 0 { there } else { length.min(there) };
                    let frames = bytes / 2 / channels as u64;
                    inner.seek(SeekFrom::Start(start))?;
                    return Ok(Reader {
                        inner,
                        channels,
                        rate,
                        start,
                        length: frames,
                        at: 0,
                        bytes: Vec::new(),
                    });
                }
                _ => {}
            }
            at += 8 + length + (length & 1);
        }
    }

    /// Samples per second: 8000, 16,000 or 48,000.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Length in samples.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads the next samples; returns how many. 0: the end.
    pub fn read(&mut self, out: &mut [i16]) -> Result<usize, Error> {
        let count = (out.len() as u64).min(self.length - self.at) as usize;
        self.bytes.resize(count * 2 * self.channels, 0);
        self.inner.read_exact(&mut self.bytes)?;
        for (out, frame) in out.iter_mut().zip(self.bytes.chunks_exact(2 * self.channels)) {
            let sum: i32 = frame
                .chunks_exact(2)
                .map(|sample| i32::from(i16::from_le_bytes([sample[0], sample[1]])))
                .sum();
            *out = (sum / self.channels as i32) as i16;
        }
        self.at += count as u64;
        Ok(count)
    }

    /// Goes on at a sample.
    pub fn seek(&mut self, to: u64) -> Result<(), Error> {
        self.at = to.min(self.length);
        self.inner.seek(SeekFrom::Start(self.start + self.at * 2 * self.channels as u64))?;
        Ok(())
    }
}

/// Channels and rate of a format chunk.
fn read_format(inner: &mut impl Read, length: u64) -> Result<(usize, u32), Error> {
    let mut fields = [0; 26];
    let known = if length >= 26 { 26 } else { 16 };
    inner.read_exact(&mut fields[..known])?;
    let short = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
    let rate = u32::from_le_bytes([fields[4], fields[5], fields[6], fields[7]]);
    let (mut tag, channels, bits) = (short(0), short(2), short(14));
    if tag == 0xfffe {
        tag = short(24); // WAVE_FORMAT_EXTENSIBLE names it in its GUID
    }
    if tag != 1 || bits != 16 || !(1..=2).contains(&channels) || !crate::resample::RATES.contains(&rate) {
        return Err(Error::Format { tag, channels, rate, bits });
    }
    Ok((channels.into(), rate))
}

/// The samples of a whole file in memory.
pub fn parse(file: &[u8]) -> Result<Vec<i16>, Error> {
    let mut reader = Reader::new(io::Cursor::new(file))?;
    let mut samples = vec![0; reader.length() as usize];
    let count = reader.read(&mut samples)?;
    samples.truncate(count);
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(samples: &[i16]) -> Vec<u8> {
        let mut file = header(samples.len() as u32).to_vec();
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    #[test]
    fn a_written_file_is_read_back_and_so_is_a_cut_one() {
        let mut written = file(&[1, -2, 3]);
        assert_eq!(parse(&written), Ok(vec![1, -2, 3]));
        written[40..44].fill(0); // its header was never written again
        assert_eq!(parse(&written), Ok(vec![1, -2, 3]));
        written.truncate(written.len() - 3);
        assert_eq!(parse(&written), Ok(vec![1]));
    }

    #[test]
    fn other_chunks_are_passed_over() {
        let plain = file(&[5]);
        let mut listed = plain[..12].to_vec();
        listed.extend(b"LIST\x03\0\0\0abc\0");
        listed.extend(&plain[12..]);
        assert_eq!(parse(&listed), Ok(vec![5]));
    }

    #[test]
    fn both_sides_of_a_stereo_file_are_heard_at_its_rate() {
        let mut stereo = header_of(16_000, 2, 4).to_vec();
        stereo.extend([100i16, 300, -7, 7].iter().flat_map(|sample| sample.to_le_bytes()));
        let mut reader = Reader::new(io::Cursor::new(&stereo)).unwrap();
        assert_eq!((reader.rate(), reader.length()), (16_000, 2));
        let mut out = [9; 4];
        assert_eq!(reader.read(&mut out), Ok(2));
        assert_eq!(out, [200, 0, 9, 9]);
        reader.seek(1).unwrap();
        assert_eq!((reader.read(&mut out), out[0]), (Ok(1), 0));
        reader.seek(9).unwrap();
        assert_eq!(reader.read(&mut out), Ok(0));
    }

    #[test]
    fn another_format_is_refused_with_what_to_do() {
        let mut three = file(&[5]);
        three[22] = 3;
        let error = parse(&three).unwrap_err();
        assert!(error.to_string().contains("convert it to 16-bit PCM"), "{error}");
        assert_eq!(parse(b"OggS"), Err(Error::NotSound));
        assert_eq!(parse(&file(&[])[..36]), Err(Error::Cut));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), valid: bool) {
            if valid && bytes.len() >= 12 {
                bytes[..4].copy_from_slice(b"RIFF");
                bytes[8..12].copy_from_slice(b"WAVE");
            }
            let _ = parse(&bytes);
        }
    }
}
