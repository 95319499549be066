"""Names that somebody made to hurt: each is either refused, or shown and obeyed nowhere."""

OVERRIDE, ISOLATE = "\u202e", "\u2066"
REFUSED = (
    "Da\nna",
    "Da\rna",
    "Dana\r\nBcc: everybody@example.org",
    "\x1b[2J\x1b[31mDana",
    "Dana\x00",
    "Da\x07na",
    "\u009b31mDana",
    f"Dana{OVERRIDE}765432",
    f"{ISOLATE}Dana",
    "Da\u2028na",
    "D" * 10_000,
    "D" * 65,
    "",
    "   ",
    "\u200b",
    "0509999999",
    "+972 50 999 99 99",
)
"""Those that can be nobody's name."""
SHOWN = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</bdi></title>",
    "&lt;b&gt;",
    "{{ 7 * 7 }}",
    "{subject} %s %(name)s",
    "*bold* _it_ <!channel> @here `x`",
    "Robert'); DROP TABLE contacts;--",
    "=HYPERLINK(0)",
    "דנה ”המלכה“ לוי",
    "ד״ר כהן",
    "Dana (0500000000)",
    "👩‍👩‍👧 Mum",
    "D" * 64,
)
"""Those that are odd, and are names all the same."""
OBEYED = ("\x1b", "\x07", "\x00", "\u202e", "\u2066", "\u009b", "\u2028")
"""What must reach no reader."""
