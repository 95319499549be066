"""Words of those who are to be called back."""

WORDS = {
    "missed.nav": ("Missed", "שלא נענו"),
    "missed.title": ("To be called back", "ממתינים לחזרה"),
    "missed.what": (
        "Who waited in a queue and was not answered. A line goes by itself when the same number is answered "
        "in a queue later, or is dialled by a campaign, and after a week.",
        "מי שהמתינו בתור ולא נענו. שורה נמחקת מעצמה כשאותו מספר נענה אחר כך בתור, כשקמפיין מחייג אליו, "
        "וכעבור שבוע.",
    ),
    "missed.none": ("Nobody is to be called back.", "אין למי לחזור."),
    "missed.queue": ("queue {queue}", "תור {queue}"),
    "missed.waited": ("waited {span}", "המתנה של {span}"),
    "missed.waited_between": ("waited {least} to {most}", "המתנה של {least} עד {most}"),
    "missed.calls.two": ("called twice", "התקשרו פעמיים"),
    "missed.calls.many": ("called {n} times", "התקשרו {n} פעמים"),
    "missed.asked": ("asked to be called back", "ביקשו שיחזרו אליהם"),
    "missed.note": ("Note", "הערה"),
    "missed.done": ("Done", "טופל"),
    "missed.done_of": ("{phone} was called back, or need not be", "חזרו אל {phone}, או שאין צורך"),
    "missed.closed": ("It is off the list.", "השורה הוסרה מהרשימה."),
    "missed.closed_already": ("It was off the list already.", "השורה כבר הוסרה קודם."),
    "missed.today": ("Today", "היום"),
    "missed.figures": (
        "{answered} answered, {abandoned} not",
        "נענו: {answered}, לא נענו: {abandoned}",
    ),
    "missed.unknown.one": ("of one more it is not known", "על מתקשר נוסף אחד לא ידוע"),
    "missed.unknown.two": ("of two more it is not known", "על שני מתקשרים נוספים לא ידוע"),
    "missed.unknown.many": ("of {n} more it is not known", "על {n} מתקשרים נוספים לא ידוע"),
    "missed.unseen.one": ("one more, not seen", "עוד אחד שלא נראה"),
    "missed.unseen.two": ("two more, not seen", "עוד שניים שלא נראו"),
    "missed.unseen.many": ("{n} more, not seen", "עוד {n} שלא נראו"),
    "missed.withheld.one": ("one withheld the number", "אחד עם מספר חסוי"),
    "missed.withheld.two": ("two withheld the number", "שניים עם מספר חסוי"),
    "missed.withheld.many": ("{n} withheld the number", "{n} עם מספר חסוי"),
    "missed.longest": ("the longest waited {span}", "ההמתנה הארוכה ביותר: {span}"),
    "missed.first": ("The first", "לתחילת הרשימה"),
    "missed.more": ("More", "עוד"),
}
