//! The corpora of fuzz/ once more: what strangers sent, in order, to every build. fuzz/run.sh searches for more.

#[path = "../../../fuzz/all.rs"]
mod all;

use std::path::Path;

/// Takes one input.
type Target = fn(&[u8]);

#[test]
fn what_the_fuzzers_kept_ends_nothing() {
    let targets: [(&str, Target); 7] = [
        ("stun", all::stun),
        ("dtls", all::dtls),
        ("rtp", all::rtp),
        ("rtcp", all::rtcp),
        ("srtp", all::srtp),
        ("command", all::command),
        ("decode", all::decode),
    ];
    for (name, target) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!files.is_empty(), "{} holds nothing", folder.display());
        for file in files {
            target(&std::fs::read(file).unwrap());
        }
    }
}
