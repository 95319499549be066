"""Words of digests."""

WORDS = {
    "digests.title": ("Digests", "סיכומים"),
    "digests.what": (
        "What happened of a day or a week, in a mail or for a program. Each goes on where the last ended.",
        "מה אירע ביום או בשבוע, בדואר או לתוכנה. כל סיכום ממשיך מהמקום שבו הסתיים הקודם.",
    ),
    "digests.none": (
        "No digests are configured: [[digests]] in the configuration.",
        "לא הוגדרו סיכומים: [[digests]] בקובץ ההגדרות.",
    ),
    "digests.gone": ("There is no digest of this name any more.", "כבר אין סיכום בשם הזה."),
    "digests.covers.day": ("daily", "יומי"),
    "digests.covers.week": ("weekly", "שבועי"),
    "digests.next": ("next {at}", "הבא: {at}"),
    "digests.told": ("told until {at}", "נמסר עד {at}"),
    "digests.new": ("none yet", "עדיין לא נמסר"),
    "digests.to": ("to", "אל"),
    "digests.last": ("the last one", "הסיכום האחרון"),
    "digests.preview": ("What it would say now", "מה הוא היה אומר עכשיו"),
    "digests.preview_of": ("{name}: what it would say now", "{name}: מה הוא היה אומר עכשיו"),
}
