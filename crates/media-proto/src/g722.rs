//! ITU-T G.722 at 64 kbit/s: 16 kHz sound as two sub-bands of adaptive differential codes, one byte for two samples.
//!
//! Names of blocks are the recommendation's. Its RTP clock is 8000 Hz although the sound has 16,000 samples in a second
//! (RFC 3551 §4.5.2): one tick of the clock is one byte.

const LOW_LEVELS: [i32; 31] = [
    0,
    35,
    72,
    110,
    150,
    190,
    233,
    276,
    323,
    370,
    422,
    473,
    530,
    587,
    650,
    714,
    786,
    858,
    940,
    1023,
    1121,
    1219,
    1339,
    1458,
    1612,
    1765,
    1980,
    2195,
    2557,
    2919,
    i32::MAX,
];
const LOW_SCALE: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const LOW_STEP: [u8; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
const HIGH_SCALE: [i32; 3] = [0, -214, 798];
const HIGH_STEP: [u8; 4] = [2, 1, 2, 1];
/// Inverse logarithm (table 18 of the recommendation).
const ANTILOG: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
/// Inverse quantizers by code of 2, 4 and 6 bits.
const INVERSE_2: [i32; 4] = [-7408, -1616, 7408, 1616];
const INVERSE_4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
const INVERSE_6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];
/// The quadrature mirror filter that splits and joins the bands; its other half is this one backwards.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// What the value of a sub-band is held to.
fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

/// The adaptive predictor and quantizer step of one sub-band, the same in encoder and decoder.
#[derive(Clone, Debug)]
struct Band {
    /// The predicted value and the part of it that comes from the zeros.
    predicted: i32,
    zeros: i32,
    /// Logarithm of the quantizer's step, and the step.
    log_step: i32,
    step: i32,
    /// Coefficients of the two poles and the six zeros.
    poles: [i32; 2],
    zero: [i32; 6],
    /// Reconstructed signal, partial reconstruction and quantized difference: the latest first.
    signal: [i32; 2],
    partial: [i32; 2],
    difference: [i32; 6],
}

impl Band {
    fn new(step: i32) -> Band {
        Band {
            predicted: 0,
            zeros: 0,
            log_step: 0,
            step,
            poles: [0; 2],
            zero: [0; 6],
            signal: [0; 2],
            partial: [0; 2],
            difference: [0; 6],
        }
    }

