//! Encodings against small decoders written from the RFCs alone.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::Encoding;
use crate::{Event, Stream, Timestamp};

fn event(message: &[u8]) -> Event {
    Event {
        time: Timestamp::from_nanoseconds(1_795_860_000_123_456_789),
        app: "guestbook".into(),
        process: "web.1".into(),
        stream: Stream::Stdout,
        release: Some(7),
        message: message.to_vec(),
    }
}

fn encoded(url: &str, event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    Encoding::of(&url.parse().unwrap(), "host.example.com").encode(std::slice::from_ref(event), &mut out);
    out
}

/// Each event's message and what becomes of it in syslog, JSON and text.
#[test]
fn each_form_of_an_event() {
    let stderr =
        Event { stream: Stream::Stderr, release: None, ..event("naïve\n  at line 2 \u{1b}[31m".as_bytes()) };
    let cases: &[(&str, Event, &str)] = &[
        (
            "syslog://h:1",
            event(b"hello"),
            "124 <14>1 2026-11-28T10:00:00.123456Z host.example.com guestbook web.1 stdout \
             [origin software=\"guestbook\" swVersion=\"v7\"] hello",
        ),
        (
            "syslog://h:1#facility=local3",
            stderr.clone(),
            "104 <155>1 2026-11-28T10:00:00.123456Z host.example.com guestbook web.1 stderr - \
             \u{feff}naïve\n  at line 2 \u{1b}[31m",
        ),
        (
            "syslog://h:1#bom=no",
            Event { release: None, ..event("ï".as_bytes()) },
            "78 <14>1 2026-11-28T10:00:00.123456Z host.example.com guestbook web.1 stdout - ï",
        ),
        (
            "https://h/",
            event(b"say \"hi\"\xff\\"),
            "{\"time\":\"2026-11-28T10:00:00.123456789Z\",\"app\":\"guestbook\",\"process\":\"web.1\",\
             \"stream\":\"stdout\",\"message\":\"say \\\"hi\\\"\\\\xff\\\\\",\"release\":7}\n",
        ),
        (
            "stdout:#format=json",
            stderr.clone(),
            "{\"time\":\"2026-11-28T10:00:00.123456789Z\",\"app\":\"guestbook\",\"process\":\"web.1\",\
             \"stream\":\"stderr\",\"message\":\"naïve\\n  at line 2 \\u001b[31m\",\"release\":null}\n",
        ),
        (
            "stdout:",
            stderr,
            "2026-11-28T10:00:00.123456Z guestbook[web.1]: naïve\n\t  at line 2 \u{1b}[31m\n",
        ),
        ("file:///x", event(b"a\xc3(b"), "2026-11-28T10:00:00.123456Z guestbook[web.1]: a\\xc3(b\n"),
    ];
    for (url, event, expected) in cases {
        assert_eq!(String::from_utf8(encoded(url, event)).unwrap(), *expected, "{url}");
    }
}

#[test]
fn names_that_syslog_cannot_carry_are_made_to_fit() {
    let odd = Event {
        app: Arc::from("an app\"]\\".to_owned() + &"x".repeat(60)),
        process: Arc::from(""),
        ..event(b"")
    };
    let frames = frames(&encoded("syslog://h:1", &odd)).unwrap();
    let message = parse(&frames[0]).unwrap();
    assert_eq!(message.app, format!("an_app\"]\\{}", "x".repeat(39)));
    assert_eq!(message.process, "-");
    assert_eq!(message.origin.unwrap(), (message.app.clone(), "v7".to_owned()));
    assert_eq!(message.text, b"");
}

/// RFC 6587, 3.4.1: MSG-LEN SP SYSLOG-MSG, MSG-LEN = NONZERO-DIGIT *DIGIT.
fn frames(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|octet| *octet == b' ')?;
        let digits = std::str::from_utf8(&bytes[..space]).ok()?;
        if digits.starts_with('0') || digits.starts_with('+') {
            return None;
        }
        let (frame, rest) = bytes[space + 1..].split_at_checked(digits.parse().ok()?)?;
        frames.push(frame.to_vec());
        bytes = rest;
    }
    Some(frames)
}

