//! Looks for keys in WAV files (8 kHz or more, 16 bit, mono): how often does speech or music sound like one?
//!
//!     cargo run --release -p media-proto --example talkoff -- FILE.wav...

use media_proto::inband::Detector;

fn main() {
    let (mut seconds, mut keys) = (0.0, 0);
    for path in std::env::args().skip(1) {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let rate = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
        let samples: Vec<i16> =
            bytes[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        // What is not of 8 kHz is played at the wrong speed: a voice all the same.
        seconds += samples.len() as f64 / f64::from(rate);
        let mut detector = Detector::default();
        for (n, frame) in samples.chunks(160).enumerate() {
            if let Some(key) = detector.hear(frame) {
                keys += 1;
                println!("{path}: {key} at {:.2} s", n as f64 * 160.0 / f64::from(rate));
            }
        }
    }
    println!("{keys} keys in {:.1} minutes", seconds / 60.0);
}
