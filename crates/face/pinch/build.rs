//! Asks the linker for functions of the C library that the standard library uses where they are there. Into a static
//! binary they come only by name; without them a process is started by copying this one (`fork`), not beside it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for function in ["gnu_get_libc_version", "posix_spawn_file_actions_addchdir_np"] {
        println!("cargo:rustc-link-arg-bins=-Wl,-u,{function}");
    }
}
