//! The output in Chinese.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::{doctor::environment, launcher::Launcher};

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
    let locale = [("LC_ALL", ""), ("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "C")];
    let demo = Launcher::start_in(&locale, folder.path(), &["--free-ports", "--manage"]);
    let printed = demo.until_printed("curl -i ");
    assert!(printed.contains("步骤 1  A -> C  请求访问令牌"), "{printed}");
    assert_eq!(untranslated(&printed), Vec::<&str>::new());
    let folder = folder.path().to_str().unwrap();
    let once = ["--free-ports", "--once", "--data-dir", folder];
    let printed = text(&gatepass(&locale, &once).stdout);
    assert!(printed.contains("因为使用了 --once"), "{printed}");
    assert_eq!(untranslated(&printed), Vec::<&str>::new());
    let english = [once.as_slice(), &["--lang", "en"]].concat();
    let printed = text(&gatepass(&[("LC_ALL", "zh_CN.UTF-8")], &english).stdout);
    assert!(printed.contains("Step 1  A -> C  Requests an access token"), "{printed}");
}

#[test]
fn doctor_reports_in_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Launcher::start(folder.path(), &["--free-ports"]);
    let printed = demo.until_printed("curl -i ");
    let environment = environment(&printed);
    let mut variables: Vec<_> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let other = tempfile::tempdir().unwrap();
    let doctor = |variables: &[(&str, &str)], folder: &Path| {
        let folder = folder.to_str().unwrap();
        let output = gatepass(variables, &["doctor", "--lang", "zh", "--data-dir", folder]);
        (text(&output.stdout), text(&output.stderr))
    };
    let (printed, _) = doctor(&variables, folder.path());
    assert!(printed.contains("  通过  设置") && printed.contains("0 项失败"), "{printed}");
    assert_eq!(untranslated(&printed), Vec::<&str>::new());
    let (printed, error) = doctor(&variables, other.path());
    for part in ["  失败  数据目录", "比较      数据目录", "没有这个文件"] {
        assert!(printed.contains(part), "missing `{part}` in {printed}");
    }
    assert_eq!(untranslated(&printed), Vec::<&str>::new());
    assert_eq!(error, "错误：诊断发现 1 个问题\n");
    // What the demo has registered differs from what this A would send.
    variables.push(("GATEPASS__SERVICE_A__PUBLIC_URL", "http://localhost:1"));
    let (printed, error) = doctor(&variables, folder.path());
    assert!(printed.contains("应为") && error.starts_with("错误：诊断发现"), "{printed}");
    assert_eq!(untranslated(&printed), Vec::<&str>::new());
}

#[test]
fn errors_of_commands_are_translated() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let control = ["--control", "http://127.0.0.1:1"];
    let port = [("GATEPASS__SERVICE_A__LISTEN", listen.as_str())];
    let unknown = [("GATEPASS__SERVICE_A__LISTNE", "x")];
    for (environment, arguments, expected) in [
        (&port[..], &["--once", "--data-dir", folder][..], "端口已被其他进程占用"),
        (&unknown, &["service-a"], "service-a 的设置无效：没有设置 `listne`；是否想写 `listen`？"),
        (&[], &[&["mint", "--client", "a"][..], &control].concat(), "没有控制 API 响应"),
        (&[], &[&["reset"][..], &control].concat(), "没有控制 API 响应"),
        (&[], &[&["faults", "add", "jwks", "--close"][..], &control].concat(), "没有控制 API 响应"),
        (&[], &["keys-of-nobody"], "没有命令"),
        (
            &[("GATEPASS__AUTH_SERVER__DATA_DIR", folder)],
            &["auth-server", "user", "list"],
            "没有数据库",
        ),
    ] {
        let environment = [environment, &[("LANG", "zh_CN.UTF-8")]].concat();
        let output = gatepass(&environment, arguments);
        let printed = text(&output.stderr);
        assert!(!output.status.success() && printed.starts_with("错误："), "{printed}");
        assert!(printed.contains(expected), "missing `{expected}` in {printed}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new());
    }
}

