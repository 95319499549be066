"""Words of the link by which the reader of a mail says that they have an incident."""

WORDS = {
    "acknowledge.title": ("I have it", "אישור טיפול"),
    "acknowledge.closed": ("This link leads nowhere", "הקישור אינו מוביל לשום מקום"),
    "acknowledge.unknown": (
        "It is not one of ours, or what it was for is not kept any more.",
        "הקישור אינו שלנו, או שמה שהוא הוביל אליו כבר אינו נשמר.",
    ),
    "acknowledge.over": (
        "It counted for a day from the mail on. Sign in, or use the link of a newer mail.",
        "הקישור היה בתוקף יממה מרגע שליחת הדואר. אפשר להיכנס לדף, או להשתמש בקישור מדואר חדש יותר.",
    ),
    "acknowledge.since": ("Goes on since {at}", "נמשך מאז {at}"),
    "acknowledge.ended": ("It is over, since {at}", "הסתיים, {at}"),
    "acknowledge.nothing": (
        "It is over, so there is nothing to take on.",
        "התקלה הסתיימה, ואין עוד במה לטפל.",
    ),
    "acknowledge.hint": (
        "Whoever was told of it will hear that you have it, once. Nobody is reminded any more, and nobody "
        "else is called, until it is over.",
        "מי שקיבל על כך הודעה יקבל הודעה אחת שהטיפול אצלך. עד לסיום לא יישלחו תזכורות, ואיש נוסף לא יוזעק.",
    ),
    "acknowledge.done": ("The others are told.", "האחרים מקבלים על כך הודעה."),
}
