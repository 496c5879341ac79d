//! The `parlor` command.

use parlor_host::runtime::compile;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments
        .next()
        .is_some_and(|verb| verb == compile::COMPILE_VERB)
    {
        std::process::exit(compile::child_main(arguments));
    }
}
