//! wasmtime alone: the same settings that matter for speed, WASI with its defaults, nothing counted.

use parlor_host::runtime::bindings::parlor::bot as wit;
use parlor_host::runtime::bindings::{Plugin, PluginPre};
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// What a raw store holds.
pub(crate) struct Data {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// A component and its engine.
pub(crate) struct Raw {
    pub(crate) pre: PluginPre<Data>,
    engine: Engine,
}

impl Raw {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut config = Config::new();
        let mut pool = PoolingAllocationConfig::new();
        pool.linear_memory_keep_resident(64 * 1024)
            .table_keep_resident(16 * 1024);
        config
            .concurrency_support(false)
            .epoch_interruption(true)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::new(&engine, bytes).expect("compiles");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("links");
        Plugin::add_to_linker::<_, HasSelf<Data>>(&mut linker, |data| data).expect("links");
        let pre = linker.instantiate_pre(&component).expect("links");
        Self {
            pre: PluginPre::new(pre).expect("a plugin"),
            engine,
        }
    }

    pub(crate) async fn start(&self) -> (Store<Data>, Plugin) {
        let data = Data {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(&self.engine, data);
        store.set_epoch_deadline(u64::MAX / 2);
        let plugin = self.pre.instantiate_async(&mut store).await;
        (store, plugin.expect("starts"))
    }
}

/// The event of the other side, as the contract has it.
pub(crate) fn event() -> wit::events::Event {
    wit::events::Event {
        id: "local:room-1:17".to_owned(),
        sequence: 17,
        attempt: 1,
        occurred_at: 1_790_000_000_000,
        received_at: 1_790_000_000_001,
        bot: Some(wit::events::Bot {
            name: "desk".to_owned(),
            platform: "local".to_owned(),
            user_id: "u-bot".to_owned(),
            display_name: "Desk".to_owned(),
        }),
        conversation: Some(wit::events::Conversation {
            id: "room-1".to_owned(),
            kind: wit::events::ConversationKind::Room,
            name: Some("Lobby".to_owned()),
            external: false,
            cross_pod: false,
            thread: None,
        }),
        actor: Some(wit::events::User {
            id: "u-1".to_owned(),
            display_name: "Ann".to_owned(),
            user_name: Some("ann".to_owned()),
            first_name: None,
            last_name: None,
            email: Some("ann@example.com".to_owned()),
            time_zone: None,
            locale: None,
            kind: wit::events::UserKind::Human,
            role_here: wit::events::ConversationRole::Member,
            roles: Vec::new(),
        }),
        addressing: wit::events::Addressing::Ambient,
        cause: None,
        depth: 0,
        trace_id: "0123456789abcdef".to_owned(),
        extras: Vec::new(),
        raw: None,
        payload: wit::events::EventPayload::Message(wit::events::MessageReceived {
            message: wit::events::Message {
                id: "m-17".to_owned(),
                text: "hello there".to_owned(),
                content: Vec::new(),
                mentions: Vec::new(),
                cashtags: Vec::new(),
                hashtags: Vec::new(),
                entities: Vec::new(),
                attachments: Vec::new(),
                reply_to: None,
                quoted: None,
                visibility: wit::events::Visibility::All,
            },
            arguments: Vec::new(),
        }),
    }
}

impl wit::content::Host for Data {}
impl wit::events::Host for Data {}
impl wit::actions::Host for Data {}
impl wit::description::Host for Data {}

impl wit::log::Host for Data {
    fn write(&mut self, _level: wit::log::Level, _text: String) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl wit::directory::Host for Data {
    async fn find_conversation(
        &mut self,
        _bot: String,
        _name: String,
    ) -> wasmtime::Result<Result<wit::events::Conversation, wit::directory::ReadError>> {
        unused()
    }
    async fn conversations(
        &mut self,
        _bot: String,
        _cursor: Option<String>,
        _as_user: Option<String>,
    ) -> wasmtime::Result<Result<wit::directory::ConversationPage, wit::directory::ReadError>> {
        unused()
    }
    async fn members(
        &mut self,
        _conversation: String,
        _cursor: Option<String>,
    ) -> wasmtime::Result<Result<wit::directory::UserPage, wit::directory::ReadError>> {
        unused()
    }
    async fn find_user(
        &mut self,
        _bot: String,
        _name: String,
    ) -> wasmtime::Result<Result<wit::events::User, wit::directory::ReadError>> {
        unused()
    }
    async fn contact(
        &mut self,
        _user: String,
        _as_user: Option<String>,
    ) -> wasmtime::Result<Result<wit::directory::ContactStatus, wit::directory::ReadError>> {
        unused()
    }
    async fn presence(
        &mut self,
        _user: String,
        _as_user: Option<String>,
    ) -> wasmtime::Result<Result<wit::events::PresenceStatus, wit::directory::ReadError>> {
        unused()
    }
    async fn message(
        &mut self,
        _id: String,
    ) -> wasmtime::Result<Result<wit::directory::PastMessage, wit::directory::ReadError>> {
        unused()
    }
    async fn history(
        &mut self,
        _conversation: String,
        _before: Option<wit::content::Timestamp>,
        _count: u32,
    ) -> wasmtime::Result<Result<Vec<wit::directory::PastMessage>, wit::directory::ReadError>> {
        unused()
    }
    async fn attachment(
        &mut self,
        _id: String,
        _offset: u64,
    ) -> wasmtime::Result<Result<wit::directory::Chunk, wit::directory::ReadError>> {
        unused()
    }
    async fn transfer_targets(
        &mut self,
        _conversation: String,
    ) -> wasmtime::Result<Result<Vec<wit::directory::TransferOption>, wit::directory::ReadError>>
    {
        unused()
    }
    async fn capabilities(
        &mut self,
        _conversation: String,
    ) -> wasmtime::Result<Result<wit::directory::ConversationCapabilities, wit::directory::ReadError>>
    {
        unused()
    }
}

impl wit::state::Host for Data {
    async fn get(
        &mut self,
        _scope: wit::state::Scope,
        _key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, wit::state::StateError>> {
        unused()
    }
    async fn keys(
        &mut self,
        _scope: wit::state::Scope,
        _prefix: String,
        _after: Option<String>,
    ) -> wasmtime::Result<Result<Vec<String>, wit::state::StateError>> {
        unused()
    }
    async fn set(
        &mut self,
        _scope: wit::state::Scope,
        _key: String,
        _value: Vec<u8>,
        _ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), wit::state::StateError>> {
        unused()
    }
    async fn delete(
        &mut self,
        _scope: wit::state::Scope,
        _key: String,
    ) -> wasmtime::Result<Result<(), wit::state::StateError>> {
        unused()
    }
    async fn add(
        &mut self,
        _scope: wit::state::Scope,
        _key: String,
        _delta: i64,
    ) -> wasmtime::Result<Result<(), wit::state::StateError>> {
        unused()
    }
}

impl wit::config::Host for Data {
    fn get(&mut self, _key: String) -> wasmtime::Result<Option<wit::config::Value>> {
        Ok(None)
    }
    fn enforced(&mut self) -> wasmtime::Result<wit::config::Limits> {
        unused()
    }
}

fn unused<T>() -> wasmtime::Result<T> {
    Err(wasmtime::Error::msg("not used by these guests"))
}
