//! Escapes in string literals, as Python's `unicode-escape` reads them.

/// The text a literal's content stands for. The error is Python's message.
///
/// Lone surrogates, which Python can hold and UTF-8 cannot, become U+FFFD.
pub(super) fn unescape(content: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find('\\') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut characters = after.chars();
        characters.next();
        let Some(c) = characters.next() else { return Err("\\ at end of string") };
        rest = characters.as_str();
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            '0'..='7' => {
                let digits = 1 + rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let start = content.len() - rest.len() - 1;
                let code = content.get(start..start + digits).unwrap_or_default();
                push(&mut out, u32::from_str_radix(code, 8).unwrap_or(0));
                rest = rest.get(digits - 1..).unwrap_or_default();
            }
            'x' => rest = hexadecimal(&mut out, rest, 2, "truncated \\xXX escape")?,
            'u' => rest = hexadecimal(&mut out, rest, 4, "truncated \\uXXXX escape")?,
            'U' => rest = hexadecimal(&mut out, rest, 8, "truncated \\UXXXXXXXX escape")?,
            'N' => return Err("unknown Unicode character name"),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn hexadecimal<'a>(
    out: &mut String,
    rest: &'a str,
    digits: usize,
    truncated: &'static str,
) -> Result<&'a str, &'static str> {
    let code = rest.get(..digits).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let code = code.and_then(|code| u32::from_str_radix(code, 16).ok()).ok_or(truncated)?;
    if code > 0x10_ffff {
        return Err("illegal Unicode character");
    }
    push(out, code);
    Ok(rest.get(digits..).unwrap_or_default())
}

fn push(out: &mut String, code: u32) {
    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn reads_pythons_escapes() {
        for (content, text) in [
            ("a\\x41\\u00e9\\n\\s", "aAé\n\\s"),
            ("\\101\\0\\7z", "A\0\u{7}z"),
            ("é\\\\", "é\\"),
            ("a\\\nb", "ab"),
        ] {
            assert_eq!(unescape(content).as_deref(), Ok(text));
        }
        assert_eq!(unescape("\\x4"), Err("truncated \\xXX escape"));
        assert_eq!(unescape("\\u00é9"), Err("truncated \\uXXXX escape"));
    }
}
