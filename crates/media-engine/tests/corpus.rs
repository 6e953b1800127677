//! The corpora of fuzz/ once more: what strangers sent, in order, to every build. fuzz/run.sh searches for more.

#[path = "../../../fuzz/all.rs"]
mod all;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Takes one input.
type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 7] = [
    ("stun", all::stun),
    ("dtls", all::dtls),
    ("rtp", all::rtp),
    ("rtcp", all::rtcp),
    ("srtp", all::srtp),
    ("command", all::command),
    ("decode", all::decode),
];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn replay(folder: &Path, target: Target) {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} holds nothing", folder.display());
    for file in files {
        target(&fs::read(file).unwrap());
    }
}

#[test]
fn what_the_fuzzers_began_with_and_found_ends_nothing() {
    for (name, target) in TARGETS {
        replay(&fuzz().join("corpus").join(name), target);
    }
}

/// What widened coverage in the long runs, but for handshakes: a thousand of them take a minute here. fuzz/run.sh begins with them.
#[test]
fn what_the_fuzzers_kept_ends_nothing() {
    let unpacked = std::env::temp_dir().join(format!("tongdai-corpus-{}", std::process::id()));
    fs::create_dir_all(&unpacked).unwrap();
    let tar =
        Command::new("tar").arg("-xJf").arg(fuzz().join("grown.tar.xz")).arg("-C").arg(&unpacked).status();
    assert!(tar.unwrap().success());
    for (name, target) in TARGETS.into_iter().filter(|(name, _)| *name != "dtls") {
        replay(&unpacked.join(name), target);
    }
    fs::remove_dir_all(unpacked).unwrap();
}
