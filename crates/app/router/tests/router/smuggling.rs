//! Requests of which two readers could make two different things. Either they are refused or the instance sees one and the
//! same request, written anew.

use std::time::Duration;

use crate::app::{Front, Mirror, everything};

/// What the instance saw of bytes, and the statuses that the client got before the connection ended.
fn outcome(bytes: &str) -> (String, Vec<u16>) {
    let mirror = Mirror::start("\r\n\r\n");
    let front = Front::to(everything(&[("web.1", mirror.address)]));
    let mut client = front.connect();
    client.send(bytes);
    client.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut statuses = Vec::new();
    while let Ok(answer) = client.try_answer(false) {
        statuses.push(answer.status);
    }
    drop((client, front));
    std::thread::sleep(Duration::from_millis(50));
    (mirror.seen(), statuses)
}

#[test]
fn a_length_beside_chunks_smuggles_nothing() {
    // The chunks count, the length is not passed on, and the connection ends: what follows is never read.
    let (seen, statuses) = outcome(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
         1\r\nx\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(!seen.contains("smuggled") && !seen.to_lowercase().contains("content-length"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n1\r\nx\r\n0\r\n\r\n"), "{seen}");
    assert_eq!(statuses, [200]);
    let (seen, _) = outcome(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n\
         0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert!(!seen.contains("smuggled") && !seen.to_lowercase().contains("content-length"), "{seen}");
}

#[test]
fn what_is_no_clear_request_is_refused_and_never_seen() {
    for (what, request) in [
        ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 5\r\n\r\nabcde"),
        ("a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd"),
        ("a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nabcd"),
        ("a length in words", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: four\r\n\r\nabcd"),
        (
            "chunks not last",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        ),
        ("an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("chunks in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n folded\r\n\r\n"),
        ("a folded coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        (
            "a blank before the colon",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        ),
        ("a name that begins with a blank", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        ("a zero byte", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        ("a carriage return inside", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n"),
        ("no version", "GET /\r\nHost: a\r\n\r\n"),
        ("version 2.0 in words", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        ("a blank in the path", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("noise", "\u{1}\u{2}\u{3}\u{4}\r\n\r\n"),
    ] {
        let (seen, statuses) = outcome(&format!("{request}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!((seen.as_str(), statuses.as_slice()), ("", &[400][..]), "{what}");
    }
}

#[test]
fn refusals_say_what_happened() {
    let mirror = Mirror::start("\r\n\r\n");
    let mut front = Front::to(everything(&[("web.1", mirror.address)]));
    let mut client = front.connect();
    client.send("NONSENSE\r\n\r\n");
    let answer = client.answer();
    let id = answer.header("x-request-id").to_owned();
    assert_eq!(
        answer.text(),
        format!(
            "400 Bad Request\nThe request cannot be understood: its head is no HTTP.\nrequest id: {id}\n"
        )
    );
    assert!(client.is_closed());
    let event = front.event();
    assert_eq!((event.status.as_u16(), event.request_id, event.method), (400, id, None));
}

#[test]
fn bad_chunks_end_the_request_and_the_connection() {
    for chunk in [
        "x\r\nab\r\n0\r\n\r\n",
        "-1\r\nab\r\n0\r\n\r\n",
        "0x2\r\nab\r\n0\r\n\r\n",
        "2\r\nabXX0\r\n\r\n",
        "11111111111111111\r\nab\r\n0\r\n\r\n",
        "2\nab\n0\n\n",
        "2 \r\r\nab\r\n0\r\n\r\n",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        let (seen, statuses) = outcome(&request);
        assert!(!seen.contains("smuggled"), "{chunk:?}: {seen}");
        assert!(!seen.ends_with("0\r\n\r\n"), "{chunk:?} was made a whole request: {seen}");
        assert!(statuses == [400] || statuses.is_empty(), "{chunk:?}: {statuses:?}");
    }
}

#[test]
fn bare_line_feeds_are_written_anew() {
    let (seen, statuses) = outcome("GET /one HTTP/1.1\nHost: a\nX-One: 1\n\n");
    assert_eq!(statuses, [200]);
    assert!(
        seen.starts_with("GET /one HTTP/1.1\r\nhost: a\r\n") && !seen.replace("\r\n", "").contains('\n'),
        "{seen}"
    );
}

#[test]
fn an_answer_of_two_minds_is_read_by_its_chunks() {
    let address = crate::app::scripted(|_, mut app| {
        let _ = app.read();
        app.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        let _ = app.read();
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let answer = front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((answer.text(), answer.header("content-length")), ("ok", ""));
}
