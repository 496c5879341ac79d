//! Does what it is told with its state: `set`, `get`, `keys`, `delete`, `add`, in every scope; `fill` sets many
//! values, `page` tells of a page of keys, `own` of what a call sees of its own writes.

use parlor_sdk::prelude::*;
use parlor_sdk::state::Values;

/// The guest.
#[derive(Debug, Default)]
pub struct Guest;

#[behaviour(name = "state", summary = "Reads and writes its state")]
impl Guest {
    #[command("set {scope} {key} {value...}")]
    fn set(&mut self, scope: String, key: String, value: String) -> String {
        format!("{:?}", values(&scope).set(&key, value))
    }

    #[command("set-for {ms:int} {scope} {key} {value...}")]
    fn set_for(&mut self, ms: u64, scope: String, key: String, value: String) -> String {
        let time = std::time::Duration::from_millis(ms);
        format!("{:?}", values(&scope).set_for(&key, value, time))
    }

    #[command("get {scope} {key}")]
    fn get(&mut self, scope: String, key: String) -> String {
        format!("{:?}", values(&scope).text(&key))
    }

    #[command("keys {scope} {prefix?}")]
    fn keys(&mut self, scope: String, prefix: Option<String>) -> String {
        format!("{:?}", values(&scope).keys(prefix.as_deref().unwrap_or("")))
    }

    #[command("delete {scope} {key}")]
    fn delete(&mut self, scope: String, key: String) -> String {
        format!("{:?}", values(&scope).delete(&key))
    }

    #[command("add {scope} {key} {delta:int}")]
    fn add(&mut self, scope: String, key: String, delta: i64) -> String {
        format!("{:?}", values(&scope).add(&key, delta))
    }

    #[command("fill {scope} {prefix} {from:int} {count:int} {bytes:int}")]
    fn fill(
        &mut self,
        scope: String,
        prefix: String,
        from: u32,
        count: u32,
        bytes: usize,
    ) -> String {
        let value = vec![b'x'; bytes];
        for number in from..from + count {
            if let Err(error) = values(&scope).set(&format!("{prefix}{number:04}"), &value) {
                return format!("{error:?} at {number}");
            }
        }
        format!("{count} filled")
    }

    // How many there are in a page of keys, the first and the last.
    #[command("page {scope} {prefix} {after?}")]
    fn page(
        &mut self,
        scope: String,
        prefix: String,
        after: Option<String>,
    ) -> Result<String, Error> {
        let keys = match after {
            Some(after) => values(&scope).keys_after(&prefix, &after)?,
            None => values(&scope).keys(&prefix)?,
        };
        let (first, last) = (keys.first(), keys.last());
        Ok(format!("{} from {first:?} to {last:?}", keys.len()))
    }

    // What a call sees of its own writes before they are kept.
    #[command("own {scope} {key}")]
    fn own(&mut self, scope: String, key: String) -> Result<String, Error> {
        let values = values(&scope);
        values.set(&key, "new")?;
        let set = (values.text(&key)?, values.keys(&key)?);
        values.delete(&key)?;
        let deleted = (values.text(&key)?, values.keys(&key)?);
        Ok(format!("{set:?} {deleted:?}"))
    }

    // A write is seen by the call that made it, and gone when the call fails.
    #[command("fail {scope} {key} {value...}")]
    fn fail(&mut self, scope: String, key: String, value: String) -> Result<Reply, Error> {
        values(&scope).set(&key, &value)?;
        Err(Error::refused(format!("{:?}", values(&scope).text(&key))))
    }
}

fn values(scope: &str) -> Values {
    match scope {
        "plugin" => state::plugin(),
        "conversation" => state::conversation(),
        _ => state::user(),
    }
}
