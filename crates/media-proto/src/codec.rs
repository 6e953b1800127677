//! The codecs a stream may use and what each does with a frame of sound.

use crate::g711;

/// A voice codec. All have a clock of 8000 Hz and one byte per sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Pcmu,
    Pcma,
}

impl Codec {
    /// All codecs, in the order of [`Codec::index`].
    pub const ALL: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    /// The codec of an SDP encoding name (RFC 3551 §6), in any case.
    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The SDP encoding name.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// A small number for tables by codec.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The byte that is heard as silence.
    pub fn silence(self) -> u8 {
        match self {
            Codec::Pcmu => g711::ULAW_SILENCE,
            Codec::Pcma => g711::ALAW_SILENCE,
        }
    }

    /// Decodes `payload` into `samples`; returns how many were written (the shorter of the two).
    pub fn decode(self, payload: &[u8], samples: &mut [i16]) -> usize {
        let table = match self {
            Codec::Pcmu => &g711::ULAW_TO_LINEAR,
            Codec::Pcma => &g711::ALAW_TO_LINEAR,
        };
        for (sample, &byte) in samples.iter_mut().zip(payload) {
            *sample = table[usize::from(byte)];
        }
        payload.len().min(samples.len())
    }

    /// Encodes `samples` into `payload`; returns how many bytes were written (the shorter of the two).
    pub fn encode(self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Codec::Pcmu => {
                for (byte, &sample) in payload.iter_mut().zip(samples) {
                    *byte = g711::ulaw_encode(sample);
                }
            }
            Codec::Pcma => {
                for (byte, &sample) in payload.iter_mut().zip(samples) {
                    *byte = g711::alaw_encode(sample);
                }
            }
        }
        payload.len().min(samples.len())
    }

    /// Turns `payload` of `self` into a payload of `to`, in place.
    pub fn convert(self, to: Codec, payload: &mut [u8]) {
        let table = match (self, to) {
            (Codec::Pcmu, Codec::Pcma) => &g711::ULAW_TO_ALAW,
            (Codec::Pcma, Codec::Pcmu) => &g711::ALAW_TO_ULAW,
            _ => return,
        };
        for byte in payload {
            *byte = table[usize::from(*byte)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converting_is_decoding_and_encoding() {
        for byte in 0..=255u8 {
            let mut direct = [byte];
            Codec::Pcmu.convert(Codec::Pcma, &mut direct);
            let (mut linear, mut again) = ([0i16], [0u8]);
            Codec::Pcmu.decode(&[byte], &mut linear);
            Codec::Pcma.encode(&linear, &mut again);
            assert_eq!(direct, again);
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Codec::from_name("pcmu"), Some(Codec::Pcmu));
        assert_eq!(Codec::from_name("PCMA"), Some(Codec::Pcma));
        assert_eq!(Codec::from_name("G729"), None);
    }
}
