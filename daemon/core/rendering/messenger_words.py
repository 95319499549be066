"""What messengers say of a chat that takes nothing, in words for people: pattern, English, Hebrew. Pure."""

OF_MESSENGERS = (
    (
        r"^Telegram: .*give chat_id = (-?\d+)",
        ("the group in Telegram has another number: {}", "לקבוצה בטלגרם מספר חדש: {}"),
    ),
    (
        r"^Telegram: .*\b(?:blocked|kicked|deactivated)\b",
        ("the bot was blocked there, or removed", "הבוט נחסם שם או הוסר"),
    ),
    (
        r"^Telegram: (?:Unauthorized|Not Found)",
        ("Telegram does not know the bot", "טלגרם אינה מכירה את הבוט"),
    ),
    (
        r"^Telegram: .*(?:too many|retry)",
        ("it asks us to wait", "הוא מבקש להמתין"),
    ),
    (
        r"^Telegram: ",
        ("the chat in Telegram takes nothing", "הצ׳אט בטלגרם אינו מקבל הודעות"),
    ),
    (
        r"^Slack: ",
        ("the channel in Slack takes nothing", "הערוץ בסלאק אינו מקבל הודעות"),
    ),
    (r"^ntfy: limit", ("it asks us to wait", "הוא מבקש להמתין")),
    (r"^ntfy: (?:unauthorized|forbidden)", ("it does not let us in", "הכניסה אליו נדחתה")),
    (r"^ntfy: ", ("its server takes nothing", "השרת שלו אינו מקבל הודעות")),
    (
        r"^no answer of (?:Telegram|ntfy)'s",
        ("something in between answers in its place", "משהו בדרך עונה במקומו"),
    ),
)
"""Tried before what all endpoints say: these begin with the name of the service."""