const SERVERS: [&str; 4] = ["auth-server", "service-a", "service-b", "flow-viewer"];

#[test]
fn comments_of_check_config_are_translated() {
    for server in SERVERS {
        let output = gatepass(&[("LANG", "zh_CN.UTF-8")], &[server, "check-config"]);
        let printed = text(&output.stdout);
        assert!(output.status.success(), "{printed}{}", text(&output.stderr));
        let comments: Vec<_> = printed.lines().filter(|line| line.starts_with('#')).collect();
        let comments = comments.join("\n");
        for part in [format!("# {server} 生效的设置"), "# 在生产环境中不安全：".to_owned()]
        {
            assert!(comments.contains(&part), "missing `{part}` in {comments}");
        }
        assert_eq!(untranslated(&comments), Vec::<&str>::new(), "{server}");
    }
}

#[test]
fn errors_of_settings_are_translated() {
    for server in SERVERS {
        let prefix = format!("GATEPASS__{}__", server.to_uppercase().replace('-', "_"));
        let (profile, scenarios) = (format!("{prefix}PROFILE"), format!("{prefix}SCENARIOS"));
        let mut environment = vec![("LANG", "zh_CN.UTF-8"), (&profile, "production")];
        if server == "flow-viewer" {
            environment.push((&scenarios, "true"));
        }
        let printed = text(&gatepass(&environment, &[server, "check-config"]).stderr);
        assert!(printed.contains("拒绝用不安全的设置启动：\n  "), "{server}: {printed}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new(), "{server}");
    }
    for (server, name, value, expected) in [
        ("auth-server", "AUDIT_RETENTION_DAYS", "0", "审计记录至少保留 1 天"),
        ("auth-server", "ALLOWED_HOSTS", "http://a", "不是主机名或 IP 地址"),
        ("auth-server", "CLIENTS_FILE", "/nowhere.toml", "没有这个文件或目录"),
        ("service-a", "PUBLIC_URL", "http://a.example/x", "不能带路径或查询"),
        ("service-a", "ISSUER", "ftp://c", "它既不是 https，也不是 http"),
        ("service-b", "CORS__ALLOWED_ORIGINS", "*", "不是来源"),
        ("service-b", "LIMITS__MAX_CONNECTIONS", "0", "请至少设置为 1"),
        ("flow-viewer", "TLS__CERT_FILE", "/nowhere.pem", "须成对设置"),
    ] {
        let name = format!("GATEPASS__{}__{name}", server.to_uppercase().replace('-', "_"));
        let output =
            gatepass(&[("LANG", "zh_CN.UTF-8"), (&name, value)], &[server, "check-config"]);
        let printed = text(&output.stderr);
        assert!(!output.status.success() && printed.starts_with("错误："), "{name}: {printed}");
        assert!(printed.contains(expected), "missing `{expected}` in {printed}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn errors_of_replaced_pages_are_translated() {
    for (name, content, expected) in [
        (
            "login.html",
            "{{ t(\"login.titel\") }}",
            "没有文本 `login.titel`：是否想写 `login.title`？",
        ),
        ("login.html", "{% extends \"layuot.html\" %}", "没有模板 `layuot.html`：是否想写"),
        // The template engine explains the error in English.
        (
            "login.html",
            "{% if %}",
            "错误：语法错误：unexpected end of block（login.html 第 1 行）\n",
        ),
        ("lgin.html", "", "没有可以替换的同名文件：是否想写 `login.html`？"),
        ("zh.toml", "login.titel = 'x'", "没有可以替换的文本 `login.titel`：是否想写"),
        ("zh.toml", "login.title = '{x'", "文本 `login.title` 中的花括号不成对"),
        (
            "zh.toml",
            "login.title = '{x}'",
            "文本 `login.title` 在 en.toml 中的花括号内容与另一种语言不同",
        ),
        ("zh.toml", "login.title =", "错误：zh.toml：TOML 第 1 行第 14 列有误\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
        let pages_dir = folder.path().to_str().unwrap();
        let environment =
            [("LANG", "zh_CN.UTF-8"), ("GATEPASS__AUTH_SERVER__PAGES_DIR", pages_dir)];
        let output = gatepass(&environment, &["auth-server", "check-config"]);
        let printed = text(&output.stderr);
        assert!(!output.status.success() && printed.contains(expected), "{name}: {printed}");
    }
}

#[test]
fn lists_of_clients_and_users_are_translated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let environment = [("LANG", "zh_CN.UTF-8"), ("GATEPASS__AUTH_SERVER__DATA_DIR", folder)];
    let add = ["auth-server", "client", "add", "own", "--create", "--scope", "openid"];
    let added = gatepass(&environment, &add);
    assert!(added.status.success(), "{}", text(&added.stderr));
    let printed = text(&gatepass(&environment, &["auth-server", "client", "list"]).stdout);
    for line in ["own  已启用  数据库  tokens=", "service-a  已启用  客户端文件  tokens="]
    {
        assert!(printed.contains(line), "missing `{line}` in {printed}");
    }
    for (command, expected) in [
        (&["client", "show", "nobody"][..], "错误：数据库中没有客户端 `nobody`\n"),
        (&["client", "add", "own", "--scope", "openid"], "错误：已有客户端 `own`\n"),
        (&["user", "disable", "nobody"], "错误：没有用户 `nobody`\n"),
    ] {
        let output = gatepass(&environment, &[&["auth-server"], command].concat());
        assert_eq!(text(&output.stderr), expected, "{command:?}");
    }
    let printed = text(&gatepass(&environment, &["auth-server", "client", "show", "own"]).stdout);
    assert!(printed.starts_with("# 数据库，已启用，密钥数：1\n"), "{printed}");
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
    for command in ["", "walk", "mint", "doctor", "auth-server client add", "service-b doctor"] {
        let words = command.split_whitespace().chain(["--help", "--lang", "zh"]);
        let output = gatepass(&[], &words.collect::<Vec<_>>());
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        for part in ["用法：gatepass", "\n\n选项：\n", "显示帮助"] {
            assert!(printed.contains(part), "missing `{part}` in\n{printed}");
        }
        assert!(!printed.contains("[possible"), "{printed}");
        let ascii_colons: Vec<_> = printed.lines().filter(|line| line.ends_with(':')).collect();
        assert_eq!(ascii_colons, Vec::<&str>::new(), "{command}");
        assert_eq!(untranslated(&printed), Vec::<&str>::new(), "{command}");
    }
    let printed = text(&gatepass(&[], &["--help", "--lang", "zh"]).stdout);
    assert!(printed.contains("\n\n命令：\n"), "{printed}");
    let printed = text(&gatepass(&[("LANG", "zh_CN.UTF-8")], &["walk", "--help"]).stdout);
    assert!(printed.contains("\n\n参数：\n"), "{printed}");
    assert!(printed.contains("- first-login：用户的第一次登录"), "{printed}");
    assert!(printed.contains("（默认：http://localhost:9004）"), "{printed}");
    let printed = text(&gatepass(&[], &["mint", "--help", "--lang", "zh"]).stdout);
    assert!(printed.contains("（可选值：access、id、refresh、code）（默认：access）"), "{printed}");
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
    for (locale, expected) in [
        ("C", "error: unsupported language `fr` for --lang; use en or zh"),
        ("zh_CN.UTF-8", "错误：--lang 不支持语言 `fr`；请使用 en 或 zh"),
    ] {
        let output = gatepass(&[("LANG", locale)], &["--lang", "fr"]);
        assert_eq!(text(&output.stderr).trim_end(), expected);
    }
}
