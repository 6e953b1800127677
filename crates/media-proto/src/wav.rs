//! WAV files of 8 kHz mono 16-bit PCM, the only kind the engine reads and writes.

use crate::SAMPLE_RATE;
use std::fmt;

/// Length of the header that [`header`] writes.
pub const HEADER_LEN: usize = 44;

/// The longest sound that is read: an hour.
pub const MAX_SAMPLES: usize = 3600 * SAMPLE_RATE as usize;

/// Why a file cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    NotWav,
    Cut,
    Format { tag: u16, channels: u16, rate: u32, bits: u16 },
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotWav => write!(f, "is not a WAV file"),
            Error::Cut => write!(f, "is a WAV file without a format or data chunk"),
            Error::Format { tag, channels, rate, bits } => write!(
                f,
                "has format {tag}, {channels} channel(s), {rate} Hz, {bits} bits; convert it to 8000 Hz mono 16-bit PCM"
            ),
            Error::TooLong => write!(f, "is longer than an hour"),
        }
    }
}

impl std::error::Error for Error {}

/// The header of a file with `samples` samples behind it.
pub fn header(samples: u32) -> [u8; HEADER_LEN] {
    header_of(1, samples)
}

/// The header of a file of so many channels, with `samples` samples of all of them together behind it.
pub fn header_of(channels: u16, samples: u32) -> [u8; HEADER_LEN] {
    let data = samples.saturating_mul(2);
    let frame = 2 * channels;
    let mut out = [0; HEADER_LEN];
    out[0..4].copy_from_slice(b"RIFF");
    out[4..8].copy_from_slice(&data.saturating_add(36).to_le_bytes());
    out[8..16].copy_from_slice(b"WAVEfmt ");
    out[16..20].copy_from_slice(&16u32.to_le_bytes());
    out[20..22].copy_from_slice(&1u16.to_le_bytes());
    out[22..24].copy_from_slice(&channels.to_le_bytes());
    out[24..28].copy_from_slice(&SAMPLE_RATE.to_le_bytes());
    out[28..32].copy_from_slice(&(SAMPLE_RATE * u32::from(frame)).to_le_bytes());
    out[32..34].copy_from_slice(&frame.to_le_bytes());
    out[34..36].copy_from_slice(&16u16.to_le_bytes());
    out[36..40].copy_from_slice(b"data");
    out[40..44].copy_from_slice(&data.to_le_bytes());
    out
}

/// Reads a file. A data chunk that is shorter than announced (a recording that was cut) is read as far as it goes.
pub fn parse(file: &[u8]) -> Result<Vec<i16>, Error> {
    if file.len() < 12 || &file[..4] != b"RIFF" || &file[8..12] != b"WAVE" {
        return Err(Error::NotWav);
    }
    let (mut at, mut format_seen) = (12usize, false);
    while let Some(head) = file.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let body = &file[at + 8..file.len().min((at + 8).saturating_add(length))];
        match &head[..4] {
            b"fmt " => {
                let fields: &[u8; 16] = body.first_chunk().ok_or(Error::Cut)?;
                let short = |i: usize| u16::from_le_bytes([fields[i], fields[i + 1]]);
                let rate = u32::from_le_bytes([fields[4], fields[5], fields[6], fields[7]]);
                let mut tag = short(0);
                if tag == 0xfffe && body.len() >= 26 {
                    tag = u16::from_le_bytes([body[24], body[25]]); // WAVE_FORMAT_EXTENSIBLE names it in its GUID
                }
                if (tag, short(2), rate, short(14)) != (1, 1, SAMPLE_RATE, 16) {
                    return Err(Error::Format { tag, channels: short(2), rate, bits: short(14) });
                }
                format_seen = true;
            }
            b"data" if format_seen => {
                if body.len() / 2 > MAX_SAMPLES {
                    return Err(Error::TooLong);
                }
                return Ok(body.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect());
            }
            _ => {}
        }
        at = (at + 8).saturating_add(length).saturating_add(length & 1);
    }
    Err(Error::Cut)
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
    fn another_format_is_refused_with_what_to_do() {
        let mut stereo = file(&[5]);
        stereo[22] = 2;
        let error = parse(&stereo).unwrap_err();
        assert!(error.to_string().contains("convert it to 8000 Hz mono"), "{error}");
        assert_eq!(parse(b"OggS"), Err(Error::NotWav));
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
