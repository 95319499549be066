"""What is wrong with what somebody typed: the words of `schemas/wording.py`, of the models and of refusals,
to the letter, with their Hebrew. `page/faults.py` finds them again in what was said."""

WORDS = {
    "fault.ack_over": (
        "the incident '{incident}' is over, so there is nothing to acknowledge",
        "התקלה {incident} הסתיימה, ואין עוד במה לטפל",
    ),
    "fault.ack_taken": (
        "{by} has it already, since {at}; `take_over` takes it over",
        "הטיפול כבר אצל {by}, מאז {at}; אפשר להעביר אותו אליך",
    ),
    "fault.ack_taken_before": ("{by} has it already, since {at}", "הטיפול כבר אצל {by}, מאז {at}"),
    "fault.one_of_for_and_until": ("give one of `for` and `until`", "יש לבחור אחד: משך או מועד סיום"),
    "fault.any": ("cannot be used", "אי אפשר להשתמש בערך הזה"),
    "fault.bool_type": ("expected true or false", "הערך צריך להיות true או false"),
    "fault.whole_number": ("expected a whole number", "צריך להיות מספר שלם"),
    "fault.number": ("expected a number", "צריך להיות מספר"),
    "fault.enum": ("expected '{first}' or '{last}'", "צריך להיות '{first}' או '{last}'"),
    "fault.missing": ("is missing", "שדה חובה"),
    "fault.extra": ("is not known here", "שדה לא מוכר"),
    "fault.json": (
        "is not JSON: {problem}, at character {position}",
        "אינו JSON תקין: {problem}, בתו {position}",
    ),
    "fault.object": ("expected an object", "צריך להיות אובייקט"),
    "fault.list": ("expected a list", "צריכה להיות רשימה"),
    "fault.too_short": ("expected at least {min_length}", "לפחות {min_length}"),
    "fault.too_long": ("expected at most {max_length}", "לכל היותר {max_length}"),
    "fault.string": ("expected text", "צריך להיות טקסט"),
    "fault.surrogate": (
        "expected text; this holds half of a character (a lone surrogate)",
        "צריך להיות טקסט; יש בו חצי תו (surrogate בודד)",
    ),
    "fault.empty": ("must not be empty", "אסור להשאיר ריק"),
    "fault.characters": ("expected at most {max_length} characters", "{max_length} תווים לכל היותר"),
    "fault.fewer_digits": (
        "expected a whole number of fewer digits",
        "צריך להיות מספר שלם, עם פחות ספרות",
    ),
    "fault.finite": ("expected a finite number", "צריך להיות מספר סופי"),
    "fault.aware": (
        "expected a time with its offset, such as 2026-11-23T18:00:00+02:00",
        "צריך להיות מועד עם הפרש השעות שלו, כמו 2026-11-23T18:00:00+02:00",
    ),
    "fault.aware_or_z": (
        "expected a time with its offset, such as 2026-11-23T18:00:00+02:00 or …Z",
        "צריך להיות מועד עם הפרש השעות שלו, כמו 2026-11-23T18:00:00+02:00 או …Z",
    ),
    "fault.time": (
        "expected a time such as 2026-11-23T18:00:00+02:00",
        "צריך להיות מועד כמו 2026-11-23T18:00:00+02:00",
    ),
    "fault.years": ("expected a time between {first} and {last}", "צריך להיות מועד בין {first} ל-{last}"),
    "fault.one_of": ("expected one of {tags}", "צריך להיות אחד מאלה: {tags}"),
    "fault.path": (
        'expected the path of an extension, such as "/5" or "/1/2"; "." is the main one',
        'צריך להיות נתיב של שלוחה, כמו "/5" או "/1/2"; "." היא השלוחה הראשית',
    ),
    "fault.prefix_twice": ('"{prefix}" is given twice', '"{prefix}" מופיע פעמיים'),
    "fault.call_id": (
        "expected letters, digits, dots, dashes and underscores, at most 64",
        "אותיות לועזיות, ספרות, נקודות, מקפים וקווים תחתונים, 64 לכל היותר",
    ),
    "fault.name": (
        'expected letters, digits, "_", "." and "-", a letter or digit first, at most 100',
        'אותיות לועזיות, ספרות, "_", "." ו-"-", בהתחלה אות או ספרה, 100 לכל היותר',
    ),
    "fault.one_line": ("expected text, on one line", "צריך להיות טקסט בשורה אחת"),
    "fault.line": (
        "expected text on one line, without control characters",
        "צריך להיות טקסט בשורה אחת, בלי תווי בקרה",
    ),
    "fault.key": (
        "expected 1 to 255 ASCII letters, digits and signs, without blanks",
        "1 עד 255 אותיות לועזיות, ספרות וסימנים, בלי רווחים",
    ),
    "fault.local_time": (
        'expected a local time such as "2026-11-23 18:00:00"',
        'צריך להיות מועד מקומי, כמו "2026-11-23 18:00:00"',
    ),
    "fault.twice": ("{value} is given twice", "{value} מופיע פעמיים"),
    "fault.tzl_needs_lists": (
        'must name the lists that phones "tzl:" speaks of',
        'כשבשדה המספרים כתוב "tzl:" יש לציין כאן את הרשימות',
    ),
    "fault.tzl_only": ('goes with phones "tzl:" only', 'מתאים רק כשבשדה המספרים כתוב "tzl:"'),
    "fault.before_start": ("is before start_date", "מוקדם ממועד ההתחלה"),
    "fault.not_after": ("is not after not_before", "אינו מאוחר מהשדה ״לא לפני״"),
    "fault.duration": (
        'expected a duration such as "30s" or "5m"',
        'צריך להיות משך זמן, כמו "30s" או "5m"',
    ),
    "fault.duration_long": ("at most {longest}", "{longest} לכל היותר"),
    "fault.when_past": (
        'expected a time such as "2026-11-23T08:00", "08:00", "2h" or "yesterday"',
        'צריך להיות מועד, כמו "2026-11-23T08:00", "08:00", "2h" או "אתמול"',
    ),
    "fault.when_future": (
        'expected a time such as "2026-11-23T08:00", "08:00", "2h" or "tomorrow"',
        'צריך להיות מועד, כמו "2026-11-23T08:00", "08:00", "2h" או "מחר"',
    ),
    "fault.no_clock": ("there is no {time} on a clock", "אין בשעון השעה {time}"),
    "fault.no_offset": ("there is no offset of {offset}", "אין הפרש שעות של {offset}"),
    "fault.no_day": ("the calendar has no {date}", "אין בלוח התאריך {date}"),
    "fault.nothing_asked": (
        "there is nothing in it to look for: expected letters or digits",
        "אין כאן מה לחפש: צריכות להיות אותיות או ספרות",
    ),
    "fault.words": ("expected at most {most} words", "{most} מילים לכל היותר"),
    "fault.nobody": ("nobody is called {name}", "אין איש קשר בשם {name}"),
    "fault.nobody_near": (
        "nobody is called {name}; did you mean {near}?",
        "אין איש קשר בשם {name}; האם התכוונת אל {near}?",
    ),
    "fault.figure": (
        "expected a number as text: as a figure it loses its first zero",
        "מספר טלפון נכתב כטקסט: כמספר הוא מאבד את האפס שבתחילתו",
    ),
    "fault.phone_text": ("expected a phone number, as text", "צריך להיות מספר טלפון"),
    "fault.phone": (
        "expected a phone number, of 3 to 15 digits",
        "צריך להיות מספר טלפון, 3 עד 15 ספרות",
    ),
    "fault.list_name": (
        'expected the name of a list, such as "tpl:12" or "tzl:3"',
        'צריך להיות שם של רשימה, כמו "tpl:12" או "tzl:3"',
    ),
    "fault.several": (
        '{error}; several are written "0501234567:0501234568"',
        '{error}; כמה מספרים כותבים כך: "0501234567:0501234568"',
    ),
    "fault.numbers": (
        "expected numbers: text with colons between them, or a list",
        "צריכים להיות מספרים: עם נקודתיים ביניהם, או רשימה",
    ),
    "fault.json_none": ("begins as JSON, and is none", "מתחיל כמו JSON, אך אינו JSON תקין"),
    "fault.mixed": (
        "mixes numbers, objects with phone and objects with phones; give all in one form",
        "יש כאן ערבוב של מספרים, אובייקטים עם phone ואובייקטים עם phones; יש לכתוב את כולם באותה צורה",
    ),
    "fault.too_many_numbers": (
        "{many} numbers; a campaign takes at most {most}",
        "{many} מספרים; קמפיין מקבל {most} לכל היותר",
    ),
    "fault.key_used": (
        "the key {used} was used for another command, {command}",
        "הטופס הזה כבר נתן פקודה אחרת, {command} (מפתח {used})",
    ),
    "fault.no_system": ("no system is called {name}", "אין מערכת בשם {name}"),
    "fault.no_system_near": (
        "no system is called {name}; did you mean {near}?",
        "אין מערכת בשם {name}; האם התכוונת אל {near}?",
    ),
    "fault.not_taken": (
        "the system {system} does not take {type}: its commands = [...] in the configuration do not name it",
        "המערכת {system} אינה מקבלת {type}: השורה \u2066commands = [...]\u2069 שלה בהגדרות אינה כוללת אותה",
    ),
    "fault.no_campaigns": (
        "the system {system} has no campaign_units_per_day, so it takes no campaigns",
        "למערכת {system} לא הוגדר campaign_units_per_day, ולכן היא אינה מקבלת קמפיינים",
    ),
    "fault.sms_text": (
        "expected text, without control characters but for the end of a line",
        "צריך להיות טקסט, בלי תווי בקרה מלבד ירידת שורה",
    ),
    "fault.sms_long": (
        "{length} characters as SMS count them; at most {most} ({parts} parts of {part})",
        "{length} תווים כפי שמסרון סופר אותם; לכל היותר {most} ({parts} חלקים של {part})",
    ),
    "fault.sms_sender": (
        "expected a number, or a name of at most {most} Latin letters and digits",
        "צריך להיות מספר, או שם של עד {most} אותיות לטיניות וספרות",
    ),
    "fault.no_sms": (
        "the system {system} has no sms_units_per_day, so it sends no SMS",
        "למערכת {system} לא הוגדר sms_units_per_day, ולכן היא אינה שולחת מסרונים",
    ),
    "fault.passed": ("has passed already", "המועד כבר עבר"),
    "fault.over_budget": (
        "it may cost {cost} units, and of the {budget} that the system {system} may spend on {day} {left} "
        "are left ({setting})",
        "העלות עשויה להגיע ל-{cost} יחידות, ומתוך {budget} היחידות שהמערכת {system} רשאית להוציא ב-{day} "
        "נותרו {left} ({setting})",
    ),
    "fault.no_command": ("no command {command} is kept", "אין פקודה {command}"),
    "fault.no_silence": ("there is no silence {silence}", "אין השתקה {silence}"),
    "fault.silence_over": ("the silence {silence} has ended already", "ההשתקה {silence} כבר הסתיימה"),
    "fault.silence_used": (
        "this form has added another silence, {silence}",
        "הטופס הזה כבר הוסיף השתקה אחרת, {silence}",
    ),
    "fault.no_delivery": ("there is no delivery {delivery}", "אין משלוח {delivery}"),
    "fault.delivery_open": (
        "delivery {delivery} has not ended: it is {status}",
        "המשלוח {delivery} עדיין לא הסתיים: מצבו {status}",
    ),
    "fault.delivery_outdated": (
        "delivery {delivery} tells what is not true any more: a newer event of it was told since; `history` "
        "sends it all the same",
        "המשלוח {delivery} מספר על מה שכבר אינו נכון: מאז נשלח אירוע חדש יותר; האפשרות `history` שולחת אותו "
        "בכל זאת",
    ),
    "fault.no_endpoint": ("no endpoint is called {name}", "אין יעד בשם {name}"),
    "fault.no_endpoint_near": (
        "no endpoint is called {name}; did you mean {near}?",
        "אין יעד בשם {name}; האם התכוונת אל {near}?",
    ),
    "fault.no_digest": ("no digest is called {name}", "אין סיכום בשם {name}"),
    "fault.no_digest_near": (
        "no digest is called {name}; did you mean {near}?",
        "אין סיכום בשם {name}; האם התכוונת אל {near}?",
    ),
    "fault.no_missed": ("there is no missed caller {missed}", "אין ברשימת הממתינים לחזרה {missed}"),
    "fault.missed_by_several": (
        "several systems have missed {missed}: {several}",
        "{missed} ממתין לחזרה בכמה מערכות: {several}",
    ),
    "fault.nothing_kept": (
        "the store knows no event, incident or alert's subject {name}",
        "אין אירוע, תקלה או נושא של התראה בשם {name}",
    ),
    "fault.nothing_kept_near": (
        "the store knows no event, incident or alert's subject {name}; did you mean {near}?",
        "אין אירוע, תקלה או נושא של התראה בשם {name}; האם התכוונת אל {near}?",
    ),
    "fault.no_incident": ("there is no incident {incident}", "אין תקלה {incident}"),
    "fault.no_incident_before": (
        "no incident {incident} is kept; leave `before` out",
        "אין תקלה {incident}; אפשר להשמיט את `before`",
    ),
    "fault.no_event": ("no event {event} is kept", "אין אירוע {event}"),
    "fault.no_recording": (
        "event {event} tells of no file that could be fetched",
        "לאירוע {event} אין קובץ שאפשר להוריד",
    ),
    "fault.one_end": (
        "give one of `for`, `ends_at` and `until_resolved`",
        "יש לבחור סיום אחד: למשך זמן, עד מועד, או עד שהתקלה תחלוף",
    ),
    "fault.everything": (
        'give `type`, `system` or `subject`: "*" for all three would mute everything',
        'יש לציין סוג, מערכת או נושא: "*" בשלושתם ישתיק הכול',
    ),
    "fault.starts_far": ("`starts_at` is more than {longest} away", "תחילת ההשתקה רחוקה ביותר מ-{longest}"),
    "fault.hours_together": ("`from` and `to` go together", "יש למלא גם שעת התחלה וגם שעת סיום"),
    "fault.days_with_hours": (
        "`days` goes with `from` and `to`",
        "ימים אפשר לבחור רק יחד עם שעת התחלה ושעת סיום",
    ),
    "fault.comes_back": (
        "what comes back goes on until `ends_at`, or until it is ended by hand",
        "השתקה שחוזרת נמשכת עד המועד שנקבע לה, או עד שמסיימים אותה",
    ),
    "fault.clock_time": (
        'expected a time of day such as "22:00"',
        'יש להזין שעה, למשל \u2066"22:00"\u2069',
    ),
    "fault.over_before": ("it would be over before it begins", "היא תסתיים עוד לפני שתתחיל"),
    "fault.lasts_long": ("it would last more than {longest}", "היא תימשך יותר מ-{longest}"),
    "fault.nothing_fires": (
        "nothing that it matches is firing, so there is no end to wait for",
        "שום תקלה שמתאימה לה אינה פעילה כרגע, ולכן אין למה לחכות",
    ),
    "fault.no_history": (
        "nothing is known of {subject} of the system {system}",
        "לא ידוע דבר על {subject} במערכת {system}",
    ),
    "fault.turned_around": ("`from` has to be before `to`", "ההתחלה צריכה להיות לפני הסוף"),
    "fault.too_fine": (
        "`step` is too short for so long a time: at most {most} buckets are given at once",
        "המרווח קצר מדי לזמן ארוך כל כך: לכל היותר {most} מרווחים בבת אחת",
    ),
    "fault.buckets_kept": (
        "`step` is too short: buckets of {step} s are kept for {kept}",
        "המרווח קצר מדי: נתונים במרווחים של {step} שניות נשמרים רק {kept}",
    ),
    "fault.no_number": ("the number must not be empty", "חסר מספר"),
    "fault.long_number": (
        "the number has more than {most} characters",
        "במספר יש יותר מ-{most} תווים",
    ),
    "fault.hidden_number": ("the number has {found} in it", "במספר יש תו סמוי: {found}"),
    "fault.no_name": ("the name must not be empty", "חסר שם"),
    "fault.long_name": ("the name has more than {most} characters", "בשם יש יותר מ-{most} תווים"),
    "fault.hidden_name": ("the name has {found} in it", "בשם יש תו אסור: {found}"),
    "fault.name_is_number": (
        "the name is a number itself, and would be taken for one",
        "השם הוא עצמו מספר, והוא עלול להיחשב לטלפון",
    ),
    "fault.blank_name": ("the name has nothing in it that is seen", "אין בשם שום תו גלוי"),
    "fault.no_contact": ("the store has no name for {number}", "לא נשמר כאן שם למספר {number}"),
    "fault.no_contact_here": (
        "the store has no name for {number}; the {source} has one, and is where to take it out",
        "לא נשמר כאן שם למספר {number}; הוא נקבע במקום אחר ({source}), ושם יש להסיר אותו",
    ),
    "fault.no_name_known": ("no name is known for {number}", "לא ידוע שם למספר {number}"),
    "fault.contacts_full": (
        "the store holds {most} contacts at most; take some out, or give contacts_file",
        "אפשר לשמור כאן {most} אנשי קשר לכל היותר; יש למחוק אחדים, או להגדיר contacts_file",
    ),
    "fault.system_not_watched": (
        "nothing is watched of a system {name}",
        "אין מעקב אחר מערכת בשם {name}",
    ),
    "fault.no_place": ("`after` is none that a page gave", "אין מקום כזה ברשימה"),
    "fault.ambiguous": (
        "several are called {name}: {candidates}; say which",
        "כמה נקראים {name}: {candidates}; יש לציין למי הכוונה",
    ),
    "fault.contacts_wrong": (
        "{number}, {name}: {error}; and {more} more are wrong",
        "{number}, {name}: {error}; ועוד {more} שגויים",
    ),
    "fault.no_such_feed": ("no feed is called {name}", "אין ערוץ בשם {name}"),
    "fault.feed_ahead": ("lies ahead of everything that happened", "זה אחרי כל מה שקרה עד כה"),
    "fault.feed_back": (
        "lies before {position}, which was acknowledged: `back` goes back",
        "זה לפני {position}, שכבר אושר; אפשר לחזור אחורה ב-`back`",
    ),
    "fault.feeds_full": (
        "there are {most} feeds already: remove one that nobody reads",
        "יש כבר {most} ערוצים; יש להסיר אחד שאיש אינו קורא",
    ),
    "fault.more_than": ("expected more than {gt}", "צריך להיות יותר מ-{gt}"),
    "fault.page_cursor": ("expected the cursor that a page gave", "צריך להיות הסמן שהיה בדף"),
    "fault.cursor_or_event": ("give one of `cursor` and `event`", "יש לתת אחד: `cursor` או `event`"),
    "fault.one_condition": (
        'give one of "is", "in", "not_in", "contains" and "starts_with"',
        'יש לתת אחד: "is", "in", "not_in", "contains" או "starts_with"',
    ),
    "fault.data_field": (
        'expected a field of the event\'s data, such as "sms.text"',
        'צריך להיות שדה מנתוני האירוע, כמו "sms.text"',
    ),
    "fault.kept_no_key": (
        "there is no key file: `[daemon] key_file` has to be one that can be written, and stays",
        "אין קובץ מפתח: `[daemon] key_file` צריך להיות קובץ שאפשר לכתוב ושנשאר במקומו",
    ),
    "fault.kept_other_key": (
        "it was kept under another key file: bring that one back, or remove it and add it anew",
        "הוא נשמר תחת קובץ מפתח אחר; יש להחזיר את הקובץ ההוא, או להסיר את היעד ולהוסיף אותו מחדש",
    ),
    "fault.kept_unfit": (
        "its settings are not those of this release: change it, or remove it and add it anew",
        "ההגדרות שלו אינן מתאימות לגרסה הזאת; יש לשנות אותו, או להסיר אותו ולהוסיף אותו מחדש",
    ),
    "fault.kept_no_template": (
        "the file has not its template any more: give that back, or change it",
        "התבנית שלו אינה עוד בקובץ; יש להחזיר אותה, או לשנות את היעד",
    ),
    "fault.kept_no_window": (
        "it goes by [[windows]] that the file has not any more: those do not count",
        "הוא נסמך על [[windows]] שאינם עוד בקובץ, ולכן אינם נחשבים",
    ),
    # Of the page's own.
    "fault.unreadable": (
        "is no date and time; write one such as 2026-11-23T18:00",
        "אינו תאריך ושעה; יש לכתוב כמו 2026-11-23T18:00",
    ),
    "fault.skipped": (
        "There is no such time: that night the clocks go forward over it. Choose an earlier or a later one.",
        "אין שעה כזאת: באותו לילה השעון מדלג עליה במעבר לשעון קיץ. יש לבחור שעה מוקדמת או מאוחרת יותר.",
    ),
    "fault.repeated": (
        "There is this time twice that night, as the clocks go back. Say which of the two is meant.",
        "באותו לילה השעה הזאת חוזרת פעמיים במעבר לשעון חורף. יש לבחור לאיזו מהשתיים הכוונה.",
    ),
    "fault.item": ("Item {n}: {fault}", "פריט {n}: {fault}"),
}
