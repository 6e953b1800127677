//! Opus (RFC 6716) over RTP (RFC 7587): mono is sent, whatever comes is taken. The RTP clock is 48 kHz at every rate of sound.

use opusic_c::{self as lib, Application, Bandwidth, Bitrate, Channels, InbandFec, SampleRate};

/// Ticks of the RTP clock in a second.
pub const CLOCK: u32 = 48_000;

/// The longest packet (RFC 6716 §3.2.5): 120 ms, here at 48 kHz.
pub const MAX_SAMPLES: usize = 5760;

/// Room that a packet made here needs: 60 ms at the highest bit rate.
pub const MAX_PAYLOAD: usize = 1275;

/// How hard the encoder tries (0–10): the point behind which a core carries fewer calls and nobody hears more.
const COMPLEXITY: u8 = 5;

/// The share of loss that forward error correction is made for, in percent: before anything is known of it, and at least (so
/// that the first packet that is lost can be repaired) and at most.
const EXPECTED_LOSS: u8 = 10;
const LEAST_LOSS: u8 = 1;
const MOST_LOSS: u8 = 30;

/// What a receiver asked for in its `fmtp` (RFC 7587 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `useinbandfec`: it makes use of forward error correction.
    pub fec: bool,
    /// `usedtx`: it prefers silence not to be sent.
    pub dtx: bool,
    /// `cbr`: it prefers a constant bit rate.
    pub cbr: bool,
    /// `maxaveragebitrate`, 6000–510,000 bit/s.
    pub bitrate: Option<u32>,
    /// `maxplaybackrate`: sound above half of it is not heard. 8000–48,000 Hz.
    pub playback_rate: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { fec: false, dtx: false, cbr: false, bitrate: None, playback_rate: CLOCK }
    }
}

impl Settings {
    /// Reads an `fmtp`, as `useinbandfec=1;maxplaybackrate=16000`. What is unknown or makes no sense is as if it were not
    /// there. (`stereo` is what it would like; mono is always allowed. `sprop-` parameters tell of its own sending.)
    pub fn from_fmtp(fmtp: &str) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in fmtp.split(';').filter_map(|parameter| parameter.split_once('=')) {
            let Ok(value) = value.trim().parse::<u32>() else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "useinbandfec" => settings.fec = value == 1,
                "usedtx" => settings.dtx = value == 1,
                "cbr" => settings.cbr = value == 1,
                "maxaveragebitrate" => settings.bitrate = Some(value.clamp(6_000, 510_000)),
                "maxplaybackrate" => settings.playback_rate = value.clamp(8_000, CLOCK),
                _ => {}
            }
        }
        settings
    }

    fn bandwidth(self) -> Bandwidth {
        match self.playback_rate {
            ..12_000 => Bandwidth::Narrow,
            12_000..16_000 => Bandwidth::Medium,
            16_000..24_000 => Bandwidth::Wide,
            24_000..CLOCK => Bandwidth::Superwide,
            _ => Bandwidth::Full,
        }
    }

    fn bit_rate(self, rate: u32) -> u32 {
        let usual = match rate {
            ..=8_000 => 16_000,
            8_001..=16_000 => 24_000,
            _ => 48_000,
        };
        self.bitrate.map_or(usual, |most| most.min(usual))
    }
}

/// The rates of sound that the codec takes and gives, of those that are used here.
fn sample_rate(rate: u32) -> SampleRate {
    match rate {
        ..=8_000 => SampleRate::Hz8000,
        8_001..=16_000 => SampleRate::Hz16000,
        _ => SampleRate::Hz48000,
    }
}

/// How long a packet lasts, in ticks of the RTP clock; `None` when it is no Opus packet (RFC 6716 §3.1).
pub fn duration(payload: &[u8]) -> Option<u32> {
    let toc = *payload.first()?;
    let frame = match toc >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(payload.get(1)? & 0x3f),
    };
    let ticks = frame * frames;
    (1..=MAX_SAMPLES as u32).contains(&ticks).then_some(ticks)
}

