//! The binary. Everything it does is in the crate `cli`.

fn main() -> std::process::ExitCode {
    cli::main()
}
