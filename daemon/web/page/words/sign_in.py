"""Words of the door."""

WORDS = {
    "sign_in.title": ("Sign in", "כניסה"),
    "sign_in.token": ("Token", "אסימון גישה"),
    "sign_in.hint": (
        "One of the configuration's [http] tokens. It is asked for once on each device.",
        "אחד מאסימוני הגישה שבהגדרות [http]. הוא נדרש פעם אחת בכל מכשיר.",
    ),
    "sign_in.wrong": ("This token is not known.", "אסימון הגישה אינו מוכר."),
    "sign_in.powerless": (
        "This token is known, but it may not read. Give it the scope read in [[http.tokens]], and reload.",
        "אסימון הגישה מוכר, אך אין לו הרשאת קריאה. יש להוסיף לו את ההרשאה read בהגדרות [[http.tokens]] "
        "ולטעון אותן מחדש.",
    ),
    "sign_in.wait": (
        "Too many wrong tokens came from your network. None is looked at now; try again in {span}.",
        "הגיעו מהרשת שלך יותר מדי אסימוני גישה שגויים. כרגע לא נבדק אף אסימון; אפשר לנסות שוב בעוד {span}.",
    ),
    "sign_in.closed": (
        "No token is configured, so nobody can sign in. Give [http] a token_file in the configuration, and "
        "reload.",
        "לא הוגדר אסימון גישה, ולכן אי אפשר להיכנס. יש להוסיף token_file ל-[http] בקובץ ההגדרות "
        "ולטעון אותו מחדש.",
    ),
    "sign_in.submit": ("Sign in", "כניסה"),
    "sign_in.done": ("You are signed in.", "נכנסת."),
    "sign_in.out": ("You are signed out.", "יצאת."),
    "sign_in.out_everywhere": (
        "You are signed out, and so is every other device with this token.",
        "יצאת, וכך גם כל שאר המכשירים שנכנסו באסימון הזה.",
    ),
    "sign_in.out_for_now": (
        "You are signed out. The database cannot be written, though: after a restart of yemotd, a copy of "
        "the cookie would count again. To be safe, replace the token.",
        "יצאת. אבל אי אפשר לכתוב כרגע למסד הנתונים, ולכן אחרי הפעלה מחדש של yemotd עותק של העוגייה "
        "ישוב להיות תקף. ליתר ביטחון כדאי להחליף את אסימון הגישה.",
    ),
    "sign_in.leave": ("This device will be asked for a token again.", "המכשיר הזה יידרש שוב לאסימון גישה."),
    "sign_in.leave_everywhere": (
        "Or every device on which somebody has signed in with the token {name}, whoever it is.",
        "או כל המכשירים שבהם מישהו נכנס באסימון {name}, לא משנה מי.",
    ),
    "sign_in.everywhere": ("Sign out on all devices", "יציאה מכל המכשירים"),
}
