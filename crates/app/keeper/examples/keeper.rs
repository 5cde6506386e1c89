//! A keeper without the command line around it: `keeper FOLDER [REQUEST]`. For the keeper's own tests.
#![allow(clippy::print_stdout, reason = "a program for tests")]

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "--version") {
        return Ok(());
    }
    let home = keeper::Home::below(Path::new(arguments.first().ok_or("which folder?")?));
    let Some(request) = arguments.get(1) else {
        let program = std::env::current_exe()?;
        return Ok(keeper::run(keeper::Options { home, program, version: "test".into() })?);
    };
    let mut conversation = keeper::client::ask(&home.socket(), &serde_json::from_str(request)?)?;
    while let Some(answer) = conversation.next()? {
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}
