"""Words of the door."""

WORDS = {
    "sign_in.title": ("Sign in", "כניסה"),
    "sign_in.token": ("Token", "אסימון גישה"),
    "sign_in.hint": (
        "One of the configuration's [http] tokens. It is asked for once on each device.",
        "אחד מאסימוני הגישה שבהגדרות [http]. הוא נדרש פעם אחת בכל מכשיר.",
    ),
    "sign_in.wrong": ("This token is not known.", "אסימון הגישה אינו מוכר."),
    "sign_in.submit": ("Sign in", "כניסה"),
    "sign_in.done": ("You are signed in.", "נכנסת."),
    "sign_in.out": ("You are signed out.", "יצאת."),
}
