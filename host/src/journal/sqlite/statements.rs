//! The writer's prepared statements.

use rusqlite::{Connection, Statement};

macro_rules! statements {
    ($($name:ident: $sql:expr,)*) => {
        /// Everything that the writer runs for a message, prepared once.
        pub(super) struct Statements<'c> {
            $(pub(super) $name: Statement<'c>,)*
        }

        impl<'c> Statements<'c> {
            pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
                Ok(Self { $($name: connection.prepare($sql)?,)* })
            }
        }
    };
}

statements! {
    begin: "BEGIN IMMEDIATE",
    commit: "COMMIT",
    page_count: "PRAGMA page_count",
    freelist_count: "PRAGMA freelist_count",
    set_meta: "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",

    add_event: "INSERT INTO events (number, tenant, lane, stored_at, unrouted, event)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    route_event: "UPDATE events SET unrouted = NULL, event = ?2 WHERE number = ?1",
    add_delivery: "INSERT INTO deliveries (number, event, plugin, attempt, view, roles)
        VALUES (?1, ?2, ?3, 1, ?4, ?5)",
    finish_delivery: "UPDATE deliveries SET ended = 'done', ended_at = ?2, took_us = ?3,
        timers = ?4
        WHERE number = ?1",
    end_delivery: "UPDATE deliveries SET ended = ?2, ended_at = ?3, reason = ?4, detail = ?5
        WHERE number = ?1",
    set_attempt: "UPDATE deliveries SET attempt = ?2 WHERE number = ?1",

    add_part: "INSERT INTO parts (number, event, delivery, tenant, plugin, bot, conversation,
        place, part, urgency, state, attempts, action)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    add_broadcast_part: "INSERT INTO parts (number, event, delivery, tenant, plugin, bot,
        conversation, place, part, urgency, state, attempts, action, broadcast)
        SELECT ?1, event, delivery, tenant, plugin, bot, ?3, place, ?4, 'broadcast', 'queued', 0,
        '', number FROM broadcasts WHERE number = ?2",
    add_broadcast: "INSERT INTO broadcasts (number, event, delivery, tenant, plugin, bot, place,
        actions, parts_each, targets, target_count, expanded, sent, failed)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0)",
    expand_broadcast: "UPDATE broadcasts SET expanded = ?2 WHERE number = ?1",
    retarget_broadcast: "UPDATE broadcasts SET targets = ?2, target_count = ?3 WHERE number = ?1",
    count_broadcast: "UPDATE broadcasts SET sent = sent + ?2, failed = failed + ?3
        WHERE number = ?1",
    end_broadcast: "UPDATE broadcasts SET ended_at = ?2 WHERE number = ?1",
    send_part: "UPDATE parts SET state = 'sending', attempts = attempts + 1 WHERE number = ?1",
    queue_part: "UPDATE parts SET state = 'queued' WHERE number = ?1",
    end_part: "UPDATE parts SET state = ?2, ended_at = ?3, message = ?4, detail = ?5
        WHERE number = ?1",
    part_owner: "SELECT tenant, plugin, bot, conversation FROM parts WHERE number = ?1",

    add_request: "INSERT INTO requests
        (number, event, delivery, tenant, plugin, key, place, token, roles, bytes, request,
        stored_at, state, attempts)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'queued', 0)",
    mark_request: "UPDATE requests SET state = ?2, attempts = attempts + ?3 WHERE number = ?1",
    // What was sent is not needed any more; method and address stay for whoever reads the table.
    end_request: "UPDATE requests SET state = 'done', ended_at = ?2,
        request = json_remove(request, '$.body', '$.headers') WHERE number = ?1",

    set_timer: "INSERT OR REPLACE INTO timers
        (tenant, plugin, conversation, name, due_at, schedule, missed, payload, origin, parked)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
    cancel_timer: "DELETE FROM timers
        WHERE tenant = ?1 AND plugin = ?2 AND conversation = ?3 AND name = ?4",
    // A timer that was set anew since it was found due is left alone.
    rearm_timer: "UPDATE timers SET due_at = ?6
        WHERE tenant = ?1 AND plugin = ?2 AND conversation = ?3 AND name = ?4 AND due_at = ?5",
    end_timer: "DELETE FROM timers
        WHERE tenant = ?1 AND plugin = ?2 AND conversation = ?3 AND name = ?4 AND due_at = ?5",

    park_timers: "UPDATE timers SET parked = ?3 WHERE tenant = ?1 AND plugin = ?2 AND parked <> ?3",

    open_form: "INSERT OR REPLACE INTO forms (tenant, bot, message, ends_at, form)
        VALUES (?1, ?2, ?3, ?4, ?5)",
    get_form: "SELECT form FROM forms WHERE tenant = ?1 AND bot = ?2 AND message = ?3",
    set_form: "UPDATE forms SET form = ?4 WHERE tenant = ?1 AND bot = ?2 AND message = ?3",
    close_form: "DELETE FROM forms WHERE tenant = ?1 AND bot = ?2 AND message = ?3",
    name_message: "INSERT OR REPLACE INTO message_keys
        (tenant, plugin, key, bot, conversation, message, set_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    remember_message: "INSERT OR REPLACE INTO messages
        (tenant, plugin, bot, message, conversation, visibility, thread, set_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    name_file: "INSERT OR IGNORE INTO files (delivery, sha256) VALUES (?1, ?2)",
    join: "INSERT INTO joins (tenant, plugin, bot, conversation, count)
        VALUES (?1, ?2, ?3, ?4, max(?5, 0))
        ON CONFLICT DO UPDATE SET count = max(count + ?5, 0)",
    end_joins: "DELETE FROM joins WHERE tenant = ?1 AND plugin = ?2 AND bot = ?3
        AND conversation = ?4 AND count = 0",
    set_host_value: "INSERT OR REPLACE INTO host_values (name, value) VALUES (?1, ?2)",

    get_scope: "SELECT id, version, bytes FROM scopes
        WHERE tenant = ?1 AND plugin = ?2 AND scope = ?3",
    set_scope: "INSERT INTO scopes (id, tenant, plugin, scope, version, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, bytes = excluded.bytes",
    get_value: "SELECT value, version, expires_at FROM state WHERE scope = ?1 AND key = ?2",
    set_value: "INSERT INTO state (scope, key, value, version, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET value = excluded.value, version = excluded.version,
        expires_at = excluded.expires_at",
    delete_value: "DELETE FROM state WHERE scope = ?1 AND key = ?2",
}
