use proptest::prelude::*;
use report::Problem;

use super::{Format, Target, TargetError};

/// Each URL and how the target that it names is shown.
const READ: &[(&str, &str)] = &[
    ("stdout:", "stdout:"),
    ("STDOUT:#format=text", "stdout:"),
    ("stdout:?format=json", "stdout:#format=json"),
    ("file:///var/log/app.log", "file:///var/log/app.log"),
    ("file:/var/log/app.log#format=json", "file:///var/log/app.log#format=json"),
    ("file:///var/log/a%20b.log", "file:///var/log/a b.log"),
    ("syslog://logs.example.com:514", "syslog://logs.example.com:514"),
    ("syslog://logs.example.com:514/", "syslog://logs.example.com:514"),
    ("syslog://[::1]:514?facility=local3&longest=8KiB", "syslog://[::1]:514#facility=local3&longest=8192"),
    ("syslog+tls://10.0.0.1:6514?ca=/etc/ca.pem", "syslog+tls://10.0.0.1:6514#ca=/etc/ca.pem"),
    ("syslog://h:514?bom=no", "syslog://h:514#bom=no"),
    ("syslog+tls://h:6514#window=1MiB", "syslog+tls://h:6514#window=1048576"),
    ("http://logs.example.com", "http://logs.example.com/"),
    ("http://logs.example.com:8080/in", "http://logs.example.com:8080/in"),
    ("https://user:pa%2Fss@logs.example.com/in", "https://********@logs.example.com/in"),
    ("https://token@logs.example.com", "https://********@logs.example.com/"),
    ("https://logs.example.com?token=hunter2", "https://logs.example.com/?********"),
    (
        "https://logs.example.com/in?a=b#gzip&ca=/ca.pem",
        "https://logs.example.com/in?********#ca=/ca.pem&gzip",
    ),
    ("https://logs.example.com:443/in", "https://logs.example.com/in"),
];

#[test]
fn urls_are_read_and_shown_without_secrets() {
    for (url, shown) in READ {
        let target: Target = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(target.to_string(), *shown, "{url}");
        let debug = format!("{target:?}");
        assert!(!debug.contains("hunter2") && !debug.contains("pa/ss"), "{debug}");
    }
}

#[test]
fn what_is_shown_names_the_same_target_unless_something_is_masked_or_a_space() {
    for (url, shown) in READ.iter().filter(|(_, shown)| !shown.contains(['*', ' '])) {
        assert_eq!(url.parse::<Target>(), shown.parse::<Target>(), "{url}");
    }
}

#[test]
fn credentials_are_decoded() {
    let Ok(Target::Http(http)) = "https://us%40er:pa%2Fss:word@h/".parse() else { panic!("not read") };
    let credentials = http.credentials.unwrap();
    assert_eq!(credentials.user.reveal(), "us@er");
    assert_eq!(credentials.password.reveal(), "pa/ss:word");
}

