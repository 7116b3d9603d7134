//! Cookies are not isolated by port (RFC 6265 §8.5): on `localhost` every server receives the
//! cookies of the others and can set theirs. These tests have an attacker on another port.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use e2e_tests::browser::BlockingBrowser;
use test_support::secrecy::contains_jwt;

use crate::login::{Origins, harness_with, log_in_and_allow, with_browser};

/// Serves one request, sets `plants` as cookies, and returns the cookies that it received.
fn hostile(plants: &[(&str, &str)]) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let planted: String = plants
        .iter()
        .map(|(name, value)| format!("Set-Cookie: {name}={value}; Path=/\r\n"))
        .collect();
    let one_request = move || {
        let mut stream = listener.accept().unwrap().0;
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        let lines = lines.take_while(|line| !line.is_empty());
        let headers = lines.filter_map(|line| {
            line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        });
        let cookies =
            headers.filter(|(name, _)| name == "cookie").map(|(_, value)| value).collect();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\n{planted}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        cookies
    };
    (address, thread::spawn(one_request))
}

/// Asserts that the browser has no session at A and none at C.
fn assert_logged_out(browser: &mut BlockingBrowser<'_>, at: &Origins) -> anyhow::Result<()> {
    browser.open(&format!("{}/account", at.a))?;
    assert!(browser.shows_error("not_logged_in"), "{}", browser.html());
    browser.open(&format!("{}/account", at.c))?;
    assert!(browser.has("login-submit"), "{}", browser.html());
    Ok(())
}

#[tokio::test]
async fn planted_session_cookie_is_ignored_and_replaced_at_login() {
    let harness = harness_with(|_| ()).await;
    with_browser(&harness, |alice, at| {
        // Well-formed session ids that the attacker knows.
        let planted = "A".repeat(43);
        let [of_a, of_c] = [at.session_of_a(), at.session_of_c()];
        let (evil, listening) = hostile(&[(&of_a, &planted), (&of_c, &planted)]);
        alice.open(&evil)?;
        listening.join().unwrap();
        assert_eq!(alice.cookie(&of_a), planted, "the attacker has set the cookie");
        assert_logged_out(alice, at)?;
        log_in_and_allow(alice, at)?;
        for name in [&of_a, &of_c] {
            assert_ne!(
                alice.cookie(name),
                planted,
                "{name} still has the value that the attacker knows"
            );
        }
        let mut mallory = BlockingBrowser::new()?;
        for name in [&of_a, &of_c] {
            mallory.cookies().set(name, &planted);
        }
        assert_logged_out(&mut mallory, at)
    })
    .await;
}

#[tokio::test]
async fn session_cookies_of_a_and_c_are_separate() {
    let harness = harness_with(|_| ()).await;
    with_browser(&harness, |alice, at| {
        log_in_and_allow(alice, at)?;
        let [of_a, of_c] = [at.session_of_a(), at.session_of_c()];
        let (a, c) = (alice.cookie(&of_a).to_owned(), alice.cookie(&of_c).to_owned());
        assert_ne!(a, c);
        let mut mallory = BlockingBrowser::new()?;
        mallory.cookies().set(&of_c, &a);
        mallory.cookies().set(&of_a, &c);
        assert_logged_out(&mut mallory, at)?;
        // Without the cookie of A she still has her session at C, because the two have different
        // names.
        alice.cookies().remove(&of_a);
        alice.open(&format!("{}/account", at.c))?;
        assert!(alice.has("sign-out-everywhere"), "{}", alice.html());
        Ok(())
    })
    .await;
}

/// The limits of plain http on loopback, as in `SECURITY.md`. Over https the attribute `Secure` and
/// the prefix `__Host-` close this gap; A and C have their own tests for that.
#[tokio::test]
async fn stolen_session_cookies_end_at_logout() {
    let harness = harness_with(|_| ()).await;
    with_browser(&harness, |alice, at| {
        log_in_and_allow(alice, at)?;
        let (evil, listening) = hostile(&[]);
        alice.open(&evil)?;
        let stolen = listening.join().unwrap();
        assert!(
            stolen.contains(&at.session_of_a()) && stolen.contains(&at.session_of_c()),
            "browsers send cookies to every port: {stolen}"
        );
        assert!(
            !contains_jwt(&stolen) && !stolen.contains("gpac_") && !stolen.contains("alice"),
            "{stolen}"
        );
        let mut mallory = BlockingBrowser::new()?;
        for (name, value) in stolen.split("; ").filter_map(|pair| pair.split_once('=')) {
            mallory.cookies().set(name, value);
        }
        alice.open(&format!("{}/account", at.a))?;
        alice.press("logout-submit", &[])?;
        assert_logged_out(&mut mallory, at)
    })
    .await;
}
