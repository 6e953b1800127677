//! `tongdai-media decode`: what people upload, of any usual format but WAV, as bare samples.
//!
//! A file comes from standard input, and goes to standard output as its sample rate (32 bits) and mono samples (32-bit float), all
//! little-endian. What is wrong with it goes to standard error as one JSON object with `code` and `message`, and the exit code
//! is 1. The file is a stranger's: the process locks itself in before it looks at it ([`sandbox`]).

mod kind;
mod sandbox;

use kind::Kind;
use media_proto::opus::{self, Decoder};
use media_proto::opus_file;
use serde_json::json;
use std::fmt;
use std::io::{self, Cursor, Read, Write};
use std::panic;
use std::process::ExitCode;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AC3, CODEC_ID_EAC3, CODEC_ID_OPUS, CODEC_ID_SPEEX,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

pub const USAGE: &str =
    "usage: tongdai-media decode SECONDS < FILE    (no more sound than that is decoded)\n";

/// The largest file.
const MOST_BYTES: u64 = 64 << 20;
/// The rates that sound may have.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
/// Opus comes at this rate.
const OPUS_RATE: u32 = opus_file::RATE;
/// Samples of the longest Opus packet at that rate.
const OPUS_SAMPLES: usize = opus::MAX_SAMPLES / (opus::CLOCK / OPUS_RATE) as usize;

/// Why a file gave no sound.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    TooLarge,
    Empty,
    /// It is something else, which is named where it is known.
    NotSound(Option<&'static str>),
    NoSound,
    UnknownCodec(&'static str),
    Rate(u32),
    RateChanges,
    Damaged(&'static str),
    /// Nobody reads the samples any more.
    Output,
}

impl Error {
    fn code(&self) -> &'static str {
        match self {
            Error::TooLarge => "too_large",
            Error::NotSound(_) => "not_sound",
            Error::Empty | Error::NoSound => "no_sound",
            Error::UnknownCodec(_) | Error::Rate(_) | Error::RateChanges => "unknown_codec",
            Error::Damaged(_) => "damaged",
            Error::Output => "unwritable",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TooLarge => write!(f, "The file is larger than {} MiB.", MOST_BYTES >> 20),
            Error::Empty => write!(f, "The file is empty."),
            Error::NotSound(Some(what)) => write!(f, "This is {what}, and no sound that is known here."),
            Error::NotSound(None) => write!(f, "This is no sound file of a kind that is known here."),
            Error::NoSound => write!(f, "There is no sound in this file."),
            Error::UnknownCodec(why) => {
                write!(f, "The sound in this file is coded in a way that is not known here ({why}).")
            }
            Error::Rate(rate) => write!(f, "The sound in this file has a rate of {rate} Hz."),
            Error::RateChanges => write!(f, "The sound in this file changes its rate on the way."),
            Error::Damaged(why) => write!(f, "This file is damaged ({why})."),
            Error::Output => write!(f, "The samples cannot be written."),
        }
    }
}

impl std::error::Error for Error {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Unsupported(why) => Error::UnknownCodec(why),
            Fault::DecodeError(why) | Fault::LimitError(why) => Error::Damaged(why),
            Fault::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Error::Damaged("it ends too early")
            }
            _ => Error::Damaged("it cannot be read"),
        }
    }
}

/// The subcommand, with the arguments behind its name.
pub fn main(arguments: &[String]) -> ExitCode {
    let [seconds] = arguments else { return usage() };
    let Ok(seconds) = seconds.parse() else { return usage() };
    let mut file = Vec::new();
    let read = io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut file);
    sandbox::enter();
    panic::set_hook(Box::new(|_| {}));
    let run = || match read {
        Ok(_) if file.len() as u64 > MOST_BYTES => Err(Error::TooLarge),
        Ok(_) => decode(file, seconds, &mut io::BufWriter::with_capacity(1 << 16, io::stdout().lock())),
        Err(_) => Err(Error::Damaged("it cannot be read")),
    };
    // A decoder that stumbles over a file has found it damaged.
    let result = panic::catch_unwind(panic::AssertUnwindSafe(run));
    match result.unwrap_or(Err(Error::Damaged("its decoder failed"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", json!({ "code": error.code(), "message": error.to_string() }));
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

/// Decodes a file, `seconds` of it at most. A file that ends too early is heard as far as it goes; what is damaged in between is
/// left out, unless that is the greater part.
pub fn decode(file: Vec<u8>, seconds: u32, out: &mut impl Write) -> Result<(), Error> {
    let mut samples = Samples { out, rate: 0, left: 0, seconds };
    match kind::of(&file)? {
        Kind::OggOpus => decode_ogg_opus(file, &mut samples)?,
        kind => decode_any(file, kind, &mut samples)?,
    }
    if samples.rate == 0 {
        return Err(Error::NoSound);
    }
    samples.out.flush().map_err(|_| Error::Output)
}

/// Where the samples go.
struct Samples<'a, W> {
    out: &'a mut W,
    /// 0 before the first.
    rate: u32,
    left: u64,
    seconds: u32,
}

impl<W: Write> Samples<'_, W> {
    /// Writes sound whose channels are interleaved; false when there is enough of it.
    fn push(&mut self, rate: u32, channels: usize, sound: &[f32]) -> Result<bool, Error> {
        if sound.is_empty() || channels == 0 {
            return Ok(true);
        }
        if self.rate == 0 {
            if !RATES.contains(&rate) {
                return Err(Error::Rate(rate));
            }
            (self.rate, self.left) = (rate, u64::from(rate) * u64::from(self.seconds));
            self.out.write_all(&rate.to_le_bytes()).map_err(|_| Error::Output)?;
        }
        if rate != self.rate {
            return Err(Error::RateChanges);
        }
        for frame in sound.chunks_exact(channels) {
            if self.left == 0 {
                return Ok(false);
            }
            self.left -= 1;
            let mean = frame.iter().sum::<f32>() / channels as f32;
            let sample = if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 };
            self.out.write_all(&sample.to_le_bytes()).map_err(|_| Error::Output)?;
        }
        Ok(true)
    }
}

