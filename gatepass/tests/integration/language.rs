//! The output in Chinese.

use std::process::{Command, Output};

fn gatepass(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied()).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns the lines with two English words in a row. Scopes, claims, challenges and the bodies of
/// responses are what was sent; commands and usage are what is typed.
fn untranslated(printed: &str) -> Vec<&str> {
    let is_word = |word: &str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_sent = |line: &str| {
        let line = line.trim_start();
        ["scope ", "claims ", "www-authenticate ", "curl ", "用法：", "\""]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines = printed.lines().filter(|line| !is_sent(line));
    lines
        .filter(|line| {
            let words = line.split(' ').map(|word| word.trim_matches(['(', ')', ',', '.']));
            let words: Vec<_> = words.collect();
            words.windows(2).any(|pair| pair.iter().all(|word| is_word(word)))
        })
        .collect()
}

#[test]
fn untranslated_text_is_found() {
    let printed = "步骤 1  A -> C  请求访问令牌\n    C rejects: no kid\n    scope openid profile\n";
    assert_eq!(untranslated(printed), ["    C rejects: no kid"]);
}

#[test]
fn demo_speaks_the_language_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let once = ["--free-ports", "--once", "--manage", "--data-dir", folder];
    let printed = text(&gatepass(&[("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "C")], &once).stdout);
    assert!(printed.contains("步骤 1  A -> C  请求访问令牌"), "{printed}");
    assert_eq!(untranslated(&printed), Vec::<&str>::new());
    let english = [once.as_slice(), &["--lang", "en"]].concat();
    let printed = text(&gatepass(&[("LC_ALL", "zh_CN.UTF-8")], &english).stdout);
    assert!(printed.contains("Step 1  A -> C  Requests an access token"), "{printed}");
}

#[test]
fn every_walk_is_translated() {
    for selection in
        ["server-to-server", "legacy", "login", "first-login", "refresh", "revoke", "attack"]
    {
        let output = gatepass(&[], &["walk", selection, "--lang", "zh", "--viewer", NO_VIEWER]);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{printed}{}", text(&output.stderr));
        assert!(printed.lines().count() > 10, "{printed}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new(), "{selection}");
    }
}

#[test]
fn language_may_stand_before_the_command() {
    for language in [&["--lang", "zh"][..], &["--lang=zh"]] {
        let output =
            gatepass(&[], &[language, &["walk", "refresh", "--viewer", NO_VIEWER]].concat());
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{printed}{}", text(&output.stderr));
        assert!(printed.contains("刷新访问令牌"), "{printed}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new());
    }
    let output = gatepass(&[], &["--lang"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// A viewer URL at which nothing listens.
const NO_VIEWER: &str = "http://127.0.0.1:1";

#[test]
fn help_is_translated() {
    for command in ["", "walk", "doctor", "auth-server client add", "service-b doctor"] {
        let words = command.split_whitespace().chain(["--help", "--lang", "zh"]);
        let output = gatepass(&[], &words.collect::<Vec<_>>());
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        for part in ["用法：gatepass", "选项:", "显示帮助"] {
            assert!(printed.contains(part), "missing `{part}` in\n{printed}");
        }
        assert_eq!(untranslated(&printed), Vec::<&str>::new(), "{command}");
    }
    let printed = text(&gatepass(&[("LANG", "zh_CN.UTF-8")], &["walk", "--help"]).stdout);
    assert!(printed.contains("- first-login：用户的第一次登录"), "{printed}");
    assert!(printed.contains("（默认：http://localhost:9004）"), "{printed}");
    let printed = text(&gatepass(&[], &["--help"]).stdout);
    assert!(printed.contains("Usage: gatepass") && !printed.contains("用法"), "{printed}");
}

#[test]
fn errors_of_the_command_line_are_translated() {
    for (arguments, expected) in [
        (&["--nonsense"][..], "错误：没有参数 --nonsense"),
        (&["wlak"], "错误：没有命令 wlak"),
        (&["walk", "nothing"], "的值 nothing 无效；可选值：server-to-server、legacy"),
        (&["walk", "--viewer"], "错误：参数 --viewer <URL> 缺少值"),
        (&["auth-server", "user", "add"], "错误：缺少参数 <USERNAME>"),
    ] {
        let output = gatepass(&[("LANG", "zh_CN.UTF-8")], arguments);
        let printed = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(printed.contains(expected), "missing `{expected}` in {printed}");
        assert!(printed.contains("更多信息请使用 --help。"), "{printed}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new());
        let english = text(&gatepass(&[], arguments).stderr);
        assert!(english.starts_with("error: "), "{english}");
    }
    let output = gatepass(&[], &["--lang", "fr"]);
    assert!(text(&output.stderr).contains("unsupported language `fr`"), "{output:?}");
}
