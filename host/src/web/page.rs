//! The page's listener: three files, the WebSocket, and files of messages.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guard::Guard;
use super::limited::Limited;
use super::panel::PanelSource;
use super::{WebError, socket};
use crate::content::emojis;
use crate::mailbox::rooms::Rooms;

/// Pages open at one time.
pub const SOCKETS_MAX: usize = 64;
/// Connections open at one time.
pub const CONNECTIONS_MAX: usize = 256;
/// Bytes of one message from a page.
pub const FRAME_MAX: usize = 1024 * 1024;
/// How long the listener waits for its connections when it stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Nothing comes from anywhere else, and nothing runs but the page's own file.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A file of a message may do nothing at all.
const FILE_POLICY: &str = "default-src 'none'; sandbox";
/// Media types that a browser shows and that cannot hold scripts.
const SHOWN: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

const INDEX: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/page.css");
const MODEL: &str = include_str!("page/model.js");
const CONTENT: &str = include_str!("page/content.js");
const SCRIPT: &str = include_str!("page/page.js");
/// The host's own table of emojis, so that the page shows what other renderings show.
static EMOJI: LazyLock<String> = LazyLock::new(|| {
    let table: BTreeMap<&str, &str> = emojis().collect();
    let table = serde_json::to_string(&table).unwrap_or_else(|_| "{}".to_owned());
    format!("export default {table};\n")
});

/// Settings of the page's listener.
#[derive(Clone, Debug)]
pub struct PageConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The token that opens it; none makes one.
    pub token: Option<String>,
}

impl Default for PageConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8643)),
            token: None,
        }
    }
}

