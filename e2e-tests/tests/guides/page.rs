use std::{collections::BTreeMap, fs, path::Path};

/// The addresses of C in the guides.
const HTTP_ISSUER: &str = "http://localhost:9000";
const HTTPS_ISSUER: &str = "https://localhost:9443";

/// A page of `docs/guides` with its code blocks that have a title.
pub struct Page(Vec<Block>);

struct Block {
    title: String,
    text: String,
}

impl Page {
    /// Reads a page. A block has a title if its info string contains `title=NAME`.
    pub fn read(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides").join(name);
        Self::parse(&fs::read_to_string(file).unwrap())
    }

    fn parse(text: &str) -> Self {
        let mut blocks = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if let Some((_, title)) = info.split_once("title=") {
                let title = title.split(' ').next().unwrap_or_default().to_owned();
                blocks.push(Block { title, text: body.join("\n") + "\n" });
            }
        }
        Self(blocks)
    }

    pub fn has_http_issuer(&self) -> bool {
        self.0.iter().any(|block| block.text.contains(HTTP_ISSUER))
    }

    /// Writes each block to the file that its title names. The address of C becomes `issuer`, and
    /// each port of the page the port it is mapped to; the rest is unchanged.
    pub fn write(&self, folder: &Path, issuer: &str, ports: &BTreeMap<u16, u16>) {
        for Block { title, text } in &self.0 {
            let file = folder.join(title);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let text = text.replace(HTTP_ISSUER, issuer).replace(HTTPS_ISSUER, issuer);
            fs::write(file, replace_ports(&text, ports)).unwrap();
        }
    }
}

/// Replaces every number that is one of the ports.
fn replace_ports(text: &str, ports: &BTreeMap<u16, u16>) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        let port = number.parse().ok().and_then(|port: u16| ports.get(&port));
        replaced += before;
        replaced += &port.map_or_else(|| number.to_owned(), ToString::to_string);
        rest = after;
    }
    replaced + rest
}

#[test]
fn titled_blocks_are_written_with_other_ports() {
    let page = Page::parse(
        "```sh\nskipped\n```\n\n```toml title=a/b.toml\nissuer = \"http://localhost:9000\"\n\
         port = 5000 # not 15000\n```\n",
    );
    let folder = tempfile::tempdir().unwrap();
    page.write(folder.path(), "https://localhost:5", &BTreeMap::from([(5000, 7)]));
    let written = fs::read_to_string(folder.path().join("a/b.toml")).unwrap();
    assert_eq!(written, "issuer = \"https://localhost:5\"\nport = 7 # not 15000\n");
    assert_eq!(page.0.len(), 1);
}
