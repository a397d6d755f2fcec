#!/usr/bin/env python3
"""Looks at signed messages with programs that know nothing of ours: dkimpy, icalendar and Python's own
parser.

    tests/verify.py FOLDER

FOLDER has records.json, the DNS as {name: TXT record}; and of each message NNNN.eml with
NNNN.json, {"to": address, "subject": text, "files": [names of attachments], "calendar": what stands in
its entry or null}. Every signature of every message has to hold, and what is changed on the way must not
pass. Ends with 1 and a line for each fault.
"""
import email
import email.policy
import json
import logging
import pathlib
import sys

import dkim
import icalendar

logging.disable(logging.CRITICAL)

# Every so many messages are changed in each of the ways below.
EVERY = 25


def main():
    folder = pathlib.Path(sys.argv[1])
    records = json.loads((folder / 'records.json').read_text('utf-8'))
    faults, passed, refused = [], 0, 0
    paths = sorted(folder.glob('*.eml'))
    for number, path in enumerate(paths):
        message = path.read_bytes()
        expected = json.loads(path.with_suffix('.json').read_text('utf-8'))
        for index in range(2):
            if verified(message, index, records):
                passed += 1
            else:
                faults.append(f'{path.name}: signature {index} does not hold')
        faults += [f'{path.name}: {fault}' for fault in misread(message, expected)]
        if number % EVERY == 1:
            for name, changed in changes(message):
                for index in range(2):
                    if verified(changed, index, records):
                        faults.append(f'{path.name}: signature {index} holds in spite of {name}')
                    else:
                        refused += 1
    if not paths:
        faults.append(f'{folder} has no messages')
    print('\n'.join(faults[:20]))
    print(f'{len(paths)} messages: {passed} signatures hold, {refused} changes are noticed, '
          f'{len(faults)} faults')
    sys.exit(1 if faults else 0)


def verified(message, index, records):
    def dns(name, timeout=5):
        return records.get(name.decode() if isinstance(name, bytes) else name, '').encode()

    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=dns)
    except dkim.DKIMException:
        return False


def misread(message, expected):
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    subject = str(parsed['Subject'])
    if subject != expected['subject']:
        yield f'the subject is {subject!r} and not {expected["subject"]!r}'
    files = [part.get_filename() for part in parsed.walk()]
    files = [name for name in files if name and name.endswith('.pdf')]
    if files != expected['files']:
        yield f'the files are {files!r} and not {expected["files"]!r}'
    # What is UTF-8 in a header comes as bytes that were no ASCII.
    spec = [f'{one.username}@{one.domain}' for one in parsed['To'].addresses]
    spec = [one.encode('utf-8', 'surrogateescape').decode('utf-8') for one in spec]
    if spec != [expected['to']]:
        yield f'it goes to {spec!r} and not {expected["to"]!r}'

    calendar = entry(parsed)
    if calendar != expected['calendar']:
        yield f'its entry is {calendar!r} and not {expected["calendar"]!r}'


def entry(parsed):
    """What a calendar makes of the message."""
    parts = [part for part in parsed.walk() if part.get_content_type() == 'text/calendar']
    if not parts:
        return None
    calendar = icalendar.Calendar.from_ical(parts[0].get_payload(decode=True))
    (event,) = calendar.walk('VEVENT')
    attendees = event.get('ATTENDEE', [])
    return {
        'methods': [str(calendar['METHOD']), parts[0].get_param('method')],
        'summary': str(event['SUMMARY']),
        'start': event['DTSTART'].dt.isoformat(),
        'end': event['DTEND'].dt.isoformat(),
        'attendees': [str(one) for one in (attendees if isinstance(attendees, list) else [attendees])],
        'yearly': event.get('RRULE', {}).get('FREQ') == ['YEARLY'],
    }


def changes(message):
    """The message as it must not pass, with a name for each way."""
    for name, old, new in [
        ('another way out', b'/u/a', b'/u/b'),
        ('another List-Unsubscribe-Post', b'=One-Click', b'=One-Clicl'),
        ('a second subject', b'\r\nSubject:', b'\r\nSubject: Other\r\nSubject:'),
        ('a second writer', b'\r\nFrom:', b'\r\nFrom: other@example.com\r\nFrom:'),
        ('another body', b'\r\n--=_', b'\r\nx\r\n--=_'),
    ]:
        if old in message:
            yield name, message.replace(old, new, 1)


if __name__ == '__main__':
    main()
