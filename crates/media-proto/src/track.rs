//! A sound file that is read from front to back, at 8 and at 16 kHz at once: what a leg needs is only known when it is sent.

use crate::resample::Resampler;
use crate::sound::Sound;
use crate::wav::Error;
use crate::{SAMPLE_RATE, opus_file, wav};
use std::io::{Read, Seek, SeekFrom};

const WIDE_RATE: u32 = 16_000;

#[derive(Debug)]
enum File<R> {
    Wav(wav::Reader<R>),
    Opus(Box<opus_file::Reader<R>>),
}

#[derive(Debug)]
pub struct Track<R> {
    file: File<R>,
    rate: u32,
    to_narrow: Resampler,
    to_wide: Resampler,
    buffer: Vec<i16>,
}

impl<R: Read + Seek> Track<R> {
    /// A WAV file or Opus in Ogg, told by its first bytes.
    pub fn open(mut inner: R) -> Result<Track<R>, Error> {
        let mut magic = [0; 4];
        inner.read_exact(&mut magic).map_err(|_| Error::NotSound)?;
        inner.seek(SeekFrom::Start(0))?;
        let (file, rate) = if &magic == b"OggS" {
            (File::Opus(Box::new(opus_file::Reader::new(inner)?)), opus_file::RATE)
        } else {
            let reader = wav::Reader::new(inner)?;
            let rate = reader.rate();
            (File::Wav(reader), rate)
        };
        let to = |wanted| Resampler::new(rate, wanted);
        Ok(Track { file, rate, to_narrow: to(SAMPLE_RATE), to_wide: to(WIDE_RATE), buffer: Vec::new() })
    }

    /// Length in samples of 8 kHz.
    pub fn length(&self) -> u64 {
        let length = match &self.file {
            File::Wav(reader) => reader.length(),
            File::Opus(reader) => reader.length(),
        };
        length * u64::from(SAMPLE_RATE) / u64::from(self.rate)
    }

    fn read_file(&mut self, samples: usize) -> Result<(), Error> {
        self.buffer.resize(samples, 0);
        let count = match &mut self.file {
            File::Wav(reader) => reader.read(&mut self.buffer)?,
            File::Opus(reader) => reader.read(&mut self.buffer)?,
        };
        self.buffer.truncate(count);
        Ok(())
    }

    /// Fills `narrow` with the next samples of 8 kHz, and `wide` (twice as long) with the same of 16 kHz; returns how many of 8 kHz
    /// there were. 0: the end.
    pub fn read(&mut self, narrow: &mut [i16], wide: &mut [i16]) -> Result<usize, Error> {
        let ratio = (self.rate / SAMPLE_RATE) as usize;
        self.read_file(narrow.len() * ratio)?;
        let count = self.buffer.len() / ratio;
        let samples = &self.buffer[..count * ratio];
        if self.rate == SAMPLE_RATE {
            narrow[..count].copy_from_slice(samples);
        } else {
            self.to_narrow.process(samples, &mut narrow[..count]);
        }
        if self.rate == WIDE_RATE {
            wide[..2 * count].copy_from_slice(samples);
        } else {
            self.to_wide.process(samples, &mut wide[..2 * count]);
        }
        Ok(count)
    }

    /// Goes on at a sample of 8 kHz.
    pub fn seek(&mut self, to: u64) -> Result<(), Error> {
        let to = to.min(self.length()) * u64::from(self.rate / SAMPLE_RATE);
        self.to_narrow.reset();
        self.to_wide.reset();
        match &mut self.file {
            File::Wav(reader) => reader.seek(to),
            File::Opus(reader) => reader.seek(to),
        }
    }

    /// All of it, in memory.
    pub fn whole(mut self) -> Result<Sound, Error> {
        self.seek(0)?;
        self.read_file((self.length() * u64::from(self.rate / SAMPLE_RATE)) as usize)?;
        Ok(Sound::of(&self.buffer, self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn tone(rate: u32, count: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * 600.0 / f64::from(rate);
        (0..count).map(|i| ((step * i as f64).sin() * 8000.0) as i16).collect()
    }

    fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
        let mut file = wav::header_of(rate, 1, samples.len() as u32).to_vec();
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    #[test]
    fn a_file_of_any_rate_is_heard_at_both() {
        for rate in crate::resample::RATES {
            let mut track = Track::open(Cursor::new(wav(rate, &tone(rate, rate as usize)))).unwrap();
            assert_eq!(track.length(), 8_000);
            let (mut narrow, mut wide) = (vec![0; 3_000], vec![0; 6_000]);
            let mut counts = Vec::new();
            loop {
                match track.read(&mut narrow, &mut wide).unwrap() {
                    0 => break,
                    count => counts.push(count),
                }
                let peak = |samples: &[i16]| samples.iter().copied().max();
                assert!(peak(&narrow[..1_000]) > Some(7_500) && peak(&wide[..2_000]) > Some(7_500));
            }
            assert_eq!(counts, [3_000, 3_000, 2_000]);
            track.seek(7_990).unwrap();
            assert_eq!(track.read(&mut narrow, &mut wide), Ok(10));
            assert_eq!(track.whole().unwrap().len(), 8_000);
        }
    }

    #[test]
    fn what_is_no_sound_is_refused() {
        for bytes in [&b""[..], b"ID3", b"fLaC and more"] {
            assert_eq!(Track::open(Cursor::new(bytes)).unwrap_err(), Error::NotSound);
        }
    }
}
