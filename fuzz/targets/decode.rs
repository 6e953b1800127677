#![no_main]

#[path = "../all.rs"]
mod all;

libfuzzer_sys::fuzz_target!(|data: &[u8]| all::decode(data));
