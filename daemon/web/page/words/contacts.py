"""Words of contacts."""

WORDS = {
    "contacts.title": ("Contacts", "אנשי קשר"),
    "contacts.what": (
        "Names stand beside the numbers on this page, in mails and in messages. The number always stays: two "
        "people may have one name.",
        "השמות מוצגים ליד המספרים בדף הזה, בדואר ובהודעות. המספר תמיד נשאר: ייתכן ששני אנשים נקראים "
        "באותו שם.",
    ),
    "contacts.find": ("Name or number", "שם או מספר"),
    "contacts.all": ("All of them", "הצגת כולם"),
    "contacts.new": ("Add contacts", "הוספת אנשי קשר"),
    "contacts.add": ("Add it", "הוספה"),
    "contacts.field.number": ("Number", "מספר"),
    "contacts.hint.number": (
        "A phone in any spelling, a SIP account, an extension such as /5, or an agent as the queue shows it.",
        "טלפון בכל צורת כתיבה, חשבון SIP, שלוחה כמו ‎/5, או נציג כפי שהתור מציג אותו.",
    ),
    "contacts.field.name": ("Name", "שם"),
    "contacts.hint.name": (
        "It replaces the name that the number was given here before.",
        "הוא מחליף את השם שניתן כאן למספר קודם לכן.",
    ),
    "contacts.field.text": ("Many at once", "רבים בבת אחת"),
    "contacts.hint.text": (
        "The content of a CSV file, a number and a name on each line, or of a vCard file.",
        "תוכן של קובץ CSV, מספר ושם בכל שורה, או של קובץ vCard.",
    ),
    "contacts.bring_in": ("Bring them in", "ייבוא"),
    "contacts.wrong_lines": (
        "Nothing was brought in; these lines are wrong:",
        "דבר לא יובא; אלה השורות השגויות, באנגלית:",
    ),
    "contacts.nothing_in": ("There is no contact in it.", "אין כאן אף איש קשר."),
    "contacts.added": ("The name is kept.", "השם נשמר."),
    "contacts.hidden": (
        "The name is kept, but does not show: the configuration calls this number otherwise, which counts.",
        "השם נשמר, אך אינו מוצג: בהגדרות ניתן למספר הזה שם אחר, והוא הקובע.",
    ),
    "contacts.brought_in": ("The names are kept.", "השמות נשמרו."),
    "contacts.removed": ("The name is forgotten.", "השם נמחק."),
    "contacts.gone_already": ("It was forgotten already.", "השם כבר נמחק קודם."),
    "contacts.none": ("Nobody has a name yet.", "עדיין אין שמות."),
    "contacts.no_match": ("Nobody has this name or number.", "אין מי שזה שמו או מספרו."),
    "contacts.given": ("given by {author}, {at}", "ניתן בידי {author}, {at}"),
    "contacts.of.configuration": ("from [contacts] of the configuration", "מתוך [contacts] שבהגדרות"),
    "contacts.of.file": ("from the file contacts_file", "מתוך הקובץ contacts_file"),
    "contacts.of.store": ("given here", "ניתן כאן"),
    "contacts.shown_as": ("shows as {name}, {source}", "מוצג בשם {name}, {source}"),
    "contacts.remove": ("Forget it", "מחיקה"),
    "contacts.remove_of": ("Forget the name {name} of {number}", "מחיקת השם {name} של {number}"),
    "contacts.first": ("The first", "לתחילת הרשימה"),
    "contacts.more": ("More", "עוד"),
}
