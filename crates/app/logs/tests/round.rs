use logs::*;
use std::path::Path;
#[test]
fn round() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("app");
    let archiver = Archiver::new();
    let mut sink = FileSink::open(&app.join("web.1.log"), Rotation { file_bytes: 4096, ..Rotation::default() }, &archiver).unwrap();
    let mut follow = Reader::open(&app, Query { follow: true, ..Query::default() }).unwrap();
    let mut seen = Vec::new();
    for number in 0..1000_u64 {
        let mut out = Vec::new();
        let now = Timestamp::from_nanoseconds(number * 1_000_000);
        Record { time: now, stream: if number % 3 == 0 {Stream::Stderr} else {Stream::Stdout}, partial: false, joined: false, text: format!("line {number}").as_bytes() }.encode(&mut out);
        sink.write(&out, now).unwrap();
        if number % 7 == 0 { while let Some(item) = follow.next().unwrap() { if let Item::Event(event) = item { seen.push(String::from_utf8(event.text).unwrap()) } else { panic!("{item:?}") } } }
        if number % 100 == 0 { std::thread::sleep(std::time::Duration::from_millis(30)); }
    }
    for _ in 0..3 { follow.wait(std::time::Duration::from_millis(30)); while let Some(item) = follow.next().unwrap() { if let Item::Event(event) = item { seen.push(String::from_utf8(event.text).unwrap()) } else { panic!("{item:?}") } } }
    archiver.wait_until_idle();
    for f in std::fs::read_dir(&app).unwrap() { println!("{:?}", f.unwrap().path()); }
    println!("{}", std::fs::read_to_string(app.join("web.1.log.deleted")).unwrap_or_default());
    assert_eq!(seen, (0..1000).map(|n| format!("line {n}")).collect::<Vec<_>>());
    let mut reader = Reader::open(&app, Query { tail: Some(3), ..Query::default() }).unwrap();
    while let Some(item) = reader.next().unwrap() { println!("{item:?}"); }
    println!("{}", serde_json::to_string_pretty(&reader.cursor()).unwrap());
    let _ = Path::new("");
}
