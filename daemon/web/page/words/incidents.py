"""Words of incidents: what was seen, who was told, and who was not and why."""

WORDS = {
    "incidents.title": ("Incidents", "תקלות"),
    "incidents.none": (
        "Nothing has fired yet. What fires will stand here, with who was told, and who was not and why.",
        "עדיין לא הייתה שום תקלה. כל תקלה שתהיה תופיע כאן: מי קיבל עליה הודעה, מי לא קיבל ולמה.",
    ),
    "incidents.no_match": ("No incident matches this.", "אין תקלה שמתאימה לסינון."),
    "incidents.all": ("Show all", "הצגת הכול"),
    "incidents.system": ("System", "מערכת"),
    "incidents.daemon": ("the daemon itself", "השרת עצמו"),
    "incidents.subject": ("Subject", "מה נבדק"),
    "incidents.subject_hint": (
        "Such as sip/0773137770; a phone in any spelling.",
        "למשל sip/0773137770; מספר טלפון בכל צורת כתיבה.",
    ),
    "incidents.state": ("State", "מצב"),
    "incidents.state.": ("all", "הכול"),
    "incidents.state.firing": ("firing now", "פעילות עכשיו"),
    "incidents.state.ended": ("ended", "הסתיימו"),
    "incidents.fired": ("fired {at}", "נפתחה {at}"),
    "incidents.lasts": ("has lasted {span}", "נמשכת כבר {span}"),
    "incidents.lasted": ("lasted {span}", "נמשכה {span}"),
    "incidents.newer": ("Newest", "לחדשות ביותר"),
    "incidents.is_firing": ("firing", "פעילה"),
    "incidents.is_over": ("over", "הסתיימה"),
    "incidents.is_blind": ("not seen at present", "אינה נראית כרגע"),
    "incidents.blind": (
        "The last answer said nothing of it: whether it still lasts is not known.",
        "התשובה האחרונה לא אמרה עליה דבר: לא ידוע אם היא עדיין נמשכת.",
    ),
    "incidents.subject_page": ("Its page", "לדף שלו"),
    "incidents.silence": ("Silence this", "השתקה"),
    "incidents.silence_hint": (
        "Leads to a form; nothing is silenced by the click.",
        "מוביל לטופס; הלחיצה עצמה אינה משתיקה דבר.",
    ),
    # Who has it, and what becomes of it where nobody has.
    "incidents.has": ("{by} has it, since {at}", "הטיפול אצל {by}, מאז {at}"),
    "incidents.has_until": ("until {at}", "עד {at}"),
    "incidents.nobody_has": ("Nobody has acknowledged it", "איש לא אישר טיפול"),
    "incidents.in_hand": ("In hand", "טיפול"),
    "incidents.acknowledged": ("{by} has it", "הטיפול אצל {by}"),
    "incidents.escalated": (
        "nobody had acknowledged it: escalated to {to}",
        "איש לא אישר טיפול: הועבר אל {to}",
    ),
    "incidents.coming": (
        "If nobody has it by {at}, {to} is told",
        "אם עד {at} לא יאושר טיפול, תישלח הודעה אל {to}",
    ),
    "incidents.coming_sometime": (
        "If nobody has it, {to} is told later; at present the time for that does not count",
        "אם לא יאושר טיפול תישלח הודעה אל {to} בהמשך; כרגע הזמן לכך אינו נספר",
    ),
    "incidents.acknowledge": ("I have it", "אישור טיפול"),
    "incidents.acknowledge_hint": (
        "Whoever was told of it hears that, once. Nobody is reminded, and it escalates no further, until it "
        "is over or the time is.",
        "מי שקיבל על כך הודעה יקבל עדכון אחד. לא יישלחו תזכורות ולא תהיה הסלמה, עד לסיום התקלה או עד תום "
        "הזמן.",
    ),
    "incidents.take_over": ("Take it over", "העברת הטיפול אליי"),
    "incidents.by_whom": ("Who has it", "מי מטפל"),
    "incidents.note": ("Note", "הערה"),
    "incidents.for": ("For how long", "לכמה זמן"),
    "incidents.for.": ("until it is over", "עד שתסתיים"),
    "incidents.said_ack": ("The others are told who has it.", "האחרים מקבלים הודעה מי מטפל."),
    "incidents.severity": ("Severity", "חומרה"),
    "incidents.severity.critical": ("critical", "קריטי"),
    "incidents.severity.error": ("error", "שגיאה"),
    "incidents.severity.warning": ("warning", "אזהרה"),
    "incidents.severity.info": ("info", "מידע"),
    "incidents.started": ("First seen", "נצפתה לראשונה"),
    "incidents.fired_at": ("Fired", "נפתחה"),
    "incidents.ended_at": ("Ended", "הסתיימה"),
    "incidents.moment": ("less than a second", "פחות משנייה"),
    "incidents.changed": ("Last change", "השינוי האחרון"),
    "incidents.between": ("between {after} and {before}", "בין {after} ל-{before}"),
    "incidents.by": (
        "at some time before {before}; nothing was seen before that",
        "מתישהו לפני {before}; לפני כן לא נראה דבר",
    ),
    "incidents.end.resolved": ("It was seen to be well again.", "נצפתה חזרה לתקינות."),
    "incidents.end.outside_hours": (
        "The hours in which it counts are over; nobody has seen that it is well again.",
        "שעות הפעילות הסתיימו; לא נצפתה חזרה לתקינות.",
    ),
    "incidents.end.removed": (
        "It is not watched any more. Nobody has seen that it is well again.",
        "כבר אין מעקב. איש לא ראה שהמצב חזר לתקינות.",
    ),
    "incidents.timeline": ("What happened", "מה קרה"),
    "incidents.earlier.one": ("one earlier step is left out", "שלב מוקדם אחד לא מוצג"),
    "incidents.earlier.two": ("two earlier steps are left out", "שני שלבים מוקדמים לא מוצגים"),
    "incidents.earlier.many": ("{n} earlier steps are left out", "{n} שלבים מוקדמים לא מוצגים"),
    "incidents.who": ("Who was told", "מי קיבל הודעה"),
    "incidents.nobody": ("No endpoint has been asked yet.", "עדיין לא נבדק שום יעד."),
    # What was seen.
    "incidents.phase.ok": ("seen well for long enough: it is over", "נראתה תקינה מספיק זמן: התקלה הסתיימה"),
    "incidents.phase.pending": (
        "seen for the first time; waits to see whether it lasts",
        "נצפתה לראשונה; ממתינים לראות אם תימשך",
    ),
    "incidents.phase.firing": ("fired", "התקלה נפתחה"),
    "incidents.phase.firing.held": ("fired, after {span} in sight", "התקלה נפתחה, אחרי {span} של מעקב"),
    "incidents.phase.recovering": (
        "seen well; waits to see whether it stays so",
        "נראתה תקינה; ממתינים לראות אם תישאר כך",
    ),
    "incidents.phase.again": ("bad again: the same incident goes on", "שוב לא תקין: אותה תקלה נמשכת"),
    "incidents.phase.gone": ("no longer watched: it is closed", "כבר לא במעקב: התקלה נסגרה"),
    "incidents.phase.outside_hours": (
        "the hours in which it counts are over: it is closed",
        "שעות הפעילות הסתיימו: התקלה נסגרה",
    ),
    "incidents.unseen": (
        "could not be seen from here on; this time counts for nothing",
        "מכאן ואילך לא נראתה; הזמן הזה אינו נספר",
    ),
    "incidents.seen": ("in sight again", "שוב נראית"),
    # Why somebody was told.
    "incidents.reason.first": ("told that it fires", "נמסר שהתקלה נפתחה"),
    "incidents.reason.repeat": ("reminded that it still fires", "תזכורת: התקלה עדיין פעילה"),
    "incidents.reason.resolved": ("told that it is over", "נמסר שהתקלה הסתיימה"),
    "incidents.reason.removed": ("told that it is no longer watched", "נמסר שכבר אין מעקב"),
    "incidents.reason.flapping": ("told that it comes and goes", "נמסר שהיא באה והולכת"),
    "incidents.reason.catch_up": ("told late how it stands", "נמסר באיחור מה המצב"),
    "incidents.was_held": ("until then: {why}", "עד אז: {why}"),
    # How it stands for somebody.
    "incidents.standing.untold": ("was told nothing of it", "לא קיבל עליה הודעה"),
    "incidents.standing.firing": ("was sent word that it fires", "נשלחה אליו הודעה שהיא פעילה"),
    "incidents.standing.resolved": ("was sent word that it is over", "נשלחה אליו הודעה שהסתיימה"),
    "incidents.nothing_left": ("nothing is left to tell", "אין עוד מה למסור"),
    "incidents.held": ("not told: {why}", "לא נמסר: {why}"),
    "incidents.repeats.one": ("reminded once", "נשלחה תזכורת אחת"),
    "incidents.repeats.two": ("reminded twice", "נשלחו שתי תזכורות"),
    "incidents.repeats.many": ("reminded {n} times", "נשלחו {n} תזכורות"),
    # Why somebody was not told.
    "incidents.hold.unwanted": (
        "its events or systems do not cover this",
        "האירועים או המערכות שהוגדרו לו אינם כוללים זאת",
    ),
    "incidents.hold.below_severity": (
        "it is told only of what is more severe",
        "הוא מקבל רק התראות חמורות יותר",
    ),
    "incidents.hold.inhibited": (
        "the API could not be watched, and that was told instead",
        "לא הייתה גישה ל-API, ועל כך נמסר במקום",
    ),
    "incidents.hold.inhibited.instead": ("instead it was told of {link}", "במקום זאת נמסר על {link}"),
    "incidents.hold.flapping": (
        "it comes and goes so often that one alert tells that instead",
        "היא באה והולכת שוב ושוב, והתראה אחת מספרת על כך במקום",
    ),
    "incidents.hold.flapping.instead": (
        "it comes and goes, which {link} tells instead",
        "היא באה והולכת, ועל כך נמסר במקום: {link}",
    ),
    "incidents.hold.folded": (
        "it is one of many at once, which one alert tells together",
        "היא אחת מרבות שקרו יחד, והתראה אחת מספרת על כולן",
    ),
    "incidents.hold.folded.instead": ("folded into {link}", "אוחדה לתוך {link}"),
    "incidents.hold.silenced": ("it was silenced", "היא הושתקה"),
    "incidents.hold.silenced.until": (
        "silenced by {author} until {until}: {comment}",
        "הושתקה בידי {author} עד {until}: {comment}",
    ),
    "incidents.hold.silenced.open": (
        "silenced by {author} until it is over: {comment}",
        "הושתקה בידי {author} עד שתסתיים: {comment}",
    ),
    "incidents.hold.blind": (
        "whether it still lasted was not known",
        "לא היה ידוע אם היא עדיין נמשכת",
    ),
    "incidents.hold.recovering": (
        "it might be over before it is told",
        "ייתכן שתסתיים לפני שתימסר",
    ),
    "incidents.hold.escalation": (
        "it is told only of what has lasted for some time",
        "הוא מקבל הודעה רק על מה שנמשך זמן מה",
    ),
    "incidents.hold.escalation.until": (
        "it is told only of what still fires at {until}",
        "הוא יקבל הודעה רק אם תהיה פעילה גם ב-{until}",
    ),
    "incidents.hold.escalation.waits": (
        "it is told by escalation only: where nobody has acknowledged it in time",
        "הוא מקבל הודעה רק בהסלמה: אם איש לא אישר טיפול בזמן",
    ),
    "incidents.hold.quiet": ("it was in a quiet window", "היה בזמן שקט"),
    # What became of a message.
    "incidents.lost": (
        "But the message did not arrive: it was given up.",
        "אבל ההודעה לא הגיעה: השליחה הופסקה.",
    ),
    "incidents.on_its_way": ("The message has not arrived yet.", "ההודעה עדיין לא הגיעה."),
    "incidents.forgotten": ("its delivery is not kept any more", "פרטי המשלוח כבר לא נשמרים"),
}
