//! Settings: parlor.toml and plugins' own files, parsed whole and checked before a port opens.