    /// The step after a code (LOGSCL and SCALEL, LOGSCH and SCALEH).
    fn scale(&mut self, change: i32, limit: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + change).clamp(0, limit);
        let antilog = ANTILOG[((self.log_step >> 6) & 31) as usize];
        let shift = shift - (self.log_step >> 11);
        self.step = (if shift < 0 { antilog << -shift } else { antilog >> shift }) << 2;
    }

    /// Learns from a quantized difference and predicts the next value (block 4).
    fn adapt(&mut self, difference: i32) {
        let signal = saturate(self.predicted + difference);
        let partial = saturate(self.zeros + difference);
        let same = |a: i32, b: i32| (a < 0) == (b < 0);

        // UPPOL2, UPPOL1
        let lean = saturate(self.poles[0] << 2);
        let lean = if same(partial, self.partial[0]) { -lean } else { lean }.min(32_767);
        let second = if same(partial, self.partial[1]) { 128 } else { -128 };
        let second = (second + (lean >> 7) + ((self.poles[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        let first = if same(partial, self.partial[0]) { 192 } else { -192 };
        let limit = saturate(15_360 - second);
        let first = saturate(first + ((self.poles[0] * 32_640) >> 15)).clamp(-limit, limit);
        self.poles = [first, second];

        // UPZERO
        let gain = if difference == 0 { 0 } else { 128 };
        for (zero, &old) in self.zero.iter_mut().zip(&self.difference) {
            let change = if same(old, difference) { gain } else { -gain };
            *zero = saturate(change + ((*zero * 32_640) >> 15));
        }

        // DELAYA
        self.difference.copy_within(..5, 1);
        self.difference[0] = difference;
        self.signal = [signal, self.signal[0]];
        self.partial = [partial, self.partial[0]];

        // FILTEP, FILTEZ, PREDIC
        let pole = |a: i32, r: i32| (a * saturate(r + r)) >> 15;
        let poles = saturate(pole(first, self.signal[0]) + pole(second, self.signal[1]));
        let zeros = self.zero.iter().zip(&self.difference).map(|(&b, &d)| pole(b, d)).sum();
        self.zeros = saturate(zeros);
        self.predicted = saturate(poles + self.zeros);
    }

    fn adapt_low(&mut self, code4: usize) {
        let difference = (self.step * INVERSE_4[code4]) >> 15;
        self.scale(LOW_SCALE[usize::from(LOW_STEP[code4])], 18_432, 8);
        self.adapt(difference);
    }

    /// Returns the quantized difference.
    fn adapt_high(&mut self, code2: usize) -> i32 {
        let difference = (self.step * INVERSE_2[code2]) >> 15;
        self.scale(HIGH_SCALE[usize::from(HIGH_STEP[code2])], 22_528, 10);
        self.adapt(difference);
        difference
    }
}

/// Samples per byte.
pub const SAMPLES_PER_BYTE: usize = 2;

/// The history of the quadrature mirror filter, as even and odd samples, the oldest first.
#[derive(Clone, Debug, Default)]
struct Mirror {
    even: [i32; 12],
    odd: [i32; 12],
}

impl Mirror {
    /// Takes a pair in; the two sums over the history.
    fn push(&mut self, even: i32, odd: i32) -> (i32, i32) {
        self.even.copy_within(1.., 0);
        self.odd.copy_within(1.., 0);
        (self.even[11], self.odd[11]) = (even, odd);
        let evens = self.even.iter().zip(&QMF).map(|(x, c)| x * c).sum();
        let odds = self.odd.iter().zip(QMF.iter().rev()).map(|(x, c)| x * c).sum();
        (evens, odds)
    }
}

/// Sound to code. The state goes through the whole life of a stream.
#[derive(Clone, Debug)]
pub struct Encoder {
    low: Band,
    high: Band,
    mirror: Mirror,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder { low: Band::new(32), high: Band::new(8), mirror: Mirror::default() }
    }
}

impl Encoder {
    /// Encodes 16 kHz `samples`; returns how many bytes were written: one for each pair of samples, as far as there is room.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        for (pair, byte) in samples.chunks_exact(2).zip(payload.iter_mut()) {
            let (evens, odds) = self.mirror.push(i32::from(pair[0]), i32::from(pair[1]));
            *byte = self.encode_bands(limit((odds + evens) >> 14), limit((odds - evens) >> 14));
        }
        (samples.len() / 2).min(payload.len())
    }

    /// The code of one value of each sub-band.
    fn encode_bands(&mut self, low: i32, high: i32) -> u8 {
        let difference = saturate(low - self.low.predicted);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let step = self.low.step;
        // The levels rise: the first above the magnitude is found by halving.
        let level = 1 + LOW_LEVELS[1..30].partition_point(|&level| (level * step) >> 12 <= magnitude) as u8;
        let low_code = match (difference < 0, level) {
            (true, 1..=2) => 64 - level,
            (true, _) => 34 - level,
            (false, _) => 62 - level,
        };
        self.low.adapt_low(usize::from(low_code >> 2));

        let difference = saturate(high - self.high.predicted);
        let magnitude = if difference >= 0 { difference } else { -(difference + 1) };
        let large = magnitude >= (564 * self.high.step) >> 12;
        let high_code = match (difference < 0, large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.high.adapt_high(usize::from(high_code));
        (high_code << 6) | low_code
    }
}

/// Code to sound.
#[derive(Clone, Debug)]
pub struct Decoder {
    low: Band,
    high: Band,
    mirror: Mirror,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder { low: Band::new(32), high: Band::new(8), mirror: Mirror::default() }
    }
}

