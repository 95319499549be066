"""Writes heads of mails and reads them with the standard library of whatever Python runs it.

In: a JSON list of texts. Out: a JSON list, for each text the bytes of a letter in hexadecimal, and what its
subject and the name of its recipient are for each of the library's readers. It runs as a script, without any
package beside the daemon's own folder, whose parent is its only argument.
"""

import json
import sys
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

ADDRESS = "anna@example.org"


def witnessed(shown: str) -> list[object]:
    from daemon.senders import mail_head  # noqa: PLC0415 - only now its folder is known

    letter = EmailMessage(policy=mail_head.AS_WRITTEN)
    letter["Subject"] = mail_head.text("Subject", shown)
    letter["To"] = mail_head.mailbox("To", shown, ADDRESS)
    letter.set_content("-\n")
    raw = letter.as_bytes()
    new, old = message_from_bytes(raw, policy=policy.default), message_from_bytes(raw)
    (recipient,) = new["To"].addresses
    name, address = parseaddr(unfolded(old["To"]))
    return [
        raw.hex(),
        [str(new["Subject"]), str(make_header(decode_header(unfolded(old["Subject"]))))],
        [recipient.display_name, str(make_header(decode_header(name)))],
        [recipient.addr_spec, address],
        [repr(one) for one in (*new.defects, *new["Subject"].defects, *new["To"].defects)],
    ]


def unfolded(value: str) -> str:
    return "".join(value.splitlines())


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    json.dump([witnessed(one) for one in json.load(sys.stdin)], sys.stdout)
