"""Words of what is refused: each `Why` of `core/refusals.py`, each status, and what one can do about it."""

WORDS = {
    "problems.exactly": ("Exactly", "הפרטים המדויקים, באנגלית"),
    "problems.again": ("Go back, and try again", "חזרה, וניסיון נוסף"),
    "problems.fields": ("What is wrong", "מה לא תקין"),
    "problems.why.missing": ("There is no such thing", "הפריט לא נמצא"),
    "problems.why.missing.way": (
        "It may have been forgotten since ([retention]), or the address is mistyped.",
        "ייתכן שכבר נמחק (לפי [retention] בהגדרות), או שהכתובת הוקלדה לא נכון.",
    ),
    "problems.why.wrong": ("The request is wrong", "הבקשה אינה תקינה"),
    "problems.why.wrong.way": (
        "Go back, correct what is named here, and send it again. Nothing was changed.",
        "יש לחזור, לתקן את מה שמצוין כאן ולשלוח שוב. שום דבר לא השתנה.",
    ),
    "problems.why.conflict": ("It cannot be done as things stand", "אי אפשר לבצע זאת במצב הנוכחי"),
    "problems.why.conflict.way": (
        "Somebody may have been faster. Look how it stands now. Nothing was changed.",
        "ייתכן שמישהו הקדים אותך. כדאי לבדוק מה המצב עכשיו. שום דבר לא השתנה.",
    ),
    "problems.why.no_such_system": ("There is no such system", "אין מערכת כזאת"),
    "problems.why.no_such_system.way": (
        "It may have left the configuration. Choose one of those that there are.",
        "ייתכן שהוסרה מההגדרות. יש לבחור באחת המערכות הקיימות.",
    ),
    "problems.why.not_allowed": ("The system does not take this command", "המערכת אינה מקבלת פקודה כזאת"),
    "problems.why.not_allowed.way": (
        "Whoever keeps the configuration can allow it: commands = [...] of the system, and "
        "campaign_units_per_day for campaigns.",
        "מי שאחראי על ההגדרות יכול לאפשר זאת: השורה \u2066commands = [...]\u2069 של המערכת, ולקמפיינים גם "
        "campaign_units_per_day.",
    ),
    "problems.why.over_budget": ("It would cost more than is left today", "העלות גבוהה מהתקציב שנותר להיום"),
    "problems.why.over_budget.way": (
        "Dial fewer numbers, wait for tomorrow's budget, or have campaign_units_per_day raised.",
        "אפשר לחייג לפחות מספרים, להמתין לתקציב של מחר, או לבקש להגדיל את campaign_units_per_day.",
    ),
    "problems.why.too_late": ("It is too late for it", "כבר מאוחר מדי"),
    "problems.why.too_late.way": (
        "Give it a later end, and send it again. Nothing was changed.",
        "יש לקבוע מועד סיום מאוחר יותר ולשלוח שוב. שום דבר לא השתנה.",
    ),
    "problems.why.key_in_use": (
        "The Idempotency-Key was used for something else",
        "הטופס הזה כבר נשלח, עם תוכן אחר",
    ),
    "problems.why.key_in_use.way": (
        "Open a new form. What was sent first counts, and nothing was added to it.",
        "יש לפתוח טופס חדש. מה שנשלח בפעם הראשונה תקף, ודבר לא נוסף עליו.",
    ),
    "problems.400": ("The request cannot be answered", "אי אפשר להשיב על הבקשה"),
    "problems.400.way": (
        "Go back, and follow a link of the page rather than an address that was written by hand.",
        "כדאי לחזור ולהגיע לכאן דרך קישור בדף, ולא דרך כתובת שהוקלדה ידנית.",
    ),
    "problems.401": ("You are not signed in", "יש להיכנס תחילה"),
    "problems.401.way": (
        "Sign in with a token of the configuration's [http].",
        "יש להיכנס עם אסימון גישה מתוך [http] שבהגדרות.",
    ),
    "problems.403": ("You may not do this", "אין לך הרשאה לכך"),
    "problems.403.way": (
        "Nothing was changed. Load the page anew, and send the form again from there.",
        "שום דבר לא השתנה. יש לטעון את הדף מחדש ולשלוח ממנו את הטופס שוב.",
    ),
    "problems.scope.way": (
        "Your token {token} lacks the scope {scope}. Whoever keeps the configuration can give you one that "
        "has it ([http] tokens).",
        "לאסימון {token} שאיתו נכנסת חסרה ההרשאה {scope}. מי שאחראי על ההגדרות יכול לתת לך אסימון שיש לו "
        "אותה (ברשימה tokens תחת [http]).",
    ),
    "problems.404": ("There is no such page", "הדף לא נמצא"),
    "problems.404.way": (
        "What it showed may have been forgotten since ([retention]), or the address is mistyped.",
        "ייתכן שמה שהוצג בו כבר נמחק (לפי [retention] בהגדרות), או שהכתובת הוקלדה לא נכון.",
    ),
    "problems.405": ("This cannot be done here", "אי אפשר לעשות זאת כאן"),
    "problems.405.way": (
        "A form was loaded as a page, or the other way round. Go back to where you came from.",
        "טופס נטען כדף, או להפך. יש לחזור לדף הקודם.",
    ),
    "problems.408": ("It took too long", "הבקשה ארכה יותר מדי זמן"),
    "problems.408.way": ("Look at your connection, and send it again.", "כדאי לבדוק את החיבור ולשלוח שוב."),
    "problems.409": ("It cannot be done as things stand", "אי אפשר לבצע זאת במצב הנוכחי"),
    "problems.409.way": (
        "Somebody may have been faster. Look how it stands now. Nothing was changed.",
        "ייתכן שמישהו הקדים אותך. כדאי לבדוק מה המצב עכשיו. שום דבר לא השתנה.",
    ),
    "problems.410": ("This is over", "כבר לא קיים"),
    "problems.410.way": ("Go back to the front page.", "יש לחזור לעמוד הראשי."),
    "problems.413": ("It is too much", "נשלח יותר מדי"),
    "problems.413.way": ("Send less at once.", "יש לשלוח פחות בבת אחת."),
    "problems.416": ("There are no such bytes", "אין בקובץ נתונים כאלה"),
    "problems.416.way": ("Fetch the whole file.", "יש להוריד את הקובץ כולו."),
    "problems.504": ("The platform did not answer in time", "המערכת הטלפונית לא השיבה בזמן"),
    "problems.504.way": ("Try again in a while.", "כדאי לנסות שוב בעוד זמן מה."),
    "problems.415": ("It is no form", "לא נשלח טופס"),
    "problems.415.way": (
        "Only the forms of this page are taken here.",
        "כאן מתקבלים רק הטפסים של הדף הזה.",
    ),
    "problems.421": ("The daemon does not go by this name", "השרת אינו מוכר בשם הזה"),
    "problems.421.way": (
        "Reach it by the address that its configuration names ([http] url).",
        "יש להגיע אליו בכתובת שבהגדרות שלו ([http] url).",
    ),
    "problems.422": ("The request is wrong", "הבקשה אינה תקינה"),
    "problems.422.way": (
        "Go back, correct what is named here, and send it again. Nothing was changed.",
        "יש לחזור, לתקן את מה שמצוין כאן ולשלוח שוב. שום דבר לא השתנה.",
    ),
    "problems.429": ("Too much at once", "יותר מדי בבת אחת"),
    "problems.429.way": ("Wait a little, and try again.", "יש להמתין מעט ולנסות שוב."),
    "problems.431": ("The request is too long", "הבקשה ארוכה מדי"),
    "problems.431.way": (
        "Delete the cookies of this page, and try again.",
        "כדאי למחוק את העוגיות של הדף הזה ולנסות שוב.",
    ),
    "problems.500": ("An error of our own", "תקלה בשרת עצמו"),
    "problems.500.way": (
        "The daemon's log says more. Look whether what you asked for was done, before you ask for it again.",
        "פרטים נוספים ביומן של השרת. לפני שליחה חוזרת כדאי לבדוק אם הפעולה בוצעה.",
    ),
    "problems.501": ("This cannot be done here", "אי אפשר לעשות זאת כאן"),
    "problems.501.way": ("Go back to the front page.", "יש לחזור לעמוד הראשי."),
    "problems.502": ("The other side did not answer", "הצד השני לא ענה"),
    "problems.502.way": ("Wait a little, and try again.", "יש להמתין מעט ולנסות שוב."),
    "problems.503": ("It cannot be done at present", "אי אפשר לבצע זאת כרגע"),
    "problems.503.way": (
        "The database cannot be used, or too much is asked at once. Try again shortly; nothing is lost.",
        "אין כרגע גישה למסד הנתונים, או שיש עומס. יש לנסות שוב בעוד רגע; שום דבר לא אבד.",
    ),
    "problems.any": ("It cannot be done", "אי אפשר לבצע זאת"),
    "problems.any.way": ("Go back to the front page.", "יש לחזור לעמוד הראשי."),
}