/// Opus in Ogg, by the reader that the engine plays it with.
fn decode_ogg_opus(file: Vec<u8>, samples: &mut Samples<'_, impl Write>) -> Result<(), Error> {
    use media_proto::wav::Error as Fault;
    let mut reader = opus_file::Reader::new(Cursor::new(file)).map_err(|error| match error {
        Fault::Opus => Error::UnknownCodec("Opus of more than two channels"),
        _ => Error::Damaged("it ends too early"),
    })?;
    let mut block = [0; 4096];
    loop {
        let count = reader.read(&mut block).map_err(|_| Error::Damaged("it cannot be read"))?;
        let sound = block.map(|sample| f32::from(sample) / 32_768.0);
        if count == 0 || !samples.push(OPUS_RATE, 1, &sound[..count])? {
            return Ok(());
        }
    }
}

/// Whatever else: the first track that is sound.
fn decode_any(file: Vec<u8>, kind: Kind, samples: &mut Samples<'_, impl Write>) -> Result<(), Error> {
    let source = Cursor::new(file);
    let source: Box<dyn MediaSource> = match kind {
        // What its index points to is not looked for: it may not have come.
        Kind::Ebml => Box::new(ReadOnlySource::new(source)),
        _ => Box::new(source),
    };
    let stream = MediaSourceStream::new(source, Default::default());
    let probe = symphonia::default::get_probe();
    let mut format = probe
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|fault| match (fault, kind) {
            (Fault::Unsupported(_), Kind::Frames) => Error::NotSound(None),
            (Fault::Unsupported(_), _) => Error::Damaged("not all of it is there"),
            (fault, _) => fault.into(),
        })?;
    let (mut track, mut coder) = open(format.as_ref())?;
    let (mut good, mut bad) = (0u64, 0u64);
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Fault::ResetRequired) => {
                (track, coder) = open(format.as_ref())?;
                continue;
            }
            Err(_) if good > 0 => break,
            Err(fault) => return Err(fault.into()),
        };
        if packet.track_id != track {
            continue;
        }
        match coder.decode(&packet, samples) {
            Ok(true) => good += 1,
            Ok(false) => break,
            Err(Error::Damaged(why)) => {
                bad += 1;
                if bad > good + 100 {
                    return Err(Error::Damaged(why));
                }
            }
            Err(error) => return Err(error),
        }
    }
    if bad > good { Err(Error::Damaged("most of it cannot be decoded")) } else { Ok(()) }
}

/// The track that is heard, and what decodes it.
fn open(format: &dyn FormatReader) -> Result<(u32, Coder), Error> {
    let mut unknown = None;
    let usual = format.default_track(TrackType::Audio).into_iter();
    for track in usual.chain(format.tracks()) {
        let Some(parameters) = track.codec_params.as_ref().and_then(|parameters| parameters.audio()) else {
            continue;
        };
        match Coder::new(parameters, track.delay.unwrap_or(0)) {
            Ok(coder) => return Ok((track.id, coder)),
            Err(error) => unknown = unknown.or(Some(error)),
        }
    }
    Err(unknown.unwrap_or(Error::NoSound))
}

enum Coder {
    Usual {
        decoder: Box<dyn AudioDecoder>,
        interleaved: Vec<f32>,
    },
    /// Opus in WebM or MP4, of which so many samples are still to be skipped.
    Opus {
        decoder: Decoder,
        skip: usize,
    },
}

