//! Where each limit of the page is enforced: the row's first cell, the file below `host/src`, and the
//! constant or field there.

const LIMITS: &str = "model/limits.rs";
const TURN: &str = "runtime/turn.rs";
const REQUEST: &str = "runtime/turn/request.rs";
const STATE: &str = "runtime/host/state.rs";
const DESCRIBE: &str = "runtime/describe.rs";
const CONTENT: &str = "content/check.rs";
const LANES: &str = "runtime/lanes.rs";
const OUTBOX: &str = "outbox.rs";
const KEPT: &str = "journal/shared.rs";
const SECTIONS: &str = "config/sections.rs";
const RUNTIME: &str = "runtime/settings.rs";
const HOOKS: &str = "web/hooks.rs";

pub(super) const SOURCES: &[(&str, &str, &str)] = &[
    ("Memory of one instance", LIMITS, "memory_bytes"),
    ("Elements of its tables", LIMITS, "table_elements"),
    ("Processor time of one call", LIMITS, "cpu_ms"),
    ("Time of one call, waiting included", LIMITS, "deadline_ms"),
    ("Instances at one time", LIMITS, "instances"),
    ("Actions of one event", LIMITS, "actions"),
    ("Text of one message", LIMITS, "message_bytes"),
    ("One file", LIMITS, "attachment_bytes"),
    ("Files of one event", LIMITS, "attachments_bytes"),
    ("Conversations of one broadcast", LIMITS, "broadcast"),
    ("Key of an action", LIMITS, "action_key_bytes"),
    (
        "Log lines, stdout and stderr of one call",
        LIMITS,
        "log_bytes",
    ),
    ("Key of a value", LIMITS, "state_key_bytes"),
    ("Value", LIMITS, "state_value_bytes"),
    (
        "State of the plugin, keys and values",
        LIMITS,
        "state_bytes",
    ),
    ("Random bytes at once", LIMITS, "random_bytes"),
    ("Handles and resources of one instance", LIMITS, "handles"),
    ("HTTP requests of one call", LIMITS, "http_requests"),
    ("HTTP requests open at one time", LIMITS, "http_open"),
    ("Body of an answer", LIMITS, "http_body_bytes"),
    ("Headers of an HTTP message", LIMITS, "http_header_bytes"),
    ("Timers", LIMITS, "timers"),
    (
        "What the host copies out of one call",
        LIMITS,
        "result_bytes",
    ),
    ("Writes of state in one call", STATE, "WRITES"),
    ("Keys of state that one call reads", STATE, "KEYS"),
    ("Keys in one listing", STATE, "LISTED"),
    ("Payload of a timer", TURN, "TIMER_PAYLOAD_BYTES"),
    ("Name of a timer", TURN, "TIMER_NAME_BYTES"),
    (
        "Shortest period of a timer",
        "runtime/turn/schedule.rs",
        "MIN_EVERY_MS",
    ),
    (
        "Messages of one event, each target of a broadcast counted",
        TURN,
        "TURN_ROWS",
    ),
    ("Text of one event's actions", TURN, "TURN_BYTES"),
    ("Body of a request action", REQUEST, "REQUEST_BODY_BYTES"),
    (
        "Bodies of one event's request actions",
        REQUEST,
        "REQUESTS_BYTES",
    ),
    ("Headers of a request action", REQUEST, "REQUEST_HEADERS"),
    ("Time of a request action", REQUEST, "REQUEST_TIMEOUT_MS"),
    (
        "request actions that have not ended",
        REQUEST,
        "REQUESTS_WAITING",
    ),
    (
        "Body of the answer to a request action",
        "outbox/requests.rs",
        "RESPONSE_BODY_BYTES",
    ),
    ("Events that grow out of one another", TURN, "MAX_DEPTH"),
    (
        "Commands, settings, wishes: items of a list in describe",
        DESCRIBE,
        "ITEMS",
    ),
    ("Pattern of a command, key word", DESCRIBE, "PATTERN_BYTES"),
    ("Help, summary, reasons", DESCRIBE, "TEXT_BYTES"),
    ("Blocks", "content.rs", "MAX_BLOCKS"),
    ("Fields of a form", CONTENT, "MAX_FIELDS"),
    ("Choices of a field", CONTENT, "MAX_CHOICES"),
    ("Buttons of a row, card or form", CONTENT, "MAX_BUTTONS"),
    ("Columns of a table", CONTENT, "MAX_COLUMNS"),
    ("Id of a button or field", CONTENT, "MAX_ID_BYTES"),
    ("Deepest list", CONTENT, "MAX_INDENT"),
    ("Address", CONTENT, "MAX_URL_BYTES"),
    (
        "Pattern of a field",
        "content/forms.rs",
        "MAX_PATTERN_BYTES",
    ),
    ("Answer to a field", "content/forms.rs", "MAX_ANSWER_BYTES"),
    ("Time that a form is open", "outbox/forms.rs", "OPEN_MS"),
    (
        "Wrong answers to a question that the host asks",
        "content/dialog.rs",
        "MAX_TRIES",
    ),
    (
        "Silence while the host asks a form's questions",
        "content/dialog.rs",
        "SILENCE_MS",
    ),
    ("Tries of a delivery", LANES, "tries"),
    ("Time of those tries", LANES, "tries_within"),
    ("Deliveries that wait for one plugin", LANES, "count"),
    ("Events that wait for one plugin", LANES, "bytes"),
    (
        "Wait between two tries in quarantine, at most",
        "runtime/lanes/quarantine.rs",
        "MAX_WAIT",
    ),
    ("Tries of a message", OUTBOX, "tries"),
    ("Time of those tries of a message", OUTBOX, "tries_within"),
    (
        "Wait between two tries of a message, at most",
        OUTBOX,
        "max_wait",
    ),
    (
        "Wait before a platform is asked whether a message arrived",
        OUTBOX,
        "doubt_wait",
    ),
    (
        "Gap between two repeats of an edit that the platform cannot make",
        OUTBOX,
        "repost_gap",
    ),
    ("Answers of reads that are kept", "app/reads.rs", "KEEP"),
    ("Size", SECTIONS, "max_bytes"),
    (
        "Time that what is finished is kept",
        KEPT,
        "KEEP_FINISHED_MS",
    ),
    ("Time that dead letters are kept", KEPT, "KEEP_DEAD_MS"),
    (
        "Least time that what is finished is kept, however full it is",
        "journal/sqlite/prune.rs",
        "KEEP_LEAST_MS",
    ),
    (
        "Time that messages are known by their keys",
        KEPT,
        "KEEP_MESSAGE_KEYS_MS",
    ),
    ("Write-ahead log", "journal/sqlite/schema.rs", "WAL_BYTES"),
    ("Memory of all instances", SECTIONS, ""),
    ("Instances of all plugins", SECTIONS, "instances"),
    ("Calls at one time", SECTIONS, "calls"),
    ("HTTP requests at one time", SECTIONS, "http_requests"),
    (
        "Time that calls have to end when the host stops",
        SECTIONS,
        "grace",
    ),
    ("Idle time of an instance", LANES, "idle"),
    ("A component", "app/reload.rs", "MAX_WASM_BYTES"),
    ("Processor time of its compilation", RUNTIME, "cpu"),
    ("Memory of its compilation", RUNTIME, "memory_bytes"),
    ("Files in the plugin folder", "app/reload.rs", "MAX_FILES"),
    ("A settings file", "config.rs", "MAX_SETTINGS_BYTES"),
    (
        "A plugin's own settings file",
        "config/plugin.rs",
        "MAX_PLUGIN_FILE_BYTES",
    ),
    ("Probation of a new build", SECTIONS, "probation"),
    ("Body of a call", "web/hooks/config.rs", "MAX_BODY_BYTES"),
    ("Connections", HOOKS, "CONNECTIONS_MAX"),
    (
        "Large bodies at one time, of senders without a proof",
        HOOKS,
        "UNPROVED_MAX",
    ),
    (
        "Large bodies at one time, of senders with one",
        HOOKS,
        "PROVED_MAX",
    ),
    (
        "Large bodies at one time, of one path",
        HOOKS,
        "ONE_HOOK_MAX",
    ),
    (
        "Time for the head of a request",
        "web/serve.rs",
        "HEAD_WITHIN",
    ),
    (
        "Headers that are passed on",
        "web/hooks/check.rs",
        "HEADER_BYTES",
    ),
    ("Connections to the page", "web/page.rs", "CONNECTIONS_MAX"),
    (
        "Connections to the control socket",
        "app/control.rs",
        "CONNECTIONS",
    ),
];
