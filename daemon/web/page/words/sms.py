"""Words of the SMS inbox."""

WORDS = {
    "sms.title": ("SMS", "מסרונים"),
    "sms.none": (
        "No SMS has come in yet. Each one will stand here as soon as it is seen.",
        "עדיין לא התקבלו מסרונים. כל מסרון יופיע כאן ברגע שייראה.",
    ),
    "sms.no_match": ("No SMS matches this.", "אין מסרון שמתאים לסינון."),
    "sms.sender": ("Sender", "שולח"),
    "sms.sender_hint": ("A phone in any spelling, or a name.", "מספר טלפון בכל צורת כתיבה, או שם."),
    "sms.search": ("Search in the texts", "חיפוש בתוכן המסרונים"),
    "sms.since": ("From", "מתאריך"),
    "sms.until": ("Until", "עד תאריך"),
    "sms.all": ("All senders", "כל השולחים"),
    "sms.newest": ("Newest", "לחדשים ביותר"),
    "sms.window": (
        "By sender: the {n} messages from {first} to {last}. The dates are those on which they were seen.",
        "לפי שולח: {n} המסרונים שבין {first} ל-{last}. התאריכים הם של המועד שבו נראו.",
    ),
    "sms.many.one": ("one message", "מסרון אחד"),
    "sms.many.two": ("two messages", "שני מסרונים"),
    "sms.many.many": ("{n} messages", "{n} מסרונים"),
    "sms.from": ("SMS from {sender}", "מסרונים מאת {sender}"),
    "sms.to": ("to {recipient}", "אל {recipient}"),
    "sms.seen": ("seen {at}", "נראה {at}"),
    "sms.ambiguous": ("or an hour earlier: the clocks went back", "או שעה קודם לכן: השעון הוזז לאחור"),
    "sms.undated": ("without a date of its own", "ללא תאריך משלו"),
    "sms.code": ("One-time code", "קוד חד-פעמי"),
    "sms.whole": ("{n} characters; show all", "{n} תווים; הצגת הכול"),
    "sms.hidden": (
        "The texts are hidden. A token with the scope content shows them.",
        "תוכן המסרונים מוסתר. אסימון בעל ההרשאה content מציג אותו.",
    ),
    "sms.wrong": ("{what} is no date, such as 2026-11-23.", "{what} אינו תאריך, למשל 2026-11-23."),
}
