//! What goes over the command channel: msgpack maps in frames of a 4-byte length (docs/engine.md).

mod commands;
mod events;
mod protection;
mod replies;
mod stats;

pub use commands::{
    Both, CodecEntry, Command, Direction, EventEntry, FileFormat, ForeignEntry, NoiseEntry, OPS,
    RecordCommand, RemoteCommand, Source, Target, ToneName,
};
pub use events::{Event, Lack, Numbered, PlayEnd, RecordEnd};
pub use protection::{DtlsEntry, IceEntry, Secret, Setup, SrtpEntry};
pub use replies::{Body, ErrorCode, Grant, Listed, Refusal};
pub use stats::{EngineStats, SessionStats};

use serde::{Deserialize, Serialize};

/// The version of the contract.
pub const PROTO: u32 = 1;
/// Largest frame that is accepted.
pub const MAX_FRAME: usize = 1 << 20;

/// A frame around `message`.
pub fn frame(message: &impl Serialize) -> Vec<u8> {
    let mut out = vec![0; 4];
    // Writing plain data into memory cannot fail.
    if rmp_serde::encode::write_named(&mut out, message).is_err() {
        out.truncate(4);
    }
    let length = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// Deepest nesting that is accepted, so that no frame can use up the stack.
const MAX_DEPTH: usize = 16;

/// Reads the content of a frame.
pub fn read<'a, T: Deserialize<'a>>(content: &'a [u8]) -> Result<T, rmp_serde::decode::Error> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(content);
    deserializer.set_max_depth(MAX_DEPTH);
    T::deserialize(&mut deserializer)
}

/// What every command has, read first so that an error can be answered.
#[derive(Clone, Debug, Deserialize)]
pub struct Envelope {
    #[serde(default)]
    pub op: Option<String>,
    #[serde(default)]
    pub id: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<Envelope>(&bytes);
            let _ = read::<Command>(&bytes);
        }

        #[test]
        fn a_damaged_command_is_read_without_panic(at in 0usize..200, byte: u8) {
            let source = Source::Session { session: "another".into() };
            let mut bytes = frame(&Command::Hear { session: "one".into(), source }).split_off(4);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read::<Envelope>(&bytes);
            let _ = read::<Command>(&bytes);
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert!(read::<Envelope>(&vec![0x91; MAX_FRAME]).is_err());
        let mut bytes = vec![0x82, 0xa2, b'o', b'p', 0xa4, b'l', b'i', b's', b't', 0xa1, b'x'];
        bytes.extend(vec![0x91; MAX_FRAME / 2]);
        assert!(read::<Envelope>(&bytes).is_err());
        assert!(read::<Command>(&bytes).is_err());
    }
}
