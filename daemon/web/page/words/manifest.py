"""Words of the page as an app."""

WORDS = {
    "manifest.name": ("yemotd: the phone system", "yemotd: מערכת הטלפוניה"),
    "manifest.description": (
        "What is up, what rang, who was told",
        "מה תקין, מה השתבש ולמי נשלחה הודעה",
    ),
}
