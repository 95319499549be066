"""Words of campaigns that are followed to their end."""

WORDS = {
    "campaigns.title": ("The campaign", "הקמפיין"),
    "campaigns.of": ("Campaign", "קמפיין"),
    # How one stands, by the platform's word or by ours.
    "campaigns.is.RUNNING": ("runs", "פועל"),
    "campaigns.is.PAUSED": ("paused", "מושהה"),
    "campaigns.is.STOPPING": ("is being stopped", "בעצירה"),
    "campaigns.is.STOPPED": ("stopped", "נעצר"),
    "campaigns.is.FINISHED": ("over", "הסתיים"),
    "campaigns.is.none": ("how it stands is not known", "לא ידוע מה מצבו"),
    "campaigns.is.other": ("{status}", "{status}"),
    "campaigns.ended.finished": ("over", "הסתיים"),
    "campaigns.ended.stopped": ("stopped", "נעצר"),
    "campaigns.ended.unknown": ("how it ended is not known", "לא ידוע איך הסתיים"),
    "campaigns.unlearned": (
        "Yemot does not say how it stands. If that stays so for a day, it is reported as not known.",
        "ימות המשיח אינה מוסרת מה מצבו. אם כך יישאר במשך יממה, ידווח שסופו אינו ידוע.",
    ),
    "campaigns.look": (
        "Look at the campaigns and the units in the platform's own management: it may be dialling.",
        "כדאי לבדוק בניהול של הפלטפורמה את הקמפיינים ואת היחידות: ייתכן שהוא עדיין מחייג.",
    ),
    "campaigns.numbers": ("Numbers", "מספרים"),
    "campaigns.dialled": ("Calls made", "שיחות שבוצעו"),
    "campaigns.answered": ("Answered", "נענו"),
    "campaigns.failed": ("Numbers not reached", "מספרים שלא ענו"),
    "campaigns.price": ("Units it cost so far", "עלות ביחידות עד כה"),
    "campaigns.price.ended": ("Units it cost", "עלות ביחידות"),
    "campaigns.counted": ("Units of the day's budget", "יחידות מהתקציב היומי"),
    "campaigns.estimated": ("{n} (estimated {estimate})", "{n} (הערכה: {estimate})"),
    "campaigns.seen": ("Seen", "נבדק"),
    "campaigns.ended_at": ("Ended", "הסתיים"),
    "campaigns.unknown": ("not known", "לא ידוע"),
    "campaigns.id": ("Id of the platform", "מזהה בפלטפורמה"),
    # On the page of what is there now.
    "campaigns.now.answered": ("{answered} of {numbers} answered", "נענו {answered} מתוך {numbers}"),
    "campaigns.now.dialled": ("{n} calls made", "בוצעו {n} שיחות"),
    "campaigns.now.price": ("{n} units", "{n} יחידות"),
}