/// Whether a packet only says that nothing is said (RFC 7587 §3.1.3): no frame of sound is in it.
pub fn is_silent(payload: &[u8]) -> bool {
    payload.len() <= 2
}

/// Whether a packet repeats something of the one before it: the LBRR flag of its first frame (RFC 6716 §4.2.3), in the middle
/// channel of a stereo one.
pub fn has_fec(payload: &[u8]) -> bool {
    let Some(&toc) = payload.first() else { return false };
    let frames = match toc >> 3 {
        config @ 0..12 => [1, 1, 2, 3][usize::from(config & 3)],
        12..16 => 1,
        _ => return false, // CELT has none
    };
    // With more than one frame the lengths of all but the last may stand before the first.
    let at = match toc & 3 {
        0 | 1 => 1,
        2 => 2 + usize::from(payload.get(1).is_some_and(|&length| length >= 252)),
        _ => return false, // code 3 may have padding and lengths of its own; it is not waited for
    };
    payload.get(at).is_some_and(|flags| flags >> (7 - frames) & 1 == 1)
}

/// The packet length (in ms) nearest below one that was asked for which a single frame can have.
pub fn frame_ms(ptime_ms: u32) -> u32 {
    match ptime_ms {
        ..=19 => 10,
        20..=39 => 20,
        40..=59 => 40,
        _ => 60,
    }
}

/// Sound to packets. The state goes through the whole life of a stream.
pub struct Encoder {
    inner: lib::Encoder,
    rate: u32,
    /// The share of loss that it reckons with, in percent; `None` when its receiver has no use for what is repeated.
    expected: Option<u8>,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder of mono sound of `rate` Hz (8000, 16,000 or 48,000). `None` when there is no memory.
    pub fn new(rate: u32, settings: Settings) -> Option<Encoder> {
        let mut inner = lib::Encoder::new(Channels::Mono, sample_rate(rate), Application::Voip).ok()?;
        let fec = if settings.fec { InbandFec::Mode1 } else { InbandFec::Off };
        let set = inner
            .set_bitrate(Bitrate::Value(settings.bit_rate(rate)))
            .and_then(|()| inner.set_complexity(COMPLEXITY))
            .and_then(|()| inner.set_max_bandwidth(settings.bandwidth()))
            .and_then(|()| inner.set_vbr(!settings.cbr))
            .and_then(|()| inner.set_dtx(settings.dtx))
            .and_then(|()| inner.set_inband_fec(fec))
            .and_then(|()| inner.set_packet_loss(if settings.fec { EXPECTED_LOSS } else { 0 }));
        debug_assert!(set.is_ok(), "{set:?}");
        Some(Encoder { inner, rate, expected: settings.fec.then_some(EXPECTED_LOSS) })
    }

    /// Reckons with the loss that its receiver reports (of 256, RFC 3550 §6.4.1): more at once, less by a quarter of the
    /// difference each time, since loss comes in bouts.
    pub fn expect_loss(&mut self, fraction: u8) {
        let Some(before) = self.expected else { return };
        let reported = (u16::from(fraction) * 100).div_ceil(256).min(u16::from(MOST_LOSS)) as u8;
        let expected = reported.max(before - (before - reported.min(before)).div_ceil(4)).max(LEAST_LOSS);
        if expected != before && self.inner.set_packet_loss(expected).is_ok() {
            self.expected = Some(expected);
        }
    }

    /// The rate of the sound that it takes.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Encodes one frame of 10, 20, 40 or 60 ms. 0: nothing needs to be sent, since nothing is said.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        // SAFETY: u16 has the size and alignment of i16, and every bit pattern is valid for both.
        let samples = unsafe { std::slice::from_raw_parts(samples.as_ptr().cast::<u16>(), samples.len()) };
        match self.inner.encode_to_slice(samples, payload) {
            Ok(length) if length > 2 => length,
            _ => 0,
        }
    }
}

