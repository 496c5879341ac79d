//! The device that the platform delivers to: found by its name, or registered.

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::made_up_id;
use crate::connectors::webex::WebexConnector;
use crate::connectors::webex::api::{ApiError, Body, read};

/// The file with the device's name.
const NAME_FILE: &str = "device";

/// A device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::connectors::webex) struct Device {
    pub(super) name: String,
    pub(super) url: String,
    pub(in crate::connectors::webex) web_socket_url: String,
    modification_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Devices {
    devices: Vec<Device>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Catalog {
    service_links: std::collections::HashMap<String, String>,
}

impl WebexConnector {
    /// The bot's device, the newest of its name: as few as can be, because there are only so many.
    pub(super) async fn device(&self, discovery: &Url) -> Result<Device, ApiError> {
        let name = self.device_name();
        let (devices, known) = self.devices(discovery).await?;
        let own = known.into_iter().filter(|device| device.name == name);
        let newest = own.max_by(|one, other| one.modification_time.cmp(&other.modification_time));
        if let Some(device) = newest.filter(|device| !device.web_socket_url.is_empty()) {
            return Ok(device);
        }
        let body = json!({
            "deviceName": name,
            "deviceType": "DESKTOP",
            "localizedModel": "rust",
            "model": "rust",
            "name": name,
            "systemName": "parlor",
            "systemVersion": env!("CARGO_PKG_VERSION"),
        });
        let made = self
            .api
            .ask(Method::POST, devices, Body::Json(body))
            .await?;
        read(&made)
    }

    /// Where the bot's devices are, and all of them, those of other programs too.
    pub(in crate::connectors::webex) async fn devices(
        &self,
        discovery: &Url,
    ) -> Result<(Url, Vec<Device>), ApiError> {
        let url = self.devices_url(discovery).await?;
        let listed = self.api.ask(Method::GET, url.clone(), Body::None).await;
        let known: Devices = match listed {
            Ok(answer) => read(&answer)?,
            // This is how it says that there is none.
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Devices::default(),
            Err(error) => return Err(error),
        };
        Ok((url, known.devices))
    }

    /// Takes a device away; one that is gone is gone.
    pub(super) async fn drop_device(&self, device: &Device) {
        let Ok(url) = Url::parse(&device.url) else {
            return;
        };
        if let Err(error) = self.api.ask(Method::DELETE, url, Body::None).await {
            tracing::debug!(%error, "a device is not taken away");
        }
    }

    /// Where devices are: in the data centre that the bot's organisation is in, which is not the same
    /// for everybody. At another's a connection comes about and nothing ever arrives.
    async fn devices_url(&self, discovery: &Url) -> Result<Url, ApiError> {
        let mut url = discovery.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("catalog");
        }
        url.set_query(Some("format=hostmap"));
        let answer = self.api.ask(Method::GET, url, Body::None).await?;
        let catalog: Catalog = read(&answer)?;
        let wdm = catalog.service_links.get("wdm");
        let wdm = wdm.ok_or_else(|| ApiError::Nonsense("no `wdm` in the catalogue".to_owned()))?;
        let mut url = Url::parse(wdm).map_err(|error| ApiError::Nonsense(error.to_string()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("devices");
        }
        Ok(url)
    }

    /// A name that no other installation gives its bot, the same after a start.
    fn device_name(&self) -> String {
        let mut known = self.device.lock();
        if let Some(name) = &*known {
            return name.clone();
        }
        let file = self
            .config
            .folder
            .as_ref()
            .map(|folder| folder.join(NAME_FILE));
        let kept = file
            .as_ref()
            .and_then(|file| std::fs::read_to_string(file).ok());
        let kept = kept.map(|name| name.trim().to_owned());
        let name = kept.filter(|name| !name.is_empty()).unwrap_or_else(|| {
            let name = format!("parlor-{}-{}", self.name, &made_up_id()[..8]);
            if let Some(file) = &file
                && let Err(error) = std::fs::write(file, &name)
            {
                tracing::warn!(%error, "the device's name is not kept");
            }
            name
        });
        *known = Some(name.clone());
        name
    }
}
