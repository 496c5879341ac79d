//! Emoji shortcodes and the signs they stand for.

// `up` and `dn` are LSEG Messenger's arrows.
const TABLE: &[(&str, &str)] = &[
    ("+1", "👍"),
    ("-1", "👎"),
    ("100", "💯"),
    ("alarm_clock", "⏰"),
    ("arrow_down", "⬇️"),
    ("arrow_left", "⬅️"),
    ("arrow_right", "➡️"),
    ("arrow_up", "⬆️"),
    ("bar_chart", "📊"),
    ("beer", "🍺"),
    ("bell", "🔔"),
    ("birthday", "🎂"),
    ("blush", "😊"),
    ("book", "📖"),
    ("bug", "🐛"),
    ("bulb", "💡"),
    ("calendar", "📅"),
    ("chart_with_downwards_trend", "📉"),
    ("chart_with_upwards_trend", "📈"),
    ("check", "✅"),
    ("clap", "👏"),
    ("coffee", "☕"),
    ("confused", "😕"),
    ("construction", "🚧"),
    ("cry", "😢"),
    ("disappointed", "😞"),
    ("dn", "🔻"),
    ("down", "🔻"),
    ("email", "📧"),
    ("euro", "💶"),
    ("exclamation", "❗"),
    ("eyes", "👀"),
    ("fire", "🔥"),
    ("grin", "😁"),
    ("grinning", "😀"),
    ("hammer", "🔨"),
    ("heart", "❤️"),
    ("heavy_check_mark", "✔️"),
    ("hourglass", "⌛"),
    ("information_source", "ℹ️"),
    ("joy", "😂"),
    ("key", "🔑"),
    ("laughing", "😆"),
    ("link", "🔗"),
    ("lock", "🔒"),
    ("mag", "🔍"),
    ("memo", "📝"),
    ("moneybag", "💰"),
    ("muscle", "💪"),
    ("no_entry", "⛔"),
    ("ok", "🆗"),
    ("ok_hand", "👌"),
    ("open_mouth", "😮"),
    ("package", "📦"),
    ("paperclip", "📎"),
    ("phone", "☎️"),
    ("pizza", "🍕"),
    ("pray", "🙏"),
    ("pushpin", "📌"),
    ("question", "❓"),
    ("rage", "😡"),
    ("raised_hands", "🙌"),
    ("red_circle", "🔴"),
    ("robot", "🤖"),
    ("rocket", "🚀"),
    ("rotating_light", "🚨"),
    ("scream", "😱"),
    ("slight_smile", "🙂"),
    ("smile", "😄"),
    ("smiley", "😃"),
    ("sob", "😭"),
    ("sparkles", "✨"),
    ("star", "⭐"),
    ("stop_sign", "🛑"),
    ("sunglasses", "😎"),
    ("sunny", "☀️"),
    ("sweat_smile", "😅"),
    ("tada", "🎉"),
    ("thinking", "🤔"),
    ("thumbsdown", "👎"),
    ("thumbsup", "👍"),
    ("trophy", "🏆"),
    ("unlock", "🔓"),
    ("up", "🔺"),
    ("warning", "⚠️"),
    ("wave", "👋"),
    ("white_check_mark", "✅"),
    ("wink", "😉"),
    ("wrench", "🔧"),
    ("x", "❌"),
    ("yum", "😋"),
    ("zap", "⚡"),
];

/// Gives the sign of a shortcode, with or without its colons.
pub fn emoji(code: &str) -> Option<&'static str> {
    let code = code.trim_matches(':');
    TABLE
        .binary_search_by_key(&code, |(name, _)| name)
        .ok()
        .and_then(|place| TABLE.get(place))
        .map(|(_, sign)| *sign)
}

/// Every shortcode with its sign.
pub fn emojis() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().copied()
}

/// Gives the first shortcode of a sign.
pub fn shortcode(sign: &str) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|(_, known)| *known == sign)
        .map(|(code, _)| *code)
}