impl Decoder {
    /// Decodes `payload` into 16 kHz `samples`; returns how many were written: two for each byte, as far as there is room.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        for (pair, &byte) in samples.chunks_exact_mut(2).zip(payload) {
            let (low, high) = self.decode_bands(byte);
            let (evens, odds) = self.mirror.push(low + high, low - high);
            pair[0] = saturate(odds >> 11) as i16;
            pair[1] = saturate(evens >> 11) as i16;
        }
        (payload.len() * 2).min(samples.len() & !1)
    }

    fn decode_bands(&mut self, byte: u8) -> (i32, i32) {
        let code = usize::from(byte & 0x3f);
        let difference = (self.low.step * INVERSE_6[code]) >> 15;
        let low = limit(self.low.predicted + difference);
        self.low.adapt_low(code >> 2);
        let predicted = self.high.predicted;
        let difference = self.high.adapt_high(usize::from(byte >> 6));
        (low, limit(predicted + difference))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The input of the recommendation's test sequence T1C2 (G.722 Appendix II), which drives everything into overflow: a
    /// word is the value of both bands.
    fn overflow_sequence() -> Vec<u16> {
        let mut words = [0x8000u16, 0x7ffe].repeat(320);
        words[639] = 0;
        words.extend([0xb1e0, 0xc000]);
        words.extend([0x8000, 0x7ffe, 0x8000].into_iter().cycle().take(126));
        words
    }

    /// The checksum that ends each line of sixteen words in the recommendation's files: over its hexadecimal digits.
    fn checksums(words: &[u16]) -> Vec<u8> {
        let sum = |line: &[u16]| {
            let digits: String = line.iter().map(|word| format!("{word:04X}")).collect();
            digits.bytes().fold(0u8, u8::wrapping_sub)
        };
        words.chunks(16).map(sum).collect()
    }

    #[test]
    fn encoder_and_decoder_pass_the_itu_overflow_sequence() {
        let words = overflow_sequence();
        let lines = checksums(&words);
        assert_eq!((lines.len(), lines[0], lines[39], lines[40]), (48, 0x80, 0xc8, 0x15));
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let (mut codes, mut lows, mut highs) = (Vec::new(), Vec::new(), Vec::new());
        for word in words {
            let value = i32::from(word as i16) >> 1;
            let code = encoder.encode_bands(value, value);
            codes.push(u16::from(code) << 8);
            let (low, high) = decoder.decode_bands(code);
            lows.push((low << 1) as u16);
            highs.push((high << 1) as u16);
        }
        // Each line's checksum as T2R2.COD, T3L2.RC1 and T3H2.RC0 have it.
        assert_eq!(codes[..4], [0x0400, 0xa000, 0x0400, 0xa000]);
        assert_eq!(lows[..6], [0xffce, 0x0084, 0xfe88, 0x040e, 0xf4d0, 0x1e78]);
        assert_eq!(highs[..6], [0xfffc, 0x0002, 0xfff6, 0x0006, 0xffec, 0x000c]);
        let hex = |words: &[u16]| checksums(words).iter().map(|sum| format!("{sum:02x}")).collect::<String>();
        assert_eq!(
            hex(&codes),
            "49baa2f701eccdb391ac938960815c8754c2a291999986956d7ea3a19e8b4613254d8fa86f805ca44a8b6049697033f3"
        );
        assert_eq!(
            hex(&lows),
            "459061cf2874ce876a91c494aa7663ae838e937f6771b18d857c969c925291759f956d537e6aa89cb6cd9cb2088d7299"
        );
        assert_eq!(
            hex(&highs),
            "405ea27ab905a2117a5c718185b295748cde52d0a2a64d0f6e77d9a27ed86d56558a87d2dda0aeae7a2f460c6ef23ee8"
        );
    }

    /// CRC-32 (IEEE 802.3), as the recommendation's software tells its files by.
    fn crc(bytes: impl IntoIterator<Item = u8>) -> u32 {
        !bytes.into_iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    fn octets(samples: &[i16]) -> impl Iterator<Item = u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes())
    }

    /// What is to come out was made from this input by the reference programme in C of ITU-T G.191 (g722demo, mode 1). It is a square of
    /// ever longer periods as loud as can be, and noise from there down to nothing.
    #[test]
    fn the_whole_codec_gives_the_bits_of_the_itu_reference_programme() {
        let mut seed = 1u32;
        let input: Vec<i16> = (0..32_000)
            .map(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match n {
                    0..2_000 if n / (1 + n / 100) % 2 == 0 => i16::MAX,
                    0..2_000 => i16::MIN,
                    _ => ((seed >> 16) as i16) >> (n / 2_000),
                }
            })
            .collect();
        let (mut codes, mut back) = (vec![0; 16_000], vec![0; 32_000]);
        assert_eq!(Encoder::default().encode(&input, &mut codes), 16_000);
        assert_eq!(crc(codes.iter().copied()), 0xd752_4a54);
        assert_eq!(Decoder::default().decode(&codes, &mut back), 32_000);
        assert_eq!(crc(octets(&back)), 0x1203_b1a2);
    }

    /// The files of G.722 Appendix II, and the speech of G.191, are the ITU's and not kept here: `G722_VECTORS` names the folder of them in
    /// little-endian binary form (`bt1c1.xmt` …, `inpsp.bin`).
    #[test]
    #[ignore = "needs the files of the ITU; see G722_VECTORS"]
    fn the_sequences_and_the_speech_of_the_itu_come_out_bit_by_bit() {
        let folder = std::env::var("G722_VECTORS").expect("G722_VECTORS");
        let read = |name: &str, expected: u32| {
            let bytes = std::fs::read(format!("{folder}/{name}")).expect(name);
            assert_eq!(crc(bytes.iter().copied()), expected, "{name} is not the file that the ITU made");
            bytes.chunks_exact(2).map(|word| i16::from_le_bytes([word[0], word[1]])).collect::<Vec<_>>()
        };
        // A word with its last bit set resets the coder, and comes out as it is.
        let encoded = |words: &[i16]| {
            let mut encoder = Encoder::default();
            let code = |&word: &i16| match word & 1 {
                0 => i16::from_be_bytes([encoder.encode_bands((word >> 1).into(), (word >> 1).into()), 0]),
                _ => {
                    encoder = Encoder::default();
                    word
                }
            };
            words.iter().map(code).collect::<Vec<_>>()
        };
        let decoded = |words: &[i16]| {
            let mut decoder = Decoder::default();
            let sound = |&word: &i16| match word & 1 {
                0 => {
                    let (low, high) = decoder.decode_bands(word.to_be_bytes()[0]);
                    ((low << 1) as i16, (high << 1) as i16)
                }
                _ => {
                    decoder = Decoder::default();
                    (word, word)
                }
            };
            words.iter().map(sound).unzip::<_, _, Vec<_>, Vec<_>>()
        };
        let first = read("bt2r1.cod", 0xd1da_a1d1);
        let second = read("bt2r2.cod", 0x344e_a5d0);
        assert!(encoded(&read("bt1c1.xmt", 0x0c3b_fca7)) == first);
        assert!(encoded(&read("bt1c2.xmt", 0x2d60_4685)) == second);
        for (codes, low, high) in [
            (first, read("bt3l1.rc1", 0xed1b_3993), read("bt3h1.rc0", 0xe925_0851)),
            (second, read("bt3l2.rc1", 0xaf00_f31f), read("bt3h2.rc0", 0x5330_ae2e)),
            (read("bt1d3.cod", 0x7398_964f), read("bt3l3.rc1", 0xa537_4659), read("bt3h3.rc0", 0x3731_ad7f)),
        ] {
            assert!(decoded(&codes) == (low, high));
        }
        let speech = read("inpsp.bin", 0xc9ba_cc0b);
        let (mut codes, mut back) = (vec![0; speech.len() / 2], vec![0; speech.len()]);
        Encoder::default().encode(&speech, &mut codes);
        let codes_as_words: Vec<i16> = codes.iter().map(|code| i16::from(*code)).collect();
        assert!(read("codspw.cod", 0x4d0f_0e22) == codes_as_words);
        Decoder::default().decode(&codes, &mut back);
        assert!(read("outsp1.bin", 0x28e8_83ba) == back);
    }

    #[test]
    fn a_tone_in_either_band_comes_back_at_its_level() {
        for frequency in [440.0, 1000.0, 3000.0, 6000.0] {
            let step = std::f64::consts::TAU * frequency / 16_000.0;
            let tone: Vec<i16> = (0..8000).map(|i| ((step * f64::from(i)).sin() * 8000.0) as i16).collect();
            let (mut payload, mut back) = (vec![0; 4000], vec![0; 8000]);
            assert_eq!(Encoder::default().encode(&tone, &mut payload), 4000);
            assert_eq!(Decoder::default().decode(&payload, &mut back), 8000);
            let (mut re, mut im) = (0.0, 0.0);
            for (i, &sample) in back[4000..].iter().enumerate() {
                re += f64::from(sample) * (step * i as f64).cos();
                im += f64::from(sample) * (step * i as f64).sin();
            }
            let level = 2.0 * (re * re + im * im).sqrt() / 4000.0;
            assert!((7200.0..8800.0).contains(&level), "{frequency} Hz: {level}");
        }
    }
}
