//! ITU-T G.711: µ-law and A-law, both ways, as 16-bit linear samples.

/// µ-law of digital silence.
pub const ULAW_SILENCE: u8 = 0xff;
/// A-law of digital silence (its smallest positive step).
pub const ALAW_SILENCE: u8 = 0xd5;

const BIAS: i32 = 0x84;
const CLIP: i32 = 32_635;

/// One µ-law byte of a linear sample.
pub const fn ulaw_encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80u8 } else { 0 };
    let mut magnitude = (sample as i32).abs();
    if magnitude > CLIP {
        magnitude = CLIP;
    }
    magnitude += BIAS;
    let segment = 24 - (magnitude as u32).leading_zeros() as i32;
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | ((segment as u8) << 4) | step as u8)
}

/// The linear sample of one µ-law byte.
pub const fn ulaw_decode(byte: u8) -> i16 {
    let code = !byte;
    let segment = (code >> 4) & 7;
    let magnitude = (((((code & 0x0f) as i32) << 3) + BIAS) << segment) - BIAS;
    (if code & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

/// One A-law byte of a linear sample.
pub const fn alaw_encode(sample: i16) -> u8 {
    // A negative sample is mirrored as -x - 1, so that both halves have the same 4,096 steps.
    let (mask, magnitude) =
        if sample >= 0 { (0xd5u8, (sample as i32) >> 3) } else { (0x55u8, (!(sample as i32)) >> 3) };
    let segment = if magnitude < 32 { 0 } else { 27 - (magnitude as u32).leading_zeros() as i32 };
    let step = if segment < 2 { magnitude >> 1 } else { magnitude >> segment } & 0x0f;
    (((segment as u8) << 4) | step as u8) ^ mask
}

/// The linear sample of one A-law byte.
pub const fn alaw_decode(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let segment = (code >> 4) & 7;
    let mut magnitude = ((code & 0x0f) as i32) << 4;
    magnitude += if segment == 0 { 8 } else { 0x108 };
    if segment > 1 {
        magnitude <<= segment - 1;
    }
    (if code & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

const fn decode_table(alaw: bool) -> [i16; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = if alaw { alaw_decode(i as u8) } else { ulaw_decode(i as u8) };
        i += 1;
    }
    table
}

const fn convert_table(from_alaw: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] =
            if from_alaw { ulaw_encode(alaw_decode(i as u8)) } else { alaw_encode(ulaw_decode(i as u8)) };
        i += 1;
    }
    table
}

/// Linear sample by µ-law byte.
pub static ULAW_TO_LINEAR: [i16; 256] = decode_table(false);
/// Linear sample by A-law byte.
pub static ALAW_TO_LINEAR: [i16; 256] = decode_table(true);
/// A-law byte by µ-law byte.
pub static ULAW_TO_ALAW: [u8; 256] = convert_table(false);
/// µ-law byte by A-law byte.
pub static ALAW_TO_ULAW: [u8; 256] = convert_table(true);

/// One of the two laws, which have one byte per sample and no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Mu,
    A,
}

impl Law {
    /// Both, in the order of [`Law::index`].
    pub const ALL: [Law; 2] = [Law::Mu, Law::A];

    /// A small number for tables by law.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The byte that is heard as silence.
    pub fn silence(self) -> u8 {
        match self {
            Law::Mu => ULAW_SILENCE,
            Law::A => ALAW_SILENCE,
        }
    }

    /// Decodes `payload` into `samples`; returns how many were written (the shorter of the two).
    pub fn decode(self, payload: &[u8], samples: &mut [i16]) -> usize {
        let table = match self {
            Law::Mu => &ULAW_TO_LINEAR,
            Law::A => &ALAW_TO_LINEAR,
        };
        for (sample, &byte) in samples.iter_mut().zip(payload) {
            *sample = table[usize::from(byte)];
        }
        payload.len().min(samples.len())
    }

    /// Encodes `samples` into `payload`; returns how many bytes were written (the shorter of the two).
    pub fn encode(self, samples: &[i16], payload: &mut [u8]) -> usize {
        match self {
            Law::Mu => {
                for (byte, &sample) in payload.iter_mut().zip(samples) {
                    *byte = ulaw_encode(sample);
                }
            }
            Law::A => {
                for (byte, &sample) in payload.iter_mut().zip(samples) {
                    *byte = alaw_encode(sample);
                }
            }
        }
        payload.len().min(samples.len())
    }