/// The page's listener, bound and not yet serving.
pub struct PageServer {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for PageServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

pub(super) struct Shared {
    pub(super) rooms: Arc<dyn Rooms>,
    pub(super) panel: Arc<dyn PanelSource>,
    /// How many pages speak as each user.
    pub(super) here: Mutex<HashMap<String, usize>>,
    pub(super) stop: CancellationToken,
    guard: Guard,
    sockets: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl PageServer {
    /// Binds the listener.
    ///
    /// # Errors
    /// When the address is not loopback or cannot be used.
    pub async fn bind(
        config: PageConfig,
        rooms: Arc<dyn Rooms>,
        panel: Arc<dyn PanelSource>,
    ) -> Result<Self, WebError> {
        if !config.listen.ip().is_loopback() {
            return Err(WebError::NotLoopback(config.listen.ip()));
        }
        let listen_error = |source| WebError::Listen {
            address: config.listen,
            source,
        };
        let listener = std::net::TcpListener::bind(config.listen).map_err(listen_error)?;
        listener.set_nonblocking(true).map_err(listen_error)?;
        Self::on(listener, config.token, rooms, panel)
    }

    /// Takes a listener that is bound and non-blocking; without a token one is made.
    ///
    /// # Errors
    /// When its address is not loopback.
    pub fn on(
        listener: std::net::TcpListener,
        token: Option<String>,
        rooms: Arc<dyn Rooms>,
        panel: Arc<dyn PanelSource>,
    ) -> Result<Self, WebError> {
        let unusable = |source| WebError::Listen {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            source,
        };
        let address = listener.local_addr().map_err(unusable)?;
        if !address.ip().is_loopback() {
            return Err(WebError::NotLoopback(address.ip()));
        }
        let listener = TcpListener::from_std(listener).map_err(unusable)?;
        let token = match token {
            Some(token) => token,
            None => Guard::new_token()?,
        };
        Ok(Self {
            listener,
            address,
            shared: Arc::new(Shared {
                rooms,
                panel,
                here: Mutex::default(),
                stop: CancellationToken::new(),
                guard: Guard::new(address, token),
                sockets: Arc::new(Semaphore::new(SOCKETS_MAX)),
                tasks: TaskTracker::new(),
            }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to open, with its token.
    pub fn url(&self) -> String {
        format!(
            "http://{}/?token={}",
            self.address,
            self.shared.guard.token()
        )
    }

    /// Serves until `stop` resolves, and then until its pages are told.
    ///
    /// # Errors
    /// When the listener ends by itself.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), WebError> {
        let shared = self.shared.clone();
        let cancel = shared.stop.clone();
        let told = cancel.clone();
        let router = Router::new()
            .route("/", get(index))
            .route("/page.css", get(|| text("text/css; charset=utf-8", STYLE)))
            .route(
                "/model.js",
                get(|| text("text/javascript; charset=utf-8", MODEL)),
            )
            .route(
                "/content.js",
                get(|| text("text/javascript; charset=utf-8", CONTENT)),
            )
            .route(
                "/emoji.js",
                get(|| text("text/javascript; charset=utf-8", EMOJI.as_str())),
            )
            .route(
                "/page.js",
                get(|| text("text/javascript; charset=utf-8", SCRIPT)),
            )
            // Browsers ask for it, and there is none.
            .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
            .route("/file/{id}", get(file))
            .route("/ws", get(upgrade))
            .layer(middleware::from_fn_with_state(shared.clone(), check))
            .with_state(shared.clone());
        let listener = Limited::new(self.listener, CONNECTIONS_MAX);
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            stop.await;
            told.cancel();
        });
        let result = tokio::select! {
            result = server.into_future() => result.map_err(WebError::Ended),
            // A connection that a browser keeps open must not hold up the stop.
            () = async { cancel.cancelled().await; tokio::time::sleep(STOP_WITHIN).await } => Ok(()),
        };
        cancel.cancel();
        shared.tasks.close();
        if tokio::time::timeout(STOP_WITHIN, shared.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("pages did not close in time");
        }
        result
    }
}

/// Lets a request through that has the right host, origin and cookie; hands out the cookie for the token.
async fn check(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let guard = &shared.guard;
    let headers = request.headers();
    if !guard.right_host(headers) || !guard.right_origin(headers) {
        return closed("This page answers to its own address only.");
    }
    let token = Query::<HashMap<String, String>>::try_from_uri(request.uri())
        .ok()
        .and_then(|query| query.get("token").cloned());
    if let Some(token) = token {
        if request.method() != Method::GET || !guard.right_token(&token) {
            return closed("This token opens nothing. Use the address that parlor printed.");
        }
        let mut response = StatusCode::SEE_OTHER.into_response();
        // The token must not stay in the address, its history or what is copied from it.
        response
            .headers_mut()
            .insert(LOCATION, HeaderValue::from_static("/"));
        if let Some(cookie) = guard.set_cookie() {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        return secured(response, POLICY);
    }
    if !guard.right_cookie(headers) {
        return closed("Open the address that parlor printed: it has the token.");
    }
    if request.uri().path().starts_with("/file/") {
        return secured(next.run(request).await, FILE_POLICY);
    }
    secured(next.run(request).await, POLICY)
}

fn closed(why: &'static str) -> Response {
    secured((StatusCode::FORBIDDEN, why).into_response(), POLICY)
}

fn secured(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn index() -> Response {
    text("text/html; charset=utf-8", INDEX).await
}

async fn text(kind: &'static str, body: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], body).into_response()
}

async fn file(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let user = query.get("as").map_or("", String::as_str);
    let Some(file) = shared.rooms.file(user, &id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let shown = SHOWN.iter().find(|kind| **kind == file.about.media_type);
    let name: String = file
        .about
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let how = if shown.is_some() {
        "inline"
    } else {
        "attachment"
    };
    let disposition = HeaderValue::from_str(&format!("{how}; filename=\"{name}\""));
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(shown.copied().unwrap_or("application/octet-stream")),
    );
    headers.insert(
        CONTENT_DISPOSITION,
        disposition.unwrap_or(HeaderValue::from_static("attachment")),
    );
    (headers, Body::from(file.bytes)).into_response()
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !shared.guard.own_origin(&headers) {
        return closed("This page answers to its own address only.");
    }
    let Ok(permit) = shared.sockets.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open.").into_response();
    };
    let tasks = shared.tasks.clone();
    upgrade
        .max_message_size(FRAME_MAX)
        .max_frame_size(FRAME_MAX)
        .on_upgrade(move |socket| {
            tasks.track_future(async move {
                socket::run(&shared, socket).await;
                drop(permit);
            })
        })
}
