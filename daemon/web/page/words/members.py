"""Words of the daemons that share one database."""

WORDS = {
    "members.title": ("Daemons that share the work", "השרתים שמתחלקים בעבודה"),
    "members.connected": ("at work", "פועל"),
    "members.silent": ("silent", "אינו מגיב"),
    "members.differs": ("takes nothing", "אינו לוקח מערכות"),
    "members.since": ("since {time} · version {version}", "מאז {time} · גרסה {version}"),
    # What is wrong with it.
    "members.why.silent": (
        "Not heard of since {time}; the others take over what it has",
        "לא הגיב מאז {time}; האחרים ממשיכים במקומו",
    ),
    "members.why.gone": (
        "Its connection to the database is gone; the others take over what it has",
        "החיבור שלו למסד הנתונים נותק; האחרים ממשיכים במקומו",
    ),
    "members.why.differs": ("It differs from the others: {why}", "הוא שונה מהאחרים: {why}"),
    # What it has.
    "members.nothing": ("has nothing", "אין אצלו דבר"),
    "members.systems.one": ("1 system", "מערכת אחת"),
    "members.systems.two": ("2 systems", "שתי מערכות"),
    "members.systems.many": ("{n} systems", "{n} מערכות"),
    "members.endpoints.one": ("1 endpoint", "יעד אחד"),
    "members.endpoints.two": ("2 endpoints", "שני יעדים"),
    "members.endpoints.many": ("{n} endpoints", "{n} יעדים"),
    "members.house": ("the common tasks", "המשימות המשותפות"),
    # Whose a system is.
    "members.polls": ("Polled by {name}, since {time}", "השרת {name} בודק אותה, מאז {time}"),
    "members.polls.silent": (
        "Not polled at present: {name}, which polled it, is silent",
        "כרגע אינה נבדקת: השרת {name}, שבדק אותה, אינו מגיב",
    ),
    "members.polls.nobody": ("Polled by nobody at present", "אף שרת אינו בודק אותה כרגע"),
}