    /// Whether nothing in `payload` is louder than [`crate::presence::SILENCE`]. It stops at the first sound.
    pub fn is_silent(self, payload: &[u8]) -> bool {
        // The bits that only the softest samples do not have: the segment, and of A-law the upper half of the lowest one.
        let (mask, flip) = match self {
            Law::Mu => (0x70, 0xff),
            Law::A => (0x78, 0x55),
        };
        payload.chunks(32).all(|part| part.iter().fold(0, |all, byte| all | ((byte ^ flip) & mask)) == 0)
    }

    /// Turns `payload` of `self` into a payload of `to`, in place.
    pub fn convert(self, to: Law, payload: &mut [u8]) {
        let table = match (self, to) {
            (Law::Mu, Law::A) => &ULAW_TO_ALAW,
            (Law::A, Law::Mu) => &ALAW_TO_ULAW,
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
    fn silence_is_what_decodes_to_the_softest_samples() {
        for law in Law::ALL {
            for byte in 0..=255u8 {
                let mut sample = [0];
                law.decode(&[byte], &mut sample);
                assert_eq!(
                    law.is_silent(&[law.silence(), byte]),
                    crate::presence::is_silent(&sample),
                    "{byte:#x}"
                );
            }
        }
    }

    /// The decision values of ITU-T G.711: of table 1a (A-law, of 4096) or 2a (µ-law, of 8159), as 16-bit samples. Between the n-th and
    /// the one behind it lies what has the n-th code, and the value of that is in the middle.
    fn decision_values(law: Law) -> Vec<i32> {
        let (first, intervals, scale) = match law {
            Law::A => (vec![0], [2, 2, 4, 8, 16, 32, 64, 128], 8),
            Law::Mu => (vec![0, 1], [2, 4, 8, 16, 32, 64, 128, 256], 4),
        };
        let mut values = first;
        for interval in intervals {
            let end = if values.len() == 2 { 17 } else { values.len() + 16 }; // µ-law's first interval is a half
            while values.len() < end {
                values.push(values[values.len() - 1] + interval);
            }
        }
        values.iter().map(|value| value * scale).collect()
    }

    #[test]
    fn every_code_and_every_sample_is_that_of_the_itu_tables() {
        for law in Law::ALL {
            let values = decision_values(law);
            assert_eq!((values.len(), values[128]), (129, if law == Law::A { 4096 * 8 } else { 8159 * 4 }));
            // The codes of positive values count down from 0xff; those of A-law up from 0x80, every other bit turned over.
            let code = |n: u8, negative: bool| match law {
                Law::A => (0x80 | n) ^ 0x55 ^ if negative { 0x80 } else { 0 },
                Law::Mu => (0xff - n) & if negative { 0x7f } else { 0xff },
            };
            let mut n = 0;
            for sample in 0..=i32::from(i16::MAX) {
                while n < 127 && sample >= values[n as usize + 1] {
                    n += 1;
                }
                let middle = match (law, n) {
                    (Law::Mu, 0) => 0,
                    _ => (values[n as usize] + values[n as usize + 1]) / 2,
                };
                // A-law has no zero: what is below it by less than a step is its first negative value.
                let mirrored = if law == Law::A { !sample } else { -sample };
                for (sample, value, negative) in [(sample, middle, false), (mirrored, -middle, true)]
                    .into_iter()
                    .filter(|one| one.0 != 0 || !one.2)
                {
                    let (mut byte, mut back) = ([0], [0]);
                    law.encode(&[sample as i16], &mut byte);
                    law.decode(&byte, &mut back);
                    assert_eq!((byte[0], i32::from(back[0])), (code(n, negative), value), "{law:?} {sample}");
                }
            }
            assert_eq!(n, 127, "every code has come");
        }
    }

    #[test]
    fn every_code_survives_a_round_trip() {
        for byte in 0..=255u8 {
            // 0x7f is the negative zero of µ-law, which linear samples do not have.
            if byte != 0x7f {
                assert_eq!(ulaw_encode(ulaw_decode(byte)), byte);
            }
            assert_eq!(alaw_encode(alaw_decode(byte)), byte);
        }
    }

    #[test]
    fn silence_is_silence() {
        assert_eq!(ulaw_encode(0), ULAW_SILENCE);
        assert_eq!(alaw_encode(0), ALAW_SILENCE);
        assert_eq!(ULAW_TO_ALAW[usize::from(ULAW_SILENCE)], ALAW_SILENCE);
    }

    #[test]
    fn converting_is_decoding_and_encoding() {
        for byte in 0..=255u8 {
            let mut direct = [byte];
            Law::Mu.convert(Law::A, &mut direct);
            let (mut linear, mut again) = ([0i16], [0u8]);
            Law::Mu.decode(&[byte], &mut linear);
            Law::A.encode(&linear, &mut again);
            assert_eq!(direct, again);
        }
    }
}