#[derive(Debug)]
struct Message {
    priority: u8,
    time: String,
    host: String,
    app: String,
    process: String,
    id: String,
    origin: Option<(String, String)>,
    marked: bool,
    text: Vec<u8>,
}

/// RFC 5424, 6: HEADER SP STRUCTURED-DATA [SP MSG].
fn parse(frame: &[u8]) -> Option<Message> {
    let mut rest = frame;
    let mut word = || {
        let space = rest.iter().position(|octet| *octet == b' ')?;
        let word = std::str::from_utf8(&rest[..space]).ok()?.to_owned();
        rest = &rest[space + 1..];
        (!word.is_empty()).then_some(word)
    };
    let priority = word()?.strip_prefix('<')?.strip_suffix(">1")?.parse().ok()?;
    let (time, host, app, process, id) = (word()?, word()?, word()?, word()?, word()?);
    let origin = if let Some(behind) = rest.strip_prefix(b"-") {
        rest = behind;
        None
    } else {
        rest = rest.strip_prefix(b"[origin")?;
        let mut values = Vec::new();
        for key in [" software=\"", " swVersion=\""] {
            rest = rest.strip_prefix(key.as_bytes())?;
            let mut value = Vec::new();
            loop {
                let (first, behind) = rest.split_first()?;
                rest = behind;
                match first {
                    b'"' => break,
                    b'\\' => {
                        let (escaped, behind) = rest.split_first()?;
                        value.push(*escaped);
                        rest = behind;
                    }
                    b']' => return None,
                    other => value.push(*other),
                }
            }
            values.push(String::from_utf8(value).ok()?);
        }
        rest = rest.strip_prefix(b"]")?;
        Some((values.remove(0), values.remove(0)))
    };
    let rest = rest.strip_prefix(b" ")?;
    let unmarked = rest.strip_prefix(b"\xef\xbb\xbf");
    let (marked, text) = (unmarked.is_some(), unmarked.unwrap_or(rest).to_vec());
    Some(Message { priority, time, host, app, process, id, origin, marked, text })
}

fn any_event() -> impl Strategy<Value = Event> {
    let message = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        "\\PC{0,200}".prop_map(String::into_bytes),
        "[ -~\n]{0,3000}".prop_map(String::into_bytes),
    ];
    (
        0..4_102_444_800_000_000_000_u64,
        "\\PC{0,60}",
        "\\PC{0,140}",
        any::<bool>(),
        any::<Option<u64>>(),
        message,
    )
        .prop_map(|(time, app, process, error, release, message)| Event {
            time: Timestamp::from_nanoseconds(time),
            app: app.into(),
            process: process.into(),
            stream: if error { Stream::Stderr } else { Stream::Stdout },
            release,
            message,
        })
}

/// Undoes `\xHH` for octets that stand alone in no UTF-8; only for messages without backslashes of their own.
fn octets(text: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'\\' {
            octets.push(u8::from_str_radix(std::str::from_utf8(&behind[1..3]).unwrap(), 16).unwrap());
            rest = &behind[3..];
        } else {
            octets.push(*first);
            rest = behind;
        }
    }
    octets
}

