//! The device that the platform delivers to: found by its name and refreshed, or registered.

use std::sync::atomic::{AtomicU32, Ordering};

use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::made_up_id;
use crate::connectors::webex::WebexConnector;
use crate::connectors::webex::api::{ApiError, Body, read};

/// The file with the device's name.
const NAME_FILE: &str = "device";
/// What of a device does not go back with a refresh (webex.md §10.1).
const NOT_SENT_BACK: [&str; 3] = ["features", "mediaCluster", "etag"];

/// What is known of the bot's device from one connection to the next.
#[derive(Debug, Default)]
pub(in super::super) struct DeviceState {
    name: Mutex<Option<String>>,
    /// Connections in a row that came to nothing.
    shorts: AtomicU32,
}

impl DeviceState {
    pub(super) fn shorts(&self) -> u32 {
        self.shorts.load(Ordering::Relaxed)
    }

    /// Notes the end of a connection: whether it was one, or came to nothing.
    pub(super) fn note_end(&self, has_lived: bool) {
        match has_lived {
            true => self.shorts.store(0, Ordering::Relaxed),
            false => {
                self.shorts.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A device.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::connectors::webex) struct Device {
    pub(super) name: String,
    pub(super) url: String,
    pub(in crate::connectors::webex) web_socket_url: String,
    modification_time: Option<String>,
}

/// A device with everything that was told of it.
struct Listed {
    device: Device,
    whole: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Devices {
    devices: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Catalog {
    service_links: std::collections::HashMap<String, String>,
}

impl WebexConnector {
    /// The bot's device, the newest of its name: as few as can be, because there are only so many. It
    /// is refreshed, and made anew where it is gone or `is_worn_out`.
    pub(super) async fn device(
        &self,
        discovery: &Url,
        is_worn_out: bool,
    ) -> Result<Device, ApiError> {
        let name = self.device_name();
        let (devices, known) = self.listed(discovery).await?;
        let own = known
            .into_iter()
            .filter(|listed| listed.device.name == name);
        let time = |listed: &Listed| listed.device.modification_time.clone();
        let newest = own.max_by(|one, other| time(one).cmp(&time(other)));
        if let Some(listed) = newest {
            if is_worn_out {
                tracing::warn!(
                    bot = self.name(),
                    "the device leads nowhere and is made anew"
                );
                self.drop_device(&listed.device).await;
            } else if let Some(device) = self.refreshed(listed).await? {
                return Ok(device);
            }
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
        self.device.note_end(true);
        read(&made)
    }

    /// Where the bot's devices are, and all of them, those of other programs too.
    pub(in crate::connectors::webex) async fn devices(
        &self,
        discovery: &Url,
    ) -> Result<(Url, Vec<Device>), ApiError> {
        let (url, known) = self.listed(discovery).await?;
        Ok((url, known.into_iter().map(|listed| listed.device).collect()))
    }

    async fn listed(&self, discovery: &Url) -> Result<(Url, Vec<Listed>), ApiError> {
        let url = self.devices_url(discovery).await?;
        let listed = self.api.ask(Method::GET, url.clone(), Body::None).await;
        let known: Devices = match listed {
            Ok(answer) => read(&answer)?,
            // This is how it says that there is none.
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Devices::default(),
            Err(error) => return Err(error),
        };
        let known = known.devices.into_iter().filter_map(|whole| {
            // One of another client need not be as ours are.
            let device = Device::deserialize(&whole).ok()?;
            Some(Listed { device, whole })
        });
        Ok((url, known.collect()))
    }

    /// A device as it is now, its address above all; none where it is gone.
    async fn refreshed(&self, listed: Listed) -> Result<Option<Device>, ApiError> {
        let Listed { device, mut whole } = listed;
        let is_usable = |device: &Device| !device.web_socket_url.is_empty();
        let Ok(url) = Url::parse(&device.url) else {
            return Ok(Some(device).filter(is_usable));
        };
        if let Some(members) = whole.as_object_mut() {
            members.retain(|name, _| !NOT_SENT_BACK.contains(&name.as_str()));
        }
        let refreshed = match self.api.ask(Method::PUT, url, Body::Json(whole)).await {
            Ok(answer) => read::<Device>(&answer).ok(),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(None),
            // It may have no refresh: where the address is over, the connection shows it.
            Err(error) if error.is_final() => {
                tracing::warn!(bot = self.name(), %error, "the device is not refreshed");
                None
            }
            Err(error) => return Err(error),
        };
        let refreshed = refreshed.filter(is_usable);
        Ok(refreshed.or(Some(device)).filter(is_usable))
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
        let mut known = self.device.name.lock();
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