/// Sound to packets of a file: every frame becomes one, silence too, and what comes late is no harm.
pub struct FileEncoder {
    inner: lib::Encoder,
}

impl std::fmt::Debug for FileEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileEncoder").finish_non_exhaustive()
    }
}

impl FileEncoder {
    /// An encoder of one or two channels of 8000 or 16,000 Hz, and what a player skips at the beginning, in ticks of 48 kHz.
    /// `None` when there is no memory.
    pub fn new(rate: u32, channels: u16) -> Option<(FileEncoder, u16)> {
        let (channels, times) = if channels == 2 { (Channels::Stereo, 2) } else { (Channels::Mono, 1) };
        let mut inner = lib::Encoder::new(channels, sample_rate(rate), Application::Voip).ok()?;
        inner.set_bitrate(Bitrate::Value(Settings::default().bit_rate(rate) * times)).ok()?;
        inner.set_complexity(COMPLEXITY).ok()?;
        let skip = inner.get_look_ahead().ok()? * (CLOCK / rate);
        Some((FileEncoder { inner }, skip as u16))
    }

    /// Encodes 20 ms of all channels in turn. 0: that failed.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        // SAFETY: u16 has the size and alignment of i16, and every bit pattern is valid for both.
        let samples = unsafe { std::slice::from_raw_parts(samples.as_ptr().cast::<u16>(), samples.len()) };
        self.inner.encode_to_slice(samples, payload).unwrap_or(0)
    }
}

/// Packets to sound. The state goes through the whole life of a stream.
pub struct Decoder {
    inner: lib::Decoder,
    rate: u32,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder to mono sound of `rate` Hz (8000, 16,000 or 48,000); stereo is mixed down. `None` when there is no memory.
    pub fn new(rate: u32) -> Option<Decoder> {
        let mut inner = lib::Decoder::new(Channels::Mono, sample_rate(rate)).ok()?;
        inner.set_phase_inversion_disabled(true).ok()?;
        Some(Decoder { inner, rate })
    }

