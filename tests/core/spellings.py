"""Over a thousand spellings of phones, and of what is none, each with its truth."""

from collections.abc import Iterator

LRM, RLM, LRI, PDI, LRE, PDF = "\u200e", "\u200f", "\u2066", "\u2069", "\u202a", "\u202c"
NBSP, THIN, WORD_JOINER, BOM = "\u00a0", "\u2009", "\u2060", "\ufeff"

ISRAELI = {
    "mobile": ["0501234567", "0521111111", "0533300300", "0541234567", "0559876543", "0587654321"],
    "voip": ["0722222222", "0733820820", "0747000000", "0773137770", "0768888888", "0795551234"],
    "landline": ["025551234", "031234567", "046667777", "088889999", "099990000"],
}
"""In the national form: a mobile or virtual number has ten digits, a landline nine."""
SERVICES = ["1700123456", "1800400400", "1599500500"]
"""Numbers without a zero in front: shared cost, toll-free."""
FOREIGN = {
    "+12125550100": "+1 (212) 555-0100",
    "+442079460958": "+44 20 7946 0958",
    "+447911123456": "+44 7911 123456",
    "+74951234567": "+7 495 123-45-67",
    "+79161234567": "+7 (916) 123-45-67",
    "+380441234567": "+380 44 123 4567",
    "+33123456789": "+33 1 23 45 67 89",
    "+4930123456": "+49 30 123456",
    "+32470123456": "+32 470 12 34 56",
    "+5511912345678": "+55 11 91234-5678",
    "+61212345678": "+61 2 1234 5678",
    "+8613812345678": "+86 138 1234 5678",
    "+962791234567": "+962 7 9123 4567",
}

NO_PHONES = [
    *(
        "Yemot",
        "ימות המשיח",
        "Bank Leumi",
        "anonymous",
        "unknown",
        "012mobile",
        "019SMS",
        "Cellcom 052",
        "בזק 199",
    ),
    *(
        "Банк",
        "مصرف",
        "PayBox",
        "bit",
        "WAZE",
        "Google2FA",
        "",
        " ",
        "-",
        "+",
        "()",
        "*",
        "#",
        "=",
        "+-",
        "…",
    ),
    *("*2000", "*2700", "*6060", "*1234", "#31#0501234567", "*43*0501234567#", "**1", "*3030#"),
    *(
        "1",
        "5",
        "12",
        "100",
        "101",
        "102",
        "144",
        "1201",
        "1212",
        "2000",
        "4455",
        "12345",
        "23456",
        "501",
        "077",
    ),
    *(
        "501234567",
        "54-123-4567",
        "31234567",
        "1234567",
        "123-4567",
        "773137770",
        "555-0100",
        "972",
        "97250",
        "+972",
    ),
    *(
        "05012345",
        "05012345678",
        "050123456789",
        "0000000000",
        "00",
        "000501234567",
        "0050",
        "+0501234567",
        "01",
        "0",
    ),
    *("+12", "+123456", "9725012345678901", "1234567890123456", "4580-1234-1234-1234", "4580 1234 1234 1234"),
    *(
        "sip:0773137770@host",
        "tel:0501234567",
        "0501234567@c.us",
        "0501234567.wav",
        "/0501234567",
        "5/0501234567",
    ),
    *(
        "054x123",
        "0501234567a",
        "a0501234567",
        "050-123O567",
        "050_123_4567",
        "050,1234567",
        "0501234567;ext=1",
    ),
    *(
        "0501234567, 0521111111",
        "0501234567:0521111111",
        "0501234567\n0521111111",
        "050-1234567 / 052-1111111",
    ),
    *(
        "192.168.100.200",
        "111.11.111.11",
        "11.111.111.11",
        "222.22.222.22",
        "22.222.222.22",
        "212.179.212.179",
        "10.0.0.1",
        "2026-11-23",
        "2026-11-23 01:02:03",
        "1.234.567",
    ),
    *(
        "0501234567=",
        "0501234567=12345",
        "=5",
        "0501234567==5",
        "5=0501234567",
        "3.14159",
        "-501234567",
        "₪0501234567",
    ),
    *("050----1234567", "0501234567-", "-0501234567", "++972501234567", "+ + 972501234567", "0x501234567"),
]
"""Names, short codes, star numbers, extensions, what lost its zero or is too long, lists, dates."""


def written(national: str) -> Iterator[str]:
    """The spellings of an Israeli number by its national form."""
    rest = national.removeprefix("0")
    area, local = (national[:3], national[3:]) if len(national) == 10 else (national[:2], national[2:])
    bare_area = area.removeprefix("0")
    yield from (national, "972" + rest, "+972" + rest, "00972" + rest, f"+972 (0){rest}", f"+9720{rest}")
    for between in ("-", " ", ".", "\u2010", "\u2011", "\u2013", "\u2212", "\u05be", NBSP, THIN, " - "):
        parts = (local[:3], local[3:])
        yield f"{area}{between}{local}"
        yield between.join((area, *parts))
        yield f"+972{between}{bare_area}{between}{local}"
        yield "+972" + between + between.join((bare_area, *parts))
    yield from (
        f"({area}) {local[:3]}-{local[3:]}",
        f"+972 ({bare_area}) {local}",
        f"(+972) {bare_area} {local}",
    )
    yield from (f"972-{bare_area}-{local}", f"972 {bare_area} {local}", f"00 972 {bare_area} {local}")
    yield from (f"  {national}\n", f"\t{area}-{local} ", f"{area}\t{local}")
    yield from (LRM + national, national + RLM, LRI + "+972" + rest + PDI, f"{LRE}{area}-{local}{PDF}")
    yield from (BOM + national, WORD_JOINER.join(national), f"{area}{LRM}-{LRM}{local}")
    yield "".join(chr(ord("０") + int(one)) for one in national)
    yield "＋972" + "".join(chr(ord("０") + int(one)) for one in rest)
    yield "".join(chr(ord("٠") + int(one)) for one in national)
    yield "+" + "".join(chr(ord("۰") + int(one)) for one in "972" + rest)


def truths() -> Iterator[tuple[str, str | None]]:
    """Every spelling with its phone in the form in which it is compared; None: it is no phone."""
    for national in (one for kind in ISRAELI.values() for one in kind):
        for spelling in written(national):
            yield spelling, national
    for service in SERVICES:
        cut = (service[:1], service[1:4], service[4:7], service[7:])
        yield from (
            (one, service) for one in (service, "-".join(cut), " ".join(cut), f"{LRM}{'-'.join(cut)}")
        )
        yield from ((one, service) for one in (f"+972{service}", f"972{service}", "+972-" + "-".join(cut)))
    for number, spelled in FOREIGN.items():
        bare = number[1:]
        yield from (
            (one, number) for one in (number, bare, "00" + bare, spelled, "00" + spelled[1:], LRM + spelled)
        )
        yield from (
            (one, number)
            for one in (spelled.replace(" ", NBSP), spelled.replace(" ", "-"), f"{spelled}{RLM}")
        )
    for account in ("0772222770=2", "972772222770=2", "+972-77-222-2770=2"):
        yield account, "0772222770=2"
    yield from ((one, None) for one in NO_PHONES)