/// Each URL that names nothing, what is said, and the advice.
const REFUSED: &[(&str, &str, &str)] = &[
    ("", "the drain's URL has no scheme", "write `syslog://HOST:PORT`"),
    ("logs.example.com:514", "the drain's URL has no scheme", "write `syslog://HOST:PORT`"),
    ("localhost:514", "the drain's URL has no scheme", "write `syslog://HOST:PORT`"),
    ("/var/log/x", "the drain's URL has no scheme", "write `syslog://HOST:PORT`"),
    ("syslogs://h:1", "there is no drain of the kind `syslogs:`", "did you mean `syslog`?"),
    ("redis://h:1", "there is no drain of the kind `redis:`", "there are stdout, file"),
    ("https://h/a b", "a character that has to be written as %20", "write %20"),
    ("https://h/ä", "a character that has to be written as %C3", "write %C3"),
    ("https://a%zz@h/", "a `%` that stands for no character", "as %25"),
    ("https://a%ff@h/", "a `%` that stands for no character", "as %25"),
    ("stdout:///x", "`stdout:` takes no path", "write `stdout:`"),
    ("file://var/log/x", "a file is named by its absolute path", "three slashes"),
    ("file:///", "a file is named by its absolute path", "three slashes"),
    ("syslog:h:1", "names no host", "behind the two slashes"),
    ("syslog://:514", "names no host", "behind the two slashes"),
    ("https:///path", "names no host", "behind the two slashes"),
    ("https://::1/", "names no host", "behind the two slashes"),
    ("https://[::1/", "neither a name nor an address", "in brackets"),
    ("https://[::1]x/", "neither a name nor an address", "in brackets"),
    ("https://a,b/", "neither a name nor an address", "in brackets"),
    ("https://h/<x>", "that HTTP cannot carry", "< as %3C"),
    ("syslog://h", "names no port", "514 is usual"),
    ("syslog://h:0", "no number from 1 to 65535", "%2F"),
    ("syslog://h:+5", "no number from 1 to 65535", "%2F"),
    ("https://user:hunter2/x@h/", "no number from 1 to 65535", "write / as %2F"),
    ("https://user#hunter2@h/", "an `@` behind `#` or `?`", "# as %23"),
    ("syslog://hunter2@h:1", "syslog knows no user and no password", "before the @"),
    ("syslog://h:1/x", "a syslog receiver has no path", "leave out"),
    ("syslog://h:1?ca=/x", "`syslog:` has no option `ca`", "syslog: has bom, facility, longest, window"),
    ("syslog://h:1?lonest=9000", "has no option `lonest`", "did you mean `longest`?"),
    ("syslog+tls://h:1?tls-insecure", "has no option `tls-insecure`", "always verified"),
    ("syslog+tls://h:1?ca=x", "the option `ca` takes the absolute path", ""),
    ("syslog://h:1?longest=100", "the option `longest` takes", "1024 is the least"),
    ("syslog://h:1?window=99999MiB", "the option `window` takes", ""),
    ("syslog://h:1?window=1MiB&window=1MiB", "the option `window` is given twice", "leave one"),
    ("syslog://h:1?bom=maybe", "the option `bom` takes `yes` or `no`", ""),
    ("syslog://h:1?facility=kern", "the option `facility` takes", ""),
    ("stdout:#format=xml", "the option `format` takes `text` or `json`", ""),
    ("https://h/#gzip=9", "the option `gzip` takes no value", ""),
];

#[test]
fn what_names_no_target_is_told_with_advice_and_without_secrets() {
    for (url, said, advice) in REFUSED {
        let error = url.parse::<Target>().expect_err(url);
        assert!(error.to_string().contains(said), "{url}: {error}");
        let problem = Problem::from(error);
        let hints = problem.hints.join("\n");
        assert!(hints.contains(advice), "{url}: {hints}");
        assert!(!format!("{} {hints}", problem.what).contains("hunter2"), "{url}");
    }
}

#[test]
fn errors_are_typed() {
    let error = "stdout:#colour=yes".parse::<Target>();
    let name = "colour".to_owned();
    assert_eq!(error, Err(TargetError::UnknownOption { scheme: "stdout", name, known: &["format"] }));
    assert_eq!("stdout:".parse(), Ok(Target::Stdout { format: Format::Text }));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(stdout|file|syslog|syslog\\+tls|http|https)?:?/{0,3}[ -~]{0,40}") {
        let _ = text.parse::<Target>();
    }

    #[test]
    fn any_password_survives_its_encoding_and_shows_nowhere(password in "\\PC{9,20}") {
        let encoded: Vec<_> = password.bytes().map(|octet| format!("%{octet:02x}")).collect();
        let encoded = encoded.concat();
        let target: Target = format!("http://u:{encoded}@h/").parse().unwrap();
        let shown = format!("{target} {target:?}");
        prop_assert!(!shown.contains(&password));
        let Target::Http(http) = target else { panic!("not HTTP") };
        let credentials = http.credentials.unwrap();
        prop_assert_eq!(credentials.password.reveal(), &password);
    }
}