impl Coder {
    fn new(parameters: &AudioCodecParameters, delay: u32) -> Result<Coder, Error> {
        if parameters.codec == CODEC_ID_OPUS {
            let decoder = Decoder::new(OPUS_RATE).ok_or(Error::Damaged("there is no memory"))?;
            let skip = (delay / (opus::CLOCK / OPUS_RATE)) as usize;
            return Ok(Coder::Opus { decoder, skip });
        }
        let codecs = symphonia::default::get_codecs();
        let decoder = codecs.make_audio_decoder(parameters, &AudioDecoderOptions::default()).map_err(
            |fault| match (fault, parameters.codec) {
                (_, CODEC_ID_AC3 | CODEC_ID_EAC3) => Error::UnknownCodec("Dolby AC-3"),
                (_, CODEC_ID_SPEEX) => Error::UnknownCodec("Speex"),
                (Fault::Unsupported(_), id) if codecs.get_audio_decoder(id).is_none() => {
                    Error::UnknownCodec("a codec that is rarely used")
                }
                (fault, _) => fault.into(),
            },
        )?;
        Ok(Coder::Usual { decoder, interleaved: Vec::new() })
    }

    /// Decodes a packet; false when there is enough.
    fn decode(&mut self, packet: &Packet, samples: &mut Samples<'_, impl Write>) -> Result<bool, Error> {
        match self {
            Coder::Usual { decoder, interleaved } => {
                let sound = decoder.decode(packet)?;
                let (rate, channels) = (sound.spec().rate(), sound.spec().channels().count());
                sound.copy_to_vec_interleaved(interleaved);
                samples.push(rate, channels, interleaved)
            }
            Coder::Opus { decoder, skip } => {
                let mut pcm = [0; OPUS_SAMPLES];
                let count = decoder.decode(&packet.data, &mut pcm);
                if count == 0 {
                    return Err(Error::Damaged("a packet of Opus cannot be decoded"));
                }
                let skipped = count.min(*skip);
                *skip -= skipped;
                let sound = pcm.map(|sample| f32::from(sample) / 32_768.0);
                samples.push(OPUS_RATE, 1, &sound[skipped..count])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// AIFF of 16 bits.
    fn aiff(rate: u16, samples: &[i16]) -> Vec<u8> {
        let mut common = [&1u16.to_be_bytes()[..], &(samples.len() as u32).to_be_bytes(), &[0, 16]].concat();
        // an 80-bit number (IEEE 754), of which the mantissa begins with its first one
        let shift = rate.leading_zeros();
        common.extend((16_383 + 15 - shift as u16).to_be_bytes());
        common.extend((u64::from(rate) << (48 + shift)).to_be_bytes());
        let sound: Vec<u8> = samples.iter().flat_map(|sample| sample.to_be_bytes()).collect();
        let mut body = b"AIFF".to_vec();
        for (name, chunk) in [(b"COMM", common), (b"SSND", [vec![0; 8], sound].concat())] {
            body.extend(name);
            body.extend((chunk.len() as u32).to_be_bytes());
            body.extend(chunk);
        }
        [&b"FORM"[..], &(body.len() as u32).to_be_bytes(), &body].concat()
    }

    fn decoded(file: Vec<u8>, seconds: u32) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        decode(file, seconds, &mut out).map(|()| out)
    }

    #[test]
    fn a_file_is_its_rate_and_its_samples() {
        let out = decoded(aiff(22_050, &[0, 16_384, -32_768]), 1).unwrap();
        assert_eq!(out[..4], 22_050u32.to_le_bytes());
        let samples: Vec<f32> =
            out[4..].chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        assert_eq!(samples, [0.0, 0.5, -1.0]);
    }

    #[test]
    fn no_more_is_decoded_than_was_asked_for() {
        assert_eq!(decoded(aiff(8_000, &[1; 20_000]), 2).unwrap().len(), 4 + 4 * 16_000);
    }

    #[test]
    fn what_is_no_sound_is_named() {
        for (file, said) in [
            (&b""[..], "The file is empty."),
            (b"PK\x03\x04 and so on", "This is a ZIP archive"),
            (b"%PDF-1.7", "This is a PDF document"),
            (b"Dear all,", "no sound file of a kind"),
            (b"fLaC", "damaged (it ends too early)"),
            (b"OggS", "damaged"),
            (&aiff(8_000, &[]), "There is no sound in this file."),
        ] {
            let error = decoded(file.to_vec(), 1).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_sound_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..2_000),
            magic in prop::sample::select(vec![
                &b"ID3\x04"[..], b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80", b"fLaC\0\0\0\x22", b"OggS\0\x02",
                b"FORM\0\0\0\0AIFF", b"\0\0\0\x18ftypM4A ", b"\x1a\x45\xdf\xa3",
            ]),
        ) {
            let mut file = magic.to_vec();
            file.extend(bytes);
            let _ = decoded(file, 1);
        }
    }
}
