//! The import `config`: what the operator set, and what is enforced.

use crate::runtime::bindings::parlor::bot::config as wit;
use crate::runtime::convert::{config_value_to_wit, limits_to_wit};
use crate::runtime::store::StoreData;

impl wit::Host for StoreData {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<wit::Value>> {
        Ok(self.plugin.config.get(&key).map(config_value_to_wit))
    }

    fn enforced(&mut self) -> wasmtime::Result<wit::Limits> {
        Ok(limits_to_wit(&self.plugin.limits))
    }
}