    /// The rate of the sound that it gives.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Decodes a packet; returns how many samples it was. 0: it is not Opus, or longer than `samples`.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        match duration(payload) {
            Some(_) => self.run(payload, samples, false),
            None => 0,
        }
    }

    /// Fills `samples`, the place of a packet that was lost, from the packet behind it: with what that one repeats of it
    /// (forward error correction), else by concealment. A multiple of 10 ms; 0 when that failed.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> usize {
        self.run(next, samples, true)
    }

    /// Fills `samples`, the place of a packet that was lost, with what may have been there. A multiple of 10 ms.
    pub fn conceal(&mut self, samples: &mut [i16]) -> usize {
        self.run(&[], samples, false)
    }

    fn run(&mut self, payload: &[u8], samples: &mut [i16], fec: bool) -> usize {
        // SAFETY: u16 has the size and alignment of i16, and every bit pattern is valid for both.
        let samples =
            unsafe { std::slice::from_raw_parts_mut(samples.as_mut_ptr().cast::<u16>(), samples.len()) };
        self.inner.decode_to_slice(payload, samples, fec).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(frequency: f64, rate: u32, from: usize, samples: &mut [i16]) {
        let step = std::f64::consts::TAU * frequency / f64::from(rate);
        for (i, sample) in samples.iter_mut().enumerate() {
            *sample = ((step * (from + i) as f64).sin() * 8000.0) as i16;
        }
    }

    fn level(samples: &[i16], frequency: f64, rate: u32) -> f64 {
        let step = std::f64::consts::TAU * frequency / f64::from(rate);
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &sample) in samples.iter().enumerate() {
            re += f64::from(sample) * (step * i as f64).cos();
            im += f64::from(sample) * (step * i as f64).sin();
        }
        2.0 * (re * re + im * im).sqrt() / samples.len() as f64
    }

    /// Packets of 20 ms of a tone.
    fn packets(rate: u32, settings: Settings, count: usize) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(rate, settings).unwrap();
        let length = rate as usize / 50;
        (0..count)
            .map(|n| {
                let (mut frame, mut payload) = (vec![0; length], vec![0; MAX_PAYLOAD]);
                tone(500.0, rate, n * length, &mut frame);
                let size = encoder.encode(&frame, &mut payload);
                payload.truncate(size);
                payload
            })
            .collect()
    }

    #[test]
    fn a_tone_of_any_rate_is_heard_at_any_rate() {
        for from in [8_000, 16_000, 48_000] {
            let packets = packets(from, Settings::default(), 25);
            for to in [8_000u32, 16_000, 48_000] {
                let mut decoder = Decoder::new(to).unwrap();
                let mut sound = Vec::new();
                for packet in &packets {
                    assert_eq!(duration(packet), Some(960));
                    let mut frame = vec![0; MAX_SAMPLES];
                    let count = decoder.decode(packet, &mut frame);
                    assert_eq!(count, to as usize / 50);
                    sound.extend_from_slice(&frame[..count]);
                }
                let heard = level(&sound[sound.len() / 2..], 500.0, to);
                assert!((6800.0..9200.0).contains(&heard), "{from} → {to}: {heard}");
            }
        }
    }

    #[test]
    fn a_lost_packet_is_recovered_from_the_next_when_it_was_asked_for() {
        let settings = Settings::from_fmtp("useinbandfec=1");
        // A voice begins with the packet that is lost: nothing of it could be guessed.
        let mut encoder = Encoder::new(16_000, settings).unwrap();
        let packets: Vec<Vec<u8>> = (0..12)
            .map(|n| {
                let (mut frame, mut payload) = ([0; 320], [0; MAX_PAYLOAD]);
                if n >= 10 {
                    tone(300.0, 16_000, n * 320, &mut frame);
                }
                let size = encoder.encode(&frame, &mut payload);
                payload[..size].to_vec()
            })
            .collect();
        let (mut frame, mut levels) = ([0; 320], Vec::new());
        for fec in [true, false] {
            let mut decoder = Decoder::new(16_000).unwrap();
            for packet in &packets[..10] {
                decoder.decode(packet, &mut frame);
            }
            let count =
                if fec { decoder.recover(&packets[11], &mut frame) } else { decoder.conceal(&mut frame) };
            assert_eq!(count, 320);
            levels.push(level(&frame[160..], 300.0, 16_000));
        }
        assert!(levels[0] > 4000.0 && levels[1] < 500.0, "recovered, concealed: {levels:?}");
    }

    /// The octets of a second of something like a voice, and how many packets repeat the one before.
    fn repeated(settings: Settings, reports: &[u8]) -> (usize, usize) {
        let mut encoder = Encoder::new(16_000, settings).unwrap();
        reports.iter().for_each(|&fraction| encoder.expect_loss(fraction));
        let (mut octets, mut repeated) = (0, 0);
        for n in 0..50 {
            let (mut frame, mut payload) = ([0; 320], [0; MAX_PAYLOAD]);
            tone(200.0 + f64::from(n % 10) * 20.0, 16_000, n as usize * 320, &mut frame);
            let size = encoder.encode(&frame, &mut payload);
            octets += size;
            repeated += usize::from(has_fec(&payload[..size]));
        }
        (octets, repeated)
    }

    #[test]
    fn what_is_repeated_follows_the_loss_that_is_reported() {
        let fec = Settings::from_fmtp("useinbandfec=1");
        let (_, none) = repeated(Settings::default(), &[51, 51]);
        assert_eq!(none, 0, "nobody asked for it");
        let (_, at_first) = repeated(fec, &[]);
        assert!(at_first > 40, "{at_first} of 50");
        let (_, without_loss) = repeated(fec, &[0; 30]);
        assert!(without_loss > 40, "the first loss is repaired as well: {without_loss} of 50");
        let mut encoder = Encoder::new(16_000, fec).unwrap();
        let mut expected = |fraction| {
            encoder.expect_loss(fraction);
            encoder.expected.unwrap()
        };
        assert_eq!([expected(51), expected(0), expected(0), expected(255)], [20, 15, 11, 30]);
        for _ in 0..30 {
            expected(0);
        }
        assert_eq!(expected(0), 1);
    }

    #[test]
    fn silence_is_not_sent_to_one_who_prefers_that() {
        let mut encoder = Encoder::new(16_000, Settings::from_fmtp("usedtx=1")).unwrap();
        let mut payload = [0; MAX_PAYLOAD];
        let sent = (0..100).filter(|_| encoder.encode(&[0; 320], &mut payload) > 0).count();
        assert!(sent < 30, "{sent} of 100");
        let mut always = Encoder::new(16_000, Settings::default()).unwrap();
        assert!((0..100).all(|_| always.encode(&[0; 320], &mut payload) > 0));
    }

    #[test]
    fn settings_are_read_as_rfc_7587_has_them() {
        let read = Settings::from_fmtp(
            "maxplaybackrate=16000; sprop-stereo=1;stereo=1; maxaveragebitrate=20000;useinbandfec=1; usedtx=0",
        );
        assert_eq!(
            read,
            Settings { fec: true, bitrate: Some(20_000), playback_rate: 16_000, ..Settings::default() }
        );
        assert_eq!(Settings::from_fmtp("useinbandfec=x;;=;maxaveragebitrate=1").bitrate, Some(6_000));
        assert_eq!(Settings::from_fmtp(""), Settings::default());
    }

    #[test]
    fn the_bit_rate_and_the_bandwidth_are_kept_to() {
        let octets = |fmtp| {
            let packets = packets(16_000, Settings::from_fmtp(fmtp), 100);
            packets.iter().map(Vec::len).sum::<usize>()
        };
        assert!(octets("maxaveragebitrate=8000") < 2 * 1300);
        assert!(octets("maxaveragebitrate=8000") < octets("") / 2);
        let mut narrow = Encoder::new(48_000, Settings::from_fmtp("maxplaybackrate=8000")).unwrap();
        let (mut frame, mut payload) = ([0; 960], [0; MAX_PAYLOAD]);
        for n in 0..50 {
            tone(440.0, 48_000, n * 960, &mut frame);
            narrow.encode(&frame, &mut payload);
        }
        let config = payload[0] >> 3;
        assert!(matches!(config, 0..4 | 16..20), "narrow band, not configuration {config}");
    }

    #[test]
    fn stereo_is_mixed_down() {
        let mut stereo =
            lib::Encoder::new(Channels::Stereo, SampleRate::Hz48000, Application::Audio).unwrap();
        let mut decoder = Decoder::new(16_000).unwrap();
        let mut sound = Vec::new();
        for n in 0..25 {
            let mut mono = [0; 960];
            tone(500.0, 48_000, n * 960, &mut mono);
            let both: Vec<u16> = mono.iter().flat_map(|&sample| [sample as u16, sample as u16]).collect();
            let (mut payload, mut frame) = ([0; MAX_PAYLOAD], [0; 320]);
            let size = stereo.encode_to_slice(&both, &mut payload).unwrap();
            assert_eq!(decoder.decode(&payload[..size], &mut frame), 320);
            sound.extend(frame);
        }
        assert!(level(&sound[4000..], 500.0, 16_000) > 6500.0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut decoder = Decoder::new(16_000).unwrap();
            let mut samples = [0; MAX_SAMPLES / 3];
            let count = decoder.decode(&payload, &mut samples);
            if count > 0 {
                prop_assert_eq!(duration(&payload), Some(count as u32 * 3));
            }
            decoder.recover(&payload, &mut samples[..320]);
        }
    }
}
