//! `tongdai-media`: the media engine's process, and that of its subcommand.

use media_engine::{args, control, decode};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--version") {
        println!("tongdai-media {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{}", args::USAGE);
        return ExitCode::SUCCESS;
    }
    if let Some(("decode", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return decode::main(rest);
    }
    let args = match args::parse(arguments) {
        Ok(args) => args,
        Err(error) => {
            eprint!("tongdai-media: {error}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match control::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tongdai-media: {error}");
            ExitCode::FAILURE
        }
    }
}
