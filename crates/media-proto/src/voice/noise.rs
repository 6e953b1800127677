//! Comfort noise (RFC 3389): what a peer that does not send its pauses says of the noise in them.

/// Reflection coefficients that are used; more make no difference to the ear.
const ORDER: usize = 12;
/// What is heard of a peer that described nothing yet: −70 dBov.
const FAINT: u8 = 70;

/// Noise of one level and colour.
#[derive(Clone, Debug)]
pub struct Noise {
    /// Root mean square of what drives the filter.
    drive: f32,
    reflections: [f32; ORDER],
    /// The backward errors of the lattice.
    lattice: [f32; ORDER + 1],
    random: u32,
}

impl Default for Noise {
    fn default() -> Self {
        let mut noise = Noise { drive: 0.0, reflections: [0.0; ORDER], lattice: [0.0; ORDER + 1], random: 1 };
        noise.describe(&[FAINT]);
        noise
    }
}

impl Noise {
    /// Takes a payload: the level in −dBov, then quantized reflection coefficients (RFC 3389 §3). An empty one changes nothing.
    pub fn describe(&mut self, payload: &[u8]) {
        let Some((&level, coefficients)) = payload.split_first() else { return };
        self.reflections = [0.0; ORDER];
        for (reflection, &code) in self.reflections.iter_mut().zip(coefficients) {
            *reflection = (258.0 * (f32::from(code) - 127.0) / 32_768.0).clamp(-0.99, 0.99);
        }
        let gain: f32 = self.reflections.iter().map(|k| 1.0 - k * k).product();
        self.drive = 32_767.0 * 10f32.powf(-f32::from(level & 0x7f) / 20.0) * gain.sqrt();
    }

    /// Makes some of it.
    pub fn fill(&mut self, out: &mut [i16]) {
        // A uniform distribution between −1 and 1 has a root mean square of 1/√3.
        let scale = self.drive * 3f32.sqrt() / 2_147_483_648.0;
        for sample in out {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 17;
            self.random ^= self.random << 5;
            let mut forward = self.random.cast_signed() as f32 * scale;
            for i in (0..ORDER).rev() {
                let k = self.reflections[i];
                forward -= k * self.lattice[i];
                self.lattice[i + 1] = self.lattice[i] + k * forward;
            }
            self.lattice[0] = forward;
            *sample = forward as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(payload: &[u8]) -> Vec<i16> {
        let mut noise = Noise::default();
        noise.describe(payload);
        let mut out = vec![0; 16_000];
        noise.fill(&mut out);
        out.split_off(1_000)
    }

    fn level(samples: &[i16]) -> f64 {
        let energy: f64 = samples.iter().map(|&x| f64::from(x).powi(2)).sum();
        20.0 * ((energy / samples.len() as f64).sqrt() / 32_767.0).log10()
    }

    #[test]
    fn it_has_the_level_that_was_described_whatever_its_colour() {
        for payload in [&[30u8][..], &[50], &[40, 40, 160, 127, 100], &[40, 230], &[35, 127, 220, 90]] {
            let level = level(&heard(payload));
            assert!((level + f64::from(payload[0])).abs() < 1.5, "{payload:?}: {level:.1} dB");
        }
    }

    #[test]
    fn its_colour_is_the_described_one() {
        let slope = |samples: &[i16]| {
            let product = |lag: usize| {
                samples.iter().zip(&samples[lag..]).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
            };
            product(1) / product(0)
        };
        assert!(slope(&heard(&[40])).abs() < 0.05);
        // The first reflection coefficient is the negative of the correlation of neighbours.
        let k = 258.0 * (40.0 - 127.0) / 32_768.0;
        assert!((slope(&heard(&[40, 40])) + k).abs() < 0.05);
    }

    #[test]
    fn any_payload_gives_something_finite() {
        for code in 0..=255u8 {
            assert_eq!(heard(&[20, code, code, 255 - code, code, code, code, code]).len(), 15_000);
        }
        assert!(level(&heard(&[])) < -65.0);
    }
}