proptest! {
    #[test]
    fn syslog_frames_decode_to_what_was_encoded(events in proptest::collection::vec(any_event(), 0..6)) {
        let encoding = Encoding::of(&"syslog://h:1#facility=local0".parse().unwrap(), "höst name");
        let mut bytes = Vec::new();
        encoding.encode(&events, &mut bytes);
        let frames = frames(&bytes).expect("frames");
        prop_assert_eq!(frames.len(), events.len());
        for (frame, event) in frames.iter().zip(&events) {
            let message = parse(frame).expect("a message");
            prop_assert_eq!(message.priority, if event.stream == Stream::Stderr { 131 } else { 134 });
            prop_assert_eq!(&message.host, "h_st_name");
            prop_assert_eq!(message.id, event.stream.name());
            prop_assert_eq!(message.time.len(), "2026-11-28T10:00:00.123456Z".len());
            prop_assert!(message.app.len() <= 48 && message.process.len() <= 128);
            prop_assert_eq!(
                message.origin.clone(),
                event.release.map(|release| (message.app.clone(), format!("v{release}")))
            );
            // A message that begins with a byte order mark of its own gets another one before it.
            prop_assert!(std::str::from_utf8(&message.text).is_ok());
            prop_assert_eq!(message.marked, !message.text.is_ascii());
            if !event.message.contains(&b'\\') {
                prop_assert_eq!(octets(&message.text), event.message.clone());
            }
        }
    }

    #[test]
    fn parts_are_within_the_bound_and_join_to_the_whole(event in any_event(), longest in 1024_usize..2000) {
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        for (options, out) in [(String::new(), &mut whole), (format!("#longest={longest}"), &mut parts)] {
            let target = format!("syslog://h:1{options}").parse().unwrap();
            Encoding::of(&target, &"h".repeat(300)).encode(std::slice::from_ref(&event), out);
        }
        let whole = parse(&frames(&whole).unwrap()[0]).unwrap();
        let mut text = Vec::new();
        for frame in frames(&parts).unwrap() {
            prop_assert!(frame.len() <= longest, "{} > {longest}", frame.len());
            let part = parse(&frame).unwrap();
            prop_assert_eq!(&part.time, &whole.time);
            prop_assert!(std::str::from_utf8(&part.text).is_ok());
            text.extend(part.text);
        }
        prop_assert_eq!(text, whole.text);
    }

    #[test]
    fn json_lines_decode_to_what_was_encoded(events in proptest::collection::vec(any_event(), 0..6)) {
        let mut bytes = Vec::new();
        Encoding::Json.encode(&events, &mut bytes);
        let lines: Vec<_> = bytes.split_inclusive(|octet| *octet == b'\n').collect();
        prop_assert_eq!(lines.len(), events.len());
        for (line, event) in lines.iter().zip(&events) {
            let value: Value = serde_json::from_slice(line).unwrap();
            prop_assert_eq!(value["app"].as_str(), Some(&*event.app));
            prop_assert_eq!(value["process"].as_str(), Some(&*event.process));
            prop_assert_eq!(value["stream"].as_str(), Some(event.stream.name()));
            prop_assert_eq!(value["release"].as_u64(), event.release);
            if let Ok(text) = std::str::from_utf8(&event.message) {
                prop_assert_eq!(value["message"].as_str(), Some(text));
            }
        }
    }

    #[test]
    fn text_lines_start_with_a_time_or_a_tab(event in any_event()) {
        let event = Event { app: "a".into(), process: "p".into(), ..event };
        let text = encoded("stdout:", &event);
        let (first, further) = text.split_inclusive(|octet| *octet == b'\n').collect::<Vec<_>>().split_first()
            .map(|(first, further)| (first.to_vec(), further.iter().map(|line| line.to_vec()).collect::<Vec<_>>()))
            .unwrap();
        prop_assert!(first.windows(7).any(|window| window == b"Z a[p]:"));
        prop_assert!(further.iter().all(|line| line.starts_with(b"\t")));
        prop_assert_eq!(further.len(), event.message.split(|octet| *octet == b'\n').count() - 1);
    }

    #[test]
    fn any_target_encodes_any_event(event in any_event()) {
        for url in ["stdout:", "file:///x#format=json", "syslog://h:1#longest=1024", "http://h/"] {
            assert!(!encoded(url, &event).is_empty());
        }
    }
}
