"""Words of the front page and of the page of a system."""

WORDS = {
    "front.title": ("Now", "עכשיו"),
    "front.title.well": ("All is well", "הכול תקין"),
    "front.title.wrong": ("Something is wrong", "יש תקלה"),
    "front.title.unknown": ("Not known", "לא ידוע"),
    "front.system": ("System {name}", "מערכת {name}"),
    "front.of_system": ("{system}: {said}", "{system}: {said}"),
    "front.more": ("More on how it stands", "עוד על המצב"),
    "front.comma": (", ", ", "),
    "front.named": ("{said}: {names}", "{said}: {names}"),
    "front.and_more": ("{names} and {n} more", "{names} ועוד {n}"),
    # All is well.
    "front.well": ("All is well", "הכול תקין"),
    "front.well.of": ("All is well: {counts}", "הכול תקין: {counts}"),
    "front.registered.one": ("1 phone registered", "טלפון אחד מחובר"),
    "front.registered.two": ("2 phones registered", "שני טלפונים מחוברים"),
    "front.registered.many": ("{n} phones registered", "{n} טלפונים מחוברים"),
    "front.watched.queue.one": ("1 queue watched", "תור אחד במעקב"),
    "front.watched.queue.two": ("2 queues watched", "שני תורים במעקב"),
    "front.watched.queue.many": ("{n} queues watched", "{n} תורים במעקב"),
    # So many of a kind.
    "front.count.api.one": ("the API", "ה-API"),
    "front.count.api.many": ("{n} APIs", "{n} ממשקי API"),
    "front.count.sip.one": ("1 phone", "טלפון אחד"),
    "front.count.sip.two": ("2 phones", "שני טלפונים"),
    "front.count.sip.many": ("{n} phones", "{n} טלפונים"),
    "front.count.queue.one": ("1 queue", "תור אחד"),
    "front.count.queue.two": ("2 queues", "שני תורים"),
    "front.count.queue.many": ("{n} queues", "{n} תורים"),
    "front.count.units.one": ("the units", "היחידות"),
    "front.count.units.many": ("the units of {n} systems", "היחידות של {n} מערכות"),
    "front.count.sms_units.one": ("the units for SMS", "יחידות המסרונים"),
    "front.count.sms_units.many": ("the units for SMS of {n} systems", "יחידות המסרונים של {n} מערכות"),
    "front.count.caller_id.one": ("1 caller id", "זיהוי יוצא אחד"),
    "front.count.caller_id.two": ("2 caller ids", "שני זיהויים יוצאים"),
    "front.count.caller_id.many": ("{n} caller ids", "{n} זיהויים יוצאים"),
    "front.count.pirsumphone.one": ("PirsumPhone", "פרסומפון"),
    "front.count.pirsumphone.many": ("PirsumPhone of {n} systems", "פרסומפון של {n} מערכות"),
    "front.count.directory.one": ("1 folder", "תיקייה אחת"),
    "front.count.directory.two": ("2 folders", "שתי תיקיות"),
    "front.count.directory.many": ("{n} folders", "{n} תיקיות"),
    "front.count.report.one": ("1 report", "דוח אחד"),
    "front.count.report.two": ("2 reports", "שני דוחות"),
    "front.count.report.many": ("{n} reports", "{n} דוחות"),
    "front.count.sms.one": ("incoming SMS", "המסרונים הנכנסים"),
    "front.count.sms.many": ("the SMS of {n} systems", "המסרונים של {n} מערכות"),
    # What is wrong.
    "front.sip.one": ("Phone {name} is not registered, since {time}", "טלפון {name} מנותק, מאז {time}"),
    "front.sip.two": ("2 phones are not registered, since {time}", "שני טלפונים מנותקים, מאז {time}"),
    "front.sip.many": ("{n} phones are not registered, since {time}", "{n} טלפונים מנותקים, מאז {time}"),
    "front.queue.one": ("Queue {name}: {why}, since {time}", "תור {name}: {why}, מאז {time}"),
    "front.queue.two": ("2 queues crossed a limit, since {time}", "שני תורים בחריגה מהסף, מאז {time}"),
    "front.queue.many": ("{n} queues crossed a limit, since {time}", "{n} תורים בחריגה מהסף, מאז {time}"),
    "front.other.one": ("{name}: {why}, since {time}", "{name}: {why}, מאז {time}"),
    "front.other.many": ("{n} things are wrong, since {time}", "{n} תקלות, מאז {time}"),
    "front.token": (
        "Yemot rejects the token, since {time}: nothing can be seen until it is replaced",
        "ימות המשיח דוחה את הטוקן, מאז {time}: אין מעקב עד שיוחלף",
    ),
    "front.pending": ("{said} (reported if it lasts)", "{said} (ידווח אם יימשך)"),
    "front.recovering.one": (
        "{names} is well again; the incident ends if that lasts",
        "{names}: חזרה לתקינות, והתקלה תיסגר אם יישאר כך",
    ),
    "front.recovering.many": (
        "{n} are well again ({names}); their incidents end if that lasts",
        "{n} חזרו לתקינות ({names}), והתקלות ייסגרו אם יישאר כך",
    ),
    "front.flapping.one": (
        "{names} drops and comes back again and again",
        "{names}: התנתקויות חוזרות ונשנות",
    ),
    "front.flapping.many": (
        "{n} phones drop and come back again and again: {names}",
        "{n} טלפונים מתנתקים ומתחברים שוב ושוב: {names}",
    ),
    "front.blind.one": (
        "One incident is open, and whether it still lasts is not known: {names}",
        "תקלה אחת פתוחה, ולא ידוע אם היא נמשכת: {names}",
    ),
    "front.blind.many": (
        "{n} incidents are open, and whether they still last is not known: {names}",
        "{n} תקלות פתוחות, ולא ידוע אם הן נמשכות: {names}",
    ),
    "front.alert.sip.account.unregistered": (
        "A phone is not registered, since {time}: {subject}",
        "טלפון מנותק, מאז {time}: {subject}",
    ),
    "front.alert.sip.accounts.unregistered": (
        "Many phones are not registered, since {time}",
        "טלפונים רבים מנותקים, מאז {time}",
    ),
    "front.alert.sip.account.flapping": (
        "A phone drops and comes back again and again, since {time}: {subject}",
        "טלפון מתנתק ומתחבר שוב ושוב, מאז {time}: {subject}",
    ),
    "front.alert.queue.threshold.crossed": (
        "A queue crossed a limit, since {time}: {subject}",
        "תור בחריגה מהסף, מאז {time}: {subject}",
    ),
    "front.alert.units.low": ("Units run low, since {time}", "היחידות עומדות להיגמר, מאז {time}"),
    "front.alert.units.expiring": ("Units expire soon, since {time}", "תוקף היחידות פג בקרוב, מאז {time}"),
    "front.alert.sms_units.low": (
        "Units for SMS run low, since {time}",
        "יחידות המסרונים עומדות להיגמר, מאז {time}",
    ),
    "front.alert.caller_id.expiring": (
        "The approval of a caller id ends soon, since {time}",
        "אישור של זיהוי יוצא עומד לפוג, מאז {time}",
    ),
    "front.alert.activity.missing": (
        "What is expected does not come, since {time}: {subject}",
        "מה שצפוי להגיע אינו מגיע, מאז {time}: {subject}",
    ),
    "front.alert.api.unreachable": (
        "Yemot does not answer, since {time}",
        "ימות המשיח אינה עונה, מאז {time}",
    ),
    "front.alert.api.token_rejected": (
        "Yemot rejects the token, since {time}",
        "ימות המשיח דוחה את הטוקן, מאז {time}",
    ),
    "front.alert.endpoint.failing": (
        "An endpoint does not take messages, since {time}: {subject}",
        "יעד אינו מקבל הודעות, מאז {time}: {subject}",
    ),
    "front.alert.endpoint.misconfigured": (
        "A setting was put aside, since {time}: {subject}",
        "הגדרה הונחה בצד, מאז {time}: {subject}",
    ),
    "front.alert.daemon.clock_wrong": (
        "The clock of this machine is wrong, since {time}: times here may be, too",
        "השעון במחשב הזה אינו מכוון, מאז {time}: ייתכן שגם השעות כאן שגויות",
    ),
    "front.alert.daemon.disk_low": (
        "The disk of the database is almost full, since {time}",
        "הדיסק של מסד הנתונים כמעט מלא, מאז {time}",
    ),
    "front.alert.other": ("{type}, since {time}: {subject}", "{type}, מאז {time}: {subject}"),
    "front.store": (
        "The database cannot be written, since {time} ({error}): nothing new is noticed for good, and nobody "
        "is told of it",
        "לא ניתן לכתוב למסד הנתונים, מאז {time} ({error}): דבר חדש אינו נשמר, ואיש אינו מקבל הודעה",
    ),
    # Endpoints.
    "front.endpoint.healthy": ("Endpoint {name} takes messages", "היעד {name} מקבל הודעות"),
    "front.endpoint.degraded": (
        "Endpoint {name} takes messages badly, since {time} ({error})",
        "היעד {name} מקבל הודעות בקושי, מאז {time} ({error})",
    ),
    "front.endpoint.suspended": (
        "Endpoint {name} does not take messages, since {time} ({error}): who is told there does not know",
        "היעד {name} אינו מקבל הודעות, מאז {time} ({error}): מי שמקבל שם הודעות אינו יודע",
    ),
    "front.endpoint.disabled": ("Endpoint {name} is off, since {time}", "היעד {name} כבוי, מאז {time}"),
    "front.endpoint.disabled.operator": (
        "Endpoint {name} was switched off by hand, since {time}",
        "היעד {name} כובה ידנית, מאז {time}",
    ),
    "front.endpoint.disabled.gone": (
        "Endpoint {name} is off, since {time}: it answered that it exists no more (410)",
        "היעד {name} כבוי, מאז {time}: הוא השיב שאינו קיים עוד (410)",
    ),
    "front.endpoint.disabled.health": (
        "Endpoint {name} is off, since {time}: it had not taken messages for a week",
        "היעד {name} כבוי, מאז {time}: במשך שבוע לא קיבל הודעות",
    ),
    "front.none_told": (
        "No endpoint takes messages: nobody is told of anything",
        "אף יעד אינו מקבל הודעות: איש אינו מקבל הודעה על דבר",
    ),
    "front.no_endpoints": (
        "No endpoint is configured: nobody is told of anything",
        "לא הוגדר אף יעד: איש אינו מקבל הודעה על דבר",
    ),
    "front.waits.one": ("{said}; 1 message waits", "{said}; הודעה אחת ממתינה"),
    "front.waits.two": ("{said}; 2 messages wait", "{said}; שתי הודעות ממתינות"),
    "front.waits.many": ("{said}; {n} messages wait", "{said}; {n} הודעות ממתינות"),
    "front.next_try": ("{said}, next try {time}", "{said}, ניסיון נוסף ב-{time}"),
    "front.backlog.one": (
        "1 message waits for {name}, since {time}",
        "הודעה אחת ממתינה ל-{name}, מאז {time}",
    ),
    "front.backlog.two": (
        "2 messages wait for {name}, the oldest since {time}",
        "שתי הודעות ממתינות ל-{name}, הוותיקה מאז {time}",
    ),
    "front.backlog.many": (
        "{n} messages wait for {name}, the oldest since {time}",
        "{n} הודעות ממתינות ל-{name}, הוותיקה מאז {time}",
    ),
    "front.dead.one": ("1 message to {name} was given up", "הודעה אחת ל-{name} לא נמסרה והופסקו הניסיונות"),
    "front.dead.two": (
        "2 messages to {name} were given up",
        "שתי הודעות ל-{name} לא נמסרו והופסקו הניסיונות",
    ),
    "front.dead.many": (
        "{n} messages to {name} were given up",
        "{n} הודעות ל-{name} לא נמסרו והופסקו הניסיונות",
    ),
    "front.set_aside": (
        "{name}: the setting {setting} cannot be worked out ({error}); meanwhile {instead}",
        "{name}: לא ניתן לחשב את ההגדרה {setting} ({error}); בינתיים: {instead}",
    ),
    # What holds an incident back.
    "front.held.one": (
        "1 open incident is not told to {name}: {why}",
        "תקלה פתוחה אחת לא נמסרה ל-{name}: {why}",
    ),
    "front.held.two": (
        "2 open incidents are not told to {name}: {why}",
        "שתי תקלות פתוחות לא נמסרו ל-{name}: {why}",
    ),
    "front.held.many": (
        "{n} open incidents are not told to {name}: {why}",
        "{n} תקלות פתוחות לא נמסרו ל-{name}: {why}",
    ),
    "front.hold.unwanted": ("it does not ask for them", "היעד אינו מבקש אותן"),
    "front.hold.below_severity": ("they are less severe than it asks for", "הן פחות חמורות ממה שביקש"),
    "front.hold.inhibited": ("that the API is away is told instead", "במקומן נמסר שה-API אינו זמין"),
    "front.hold.flapping": (
        "that it comes and goes is told instead",
        "במקומן נמסר על ההתנתקויות החוזרות",
    ),
    "front.hold.folded": ("one message tells of many at once", "הודעה אחת מספרת על רבות יחד"),
    "front.hold.silenced": ("silenced", "הושתקו"),
    "front.hold.blind": ("whether they still last is not known", "לא ידוע אם הן נמשכות"),
    "front.hold.recovering": ("they may be over before that", "ייתכן שיסתיימו קודם לכן"),
    "front.hold.escalation": ("it is told later, if they last", "יימסרו מאוחר יותר, אם יימשכו"),
    "front.hold.quiet": ("its quiet hours", "שעות השקט שלו"),
    # Who was told of what is wrong.
    "front.told.heard.one": ("{names} was told", "{names} קיבל הודעה"),
    "front.told.heard.many": ("{names} were told", "{names} קיבלו הודעה"),
    "front.told.on_its_way.many": ("a message is on its way to {names}", "הודעה בדרך אל {names}"),
    "front.told.lost.many": ("the message to {names} did not arrive", "ההודעה אל {names} לא הגיעה"),
    "front.told.nobody": ("nobody was told", "איש לא קיבל הודעה"),
    # What is not known.
    "front.unknown": ("Not known since {time}: {why}", "לא ידוע מאז {time}: {why}"),
    "front.unknown.of": (
        "Not known since {time}: {why}. It is about {what}",
        "לא ידוע מאז {time}: {why}. הדבר נוגע ל: {what}",
    ),
    "front.unknown.yet": ("Not known yet: {what}", "עדיין לא ידוע: {what}"),
    "front.just_started": (
        "Not known yet: the daemon started {ago} and has seen nothing so far",
        "עדיין לא ידוע: השרת הופעל {ago} ועוד לא ראה דבר",
    ),
    "front.nothing": ("Nothing is watched: no system is configured", "אין מעקב: לא הוגדרה אף מערכת"),
    "front.paused": (
        "System {name} is left alone until {time}: nothing is asked of it, and what stands here is older",
        "המערכת {name} בהפסקת פניות עד {time}: אין בה בדיקות, ומה שמוצג כאן ישן יותר",
    ),
    # Who of several daemons does not take part.
    "front.member.silent": (
        "yemotd on {name} is silent, since {time}",
        "yemotd ב-{name} אינו מגיב, מאז {time}",
    ),
    "front.member.gone": (
        "yemotd on {name} is silent: its connection to the database is gone",
        "yemotd ב-{name} אינו מגיב: החיבור שלו למסד הנתונים נותק",
    ),
    "front.member.differs": (
        "yemotd on {name} takes nothing, for it differs from the others",
        "yemotd ב-{name} אינו לוקח מערכות, כי הוא שונה מהאחרים",
    ),
    # A system's rows.
    "front.rest": ("{counts}: well", "{counts}: תקין"),
    "front.all": ("All of {system} ({n})", "כל מה שבמערכת {system} ({n})"),
    "front.more_unwell": ("And {n} more that are not well", "ועוד {n} שאינם תקינים"),
    "front.next": ("More", "עוד"),
    "front.first": ("From the beginning", "מההתחלה"),
    "front.only_unwell": ("Only what is not well", "רק מה שאינו תקין"),
    "front.everything": ("Everything", "הכול"),
    "front.none_unwell": ("Nothing here is wrong or unknown.", "אין כאן תקלות או מצבים לא ידועים."),
}
